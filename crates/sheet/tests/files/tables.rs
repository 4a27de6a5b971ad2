use sheet::{Column, Instant, Problem, Problems, open};

use super::{NOON_MS, columns};

/// What is said of a CSV file in which headings are looked for.
fn refusal(csv: &str) -> Problem {
    open(csv.as_bytes()).unwrap()[0].table(&columns()).unwrap_err()
}

#[test]
fn headings_are_found_in_both_languages_below_a_title_and_in_any_order() {
    for csv in [
        "时间,水表,读数(m³)\n2016-05-01 14:00,w1,12.5\n",
        "readings of May;;\n;;\nMETER;Time;Reading_m3;collected by\nw1;2016-05-01 14:00;12.5;x\n",
        "水　表\t读数（m³）\t时间\nw1\t１２.５\t2016年5月1日14时00分\n",
    ] {
        let sheets = open(csv.as_bytes()).unwrap();
        let table = sheets[0].table(&columns()).unwrap();
        let record = table.records().next().unwrap();
        assert_eq!(record.text("meter").as_deref(), Ok("w1"), "{csv}");
        assert_eq!(record.text("value").as_deref(), Ok("12.5"), "{csv}");
        assert_eq!(record.instant("time"), Ok(Instant(NOON_MS)), "{csv}");
        assert_eq!(table.records().count(), 1, "{csv}");
    }
}

#[test]
fn a_heading_may_be_named_by_the_person() {
    let mut columns = columns();
    columns[0].names = vec!["表号".into()];
    let sheets = open("表号,时间,读数(m³)\nw1,2016-05-01 14:00,1\n".as_bytes()).unwrap();
    assert!(sheets[0].table(&columns).is_ok());
}

#[test]
fn rejects_a_table_without_its_headings() {
    let problem = refusal("水表,日期,备注\nw1,2016-05-01,\n");
    assert_eq!(
        problem.to_string(),
        "row 1: \"水表, 日期, 备注\" lacks the column 时间 / time and 读数(m³) / reading m3: add the heading"
    );
}

#[test]
fn rejects_two_columns_that_mean_the_same() {
    let problem = refusal("水表,时间,读数(m³),Meter\nw1,2016-05-01 14:00,1,w2\n");
    assert_eq!(problem.column, "Meter");
    assert!(problem.message.contains("\"水表\""), "{problem}");
}

#[test]
fn all_problems_of_a_file_are_said_at_once() {
    let csv = "水表,时间,读数(m³)\nw1,5月1日,1\n,2016-05-01 14:00,\nw3,,3\nw4,2016-05-01 14:00,4\n";
    let sheets = open(csv.as_bytes()).unwrap();
    let table = sheets[0].table(&columns()).unwrap();
    let mut problems = Problems::default();
    let mut good = 0;
    for record in table.records() {
        let meter = problems.note(record.text("meter"));
        let time = problems.note(record.instant("time"));
        let value = problems.note(record.text("value"));
        good += usize::from(meter.is_some() && time.is_some() && value.is_some());
    }
    assert_eq!(good, 1);
    let said: Vec<String> = problems.kept().iter().map(ToString::to_string).collect();
    assert_eq!(said.len(), 4);
    assert!(
        said[0].starts_with("row 2, column 时间: \"5月1日\" is not a date and time: write 2016")
    );
    assert_eq!(said[1], "row 3, column 水表: is empty: fill it in");
    assert_eq!(said[2], "row 3, column 读数(m³): is empty: fill it in");
    assert_eq!(said[3], "row 4, column 时间: is empty: fill it in");
}

#[test]
fn a_row_that_holds_nothing_for_us_is_no_record() {
    let csv = "水表,时间,读数(m³),其他\n,,,合计\nw1,2016-05-01 14:00,1,\n";
    let sheets = open(csv.as_bytes()).unwrap();
    let table = sheets[0].table(&columns()).unwrap();
    assert_eq!(table.records().map(|record| record.row()).collect::<Vec<_>>(), [3]);
    let column = Column::required("x", &["x"]);
    assert!(column.required);
}
