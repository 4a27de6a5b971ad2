use base64::Engine as _;
use disclosure::merkle::Hash;
use sheet::{Cell, Sheet};

use crate::testing::{Answer, Town, get, page};

const NOTICE: &str = "/villages/east/rounds/2026-1/notice";

fn read(answer: &Answer) -> Sheet {
    sheet::open(&answer.body).unwrap().remove(0)
}

/// A column's figures, in units of the last decimal, the sum's row left out.
fn figures(sheet: &Sheet, heading: &str, decimals: usize) -> Vec<i64> {
    let column = sheet.rows[0].cells.iter().position(|cell| cell.to_string() == heading).unwrap();
    let lines = &sheet.rows[1..sheet.rows.len() - 1];
    lines.iter().map(|row| units(row.cells.get(column), decimals)).collect()
}

fn units(cell: Option<&Cell>, decimals: usize) -> i64 {
    let text = cell.map(ToString::to_string).unwrap_or_default();
    let (whole, part) = text.split_once('.').unwrap_or((&text, ""));
    format!("{whole}{part:0<decimals$}").parse().unwrap()
}

#[tokio::test]
async fn shows_the_columns_people_know() {
    let town = Town::busy().await;
    let zh = page(&town.router, NOTICE).await;
    zh.shows(&[
        "序号",
        "户主",
        "户号",
        "社",
        "面积(亩)",
        "作物",
        "轮次",
        "起止时间",
        "起止读数(方)",
    ]);
    zh.shows(&["斗口水量(方)", "分摊方式", "户水量(方)", "定额(方)", "超定额量(方)", "基本水费"]);
    zh.shows(&["计量水费", "加价", "补贴", "应缴(元)", "张*明", "制种玉米", "第一轮", "监督电话"]);
    zh.shows(&[
        "水管所签字",
        "村社签字",
        "station-1",
        "east-1",
        "/postings/8",
        "<svg class=\"qr\"",
    ]);
    let en = page(&town.router, &format!("{NOTICE}?lang=en&paper=a3")).await;
    en.shows(&["Holder", "Over quota (m³)", "Supervision phone", "class=\"notice a3\""]);
}

#[tokio::test]
async fn the_code_is_the_beginning_of_the_published_root() {
    let town = Town::busy().await;
    let checkpoint = page(&town.router, "/checkpoint").await;
    let root = checkpoint.text().lines().nth(2).unwrap().to_owned();
    let root = base64::engine::general_purpose::STANDARD.decode(root).unwrap();
    let root = Hash(root.try_into().unwrap()).to_hex();
    let code = &root[..8];
    page(&town.router, NOTICE).await.shows(&[&format!("短码 {code}"), "前 10 条"]);
}

#[tokio::test]
async fn the_lines_add_up_to_the_waterings_and_the_settlement() {
    let town = Town::busy().await;
    let csv = read(&page(&town.router, &format!("{NOTICE}.csv")).await);
    let shares = figures(&csv, "户水量(方)", 3);
    assert_eq!(shares.len(), 6, "two waterings, three households");
    let first: i64 = shares[..3].iter().sum();
    assert_eq!((first, shares.iter().sum::<i64>()), (111_000, 111_000 + 127_280));
    assert_eq!(figures(&csv, "斗口水量(方)", 3)[0], first);
    let due = figures(&csv, "应缴(元)", 2);
    let parts = ["基本水费", "计量水费", "加价", "其他费", "补贴"].map(|one| figures(&csv, one, 2));
    for (line, due) in due.iter().enumerate() {
        assert_eq!(parts.iter().map(|part| part[line]).sum::<i64>(), *due);
    }
    let run = town.service.store().bill_runs(&"east".parse().unwrap(), None).await.unwrap();
    assert_eq!(run, [], "no year was closed");
    let round = "2026-1".parse().unwrap();
    let runs =
        town.service.store().bill_runs(&"east".parse().unwrap(), Some(&round)).await.unwrap();
    assert_eq!(due.iter().sum::<i64>(), runs[0].total.get());
    page(&town.router, NOTICE).await.shows(&["等于斗口水量", "等于结算单的总数"]);
}

#[tokio::test]
async fn both_files_say_what_the_page_says() {
    let town = Town::busy().await;
    let csv = page(&town.router, &format!("{NOTICE}.csv")).await;
    let xlsx = page(&town.router, &format!("{NOTICE}.xlsx")).await;
    assert!(csv.body.starts_with("\u{feff}序号,户主,户号".as_bytes()));
    assert_eq!(csv.header("content-type"), "text/csv; charset=utf-8; header=present");
    assert_eq!(csv.header("content-disposition"), "attachment; filename=\"east-2026-1.csv\"");
    assert_eq!(xlsx.header("content-disposition"), "attachment; filename=\"east-2026-1.xlsx\"");
    let (csv, xlsx) = (read(&csv), read(&xlsx));
    assert_eq!(csv.rows.len(), xlsx.rows.len());
    assert_eq!(csv.rows[0], xlsx.rows[0]);
    for (heading, decimals) in [("户水量(方)", 3), ("应缴(元)", 2), ("面积(亩)", 2), ("序号", 0)]
    {
        assert_eq!(
            figures(&csv, heading, decimals),
            figures(&xlsx, heading, decimals),
            "{heading}"
        );
    }
    let holder = &xlsx.rows[1].cells[1];
    assert_eq!(*holder, Cell::Text("张*明".to_owned()));
}

#[tokio::test]
async fn an_unsettled_round_has_water_and_no_money() {
    let town = Town::busy().await;
    let path = "/villages/east/rounds/2026-2/notice";
    page(&town.router, path).await.shows(&["未结算", "还没有结算"]);
    let csv = page(&town.router, &format!("{path}.csv")).await;
    assert!(csv.text().contains(",9,未结算\r\n"), "{}", csv.text());
}

#[tokio::test]
async fn a_page_begins_where_it_is_asked_to() {
    let town = Town::busy().await;
    page(&town.router, &format!("{NOTICE}?row=5")).await.shows(&["第 5 至 6 行，共 6 行"]);
    page(&town.router, &format!("{NOTICE}?row=18446744073709551615")).await;
}

#[tokio::test]
async fn the_board_leads_to_it() {
    let town = Town::busy().await;
    let board = page(&town.router, "/villages/east/rounds/2026-1").await;
    board.shows(&[&format!("href=\"{NOTICE}\""), &format!("href=\"{NOTICE}.xlsx\"")]);
}

#[tokio::test]
async fn rejects_what_is_no_round_or_paper() {
    let town = Town::busy().await;
    for ending in ["", ".csv", ".xlsx"] {
        for (place, status) in [("east/rounds/2031-9", 404), ("west/rounds/2026-1", 404)] {
            let path = format!("/villages/{place}/notice{ending}");
            assert_eq!(get(&town.router, &path).await.status, status, "{path}");
        }
    }
    for query in ["paper=a0", "row=x", "row=-1"] {
        let path = format!("{NOTICE}?{query}");
        assert_eq!(get(&town.router, &path).await.status, 400, "{path}");
    }
}
