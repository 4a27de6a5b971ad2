use super::*;

const HEADINGS: &str = "户号,社,户主,面积(亩),作物,水源,水权(方)\n";
const VILLAGE: &str = r#"{"id":"dongqu","name":"东渠村","groups":[{"id":"g1","name":"一社"},{"id":"g2","name":"二社"}]}"#;

fn read_bytes(bytes: &[u8]) -> (Vec<Household>, Vec<String>) {
    let sheets = sheet::open(bytes).unwrap();
    let village: Village = serde_json::from_str(VILLAGE).unwrap();
    let mut problems = Problems::default();
    let households = read(&sheets, &village, &mut problems);
    (households, problems.kept().iter().map(ToString::to_string).collect())
}

fn read_rows(rows: &str) -> (Vec<Household>, Vec<String>) {
    read_bytes(format!("{HEADINGS}{rows}").as_bytes())
}

/// The households of the sample, however it is written.
fn is_the_sample((households, problems): &(Vec<Household>, Vec<String>)) {
    assert_eq!(*problems, [""; 0]);
    let entries: Vec<RosterEntry> = households.iter().map(|one| one.entry.clone()).collect();
    let json = serde_json::to_string(&entries).unwrap();
    assert_eq!(
        json,
        concat!(
            r#"[{"household":"101","group":"g1","plots":[{"crop":"制种玉米","source":"ground","area":840},"#,
            r#"{"crop":"小麦","source":"surface","area":250}],"water_right_litres":2160500},"#,
            r#"{"household":"1002","group":"g2","plots":[{"crop":"蔬菜","source":"surface","area":1}]}]"#
        )
    );
    let names: Vec<_> = households.iter().map(|one| one.holder.as_ref()).collect();
    assert_eq!(names, [Some(&MaskedName::new("张*明").unwrap()), None]);
}

const SAMPLE: &str = "1002,二社,,0.01,蔬菜,渠水,\n101,g1,张小明,8.4,制种玉米,地下水,2160.5\n101,一社,张小明,2.50,小麦,地表水,\n";

#[test]
fn rows_of_one_number_are_one_household() {
    is_the_sample(&read_rows(SAMPLE));
}

#[test]
fn reads_every_form_that_clerks_hand_in() {
    let table = format!("{HEADINGS}{SAMPLE}");
    is_the_sample(&read_bytes(format!("\u{feff}{table}").as_bytes()));
    let (gbk, _, lossy) = encoding_rs::GBK.encode(&table);
    assert!(!lossy);
    is_the_sample(&read_bytes(&gbk));
    for separator in [";", "\t"] {
        is_the_sample(&read_bytes(table.replace(',', separator).as_bytes()));
    }
    let english = table.replace(
        HEADINGS.trim_end(),
        "household no,group,holder,area mu,crop,water source,water right m3",
    );
    is_the_sample(&read_bytes(english.as_bytes()));
    is_the_sample(&read_bytes(include_bytes!("../../../../../../sheet/vectors/roster.xlsx")));
}

/// The one problem of this row below a good one.
fn refused(row: &str) -> String {
    let (_, problems) = read_rows(&format!("101,一社,张小明,8.4,玉米,地下水,10\n{row}\n"));
    assert_eq!(problems.len(), 1, "{row}: {problems:?}");
    problems.into_iter().next().unwrap()
}

#[test]
fn rejects_areas_that_are_zero_absurd_or_badly_written() {
    for area in ["0", "0.00", "100000.01", "8.405", "八亩", "-1", "8，4", "1e2", ""] {
        let problem = refused(&format!("102,一社,,{area},玉米,地下水,"));
        assert!(problem.starts_with("row 3, column 面积(亩): "), "{problem}");
    }
    let together = refused("101,一社,,99999,小麦,地下水,");
    assert!(together.contains("above 100000.00 mu"), "{together}");
}

#[test]
fn rejects_numbers_groups_sources_crops_and_rights_that_cannot_be() {
    for (row, column, words) in [
        ("合计,一社,,1,玉米,地下水,", "户号", "cannot be"),
        (",一社,,1,玉米,地下水,", "户号", "is empty"),
        ("102,三社,,1,玉米,地下水,", "社", "is no group of 东渠村: write 一社, 二社"),
        ("102,,,1,玉米,地下水,", "社", "is empty"),
        ("102,一社,,1,,地下水,", "作物", "is empty"),
        ("102,一社,,1,玉\u{200b}米,地下水,", "作物", "visible characters"),
        ("102,一社,,1,玉米,雨水,", "水源", "write 地表水 / surface or 地下水 / ground"),
        ("102,一社,,1,玉米,,", "水源", "is empty"),
        ("102,一社,,1,玉米,地下水,很多", "水权(方)", "cannot be"),
        ("102,一社,,1,玉米,地下水,1000000000.001", "水权(方)", "above"),
        ("102,一社,*明,1,玉米,地下水,", "户主", "visible characters"),
    ] {
        let problem = refused(row);
        assert!(problem.starts_with(&format!("row 3, column {column}: ")), "{problem}");
        assert!(problem.contains(words), "{words}: {problem}");
    }
}

#[test]
fn rejects_rows_of_one_household_that_say_different_things() {
    for (row, column, words) in [
        ("101,二社,,1,小麦,地下水,", "社", "is another group of household 101 than in row 2"),
        (
            "101,一社,李四,1,小麦,地下水,",
            "户主",
            "is another holder of household 101 than in row 2",
        ),
        ("101,一社,,1,小麦,地下水,11", "水权(方)", "is another water right of household 101"),
        ("101,一社,,1,玉米,地下水,", "作物", "stands with the same source in row 2"),
    ] {
        let problem = refused(row);
        assert!(problem.starts_with(&format!("row 3, column {column}: ")), "{problem}");
        assert!(problem.contains(words), "{words}: {problem}");
    }
}

#[test]
fn rejects_more_plots_than_a_household_has() {
    let rows: Vec<String> =
        (0..=MAX_PLOTS).map(|n| format!("101,一社,,1,作物{n},地下水,\n")).collect();
    let (_, problems) = read_rows(&rows.concat());
    assert_eq!(problems, ["row 22: household 101 has more than 20 plots: add some up"]);
}

#[test]
fn rejects_a_table_without_households_or_headings() {
    assert_eq!(read_rows("").1, ["row 1: there is no household below the headings"]);
    let (_, problems) = read_bytes("户号,社,面积\n101,一社,1\n".as_bytes());
    assert!(problems[0].contains("lacks the column 作物"), "{problems:?}");
}

#[test]
fn every_wrong_cell_of_every_row_is_named_at_once() {
    let (_, problems) = read_rows("合计,九社,,0,,雨水,x\n102,九社,,1,玉米,地下水,\n");
    assert_eq!(problems.len(), 7, "{problems:?}");
}

#[test]
fn a_whole_name_is_not_kept() {
    let (households, _) = read_rows(SAMPLE);
    assert!(!format!("{households:?}").contains("小明"));
}
