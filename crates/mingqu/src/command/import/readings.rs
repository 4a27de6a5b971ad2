//! `mingqu import readings`: readings by hand, looked at row by row, then signed and handed in meter by meter.

use std::collections::BTreeMap;

use clap::{Args, ValueEnum};
use disclosure::dsse::Envelope;
use disclosure::hand_readings::{
    HAND_READINGS_PAYLOAD_TYPE, HandReading, HandReadings, MAX_HAND_READINGS, MAX_NOTE_CHARS,
};
use domain::{DistrictId, MeterCode, Timestamp};
use service::Clock;
use service::hand_readings::{DraftReading, Preview, ReadingUnit};
use sheet::{Column, Problem, Problems, Record, Table};

use super::district::District;
use super::outcome::Outcome;
use super::{ImportArgs, Place, records, timestamp};
use crate::Verdict;
use crate::clock::SystemClock;

/// The value's columns: one of them is filled in.
const VALUE_COLUMNS: [(&str, ReadingUnit); 4] = [
    ("value", ReadingUnit::Own),
    ("value_m3", ReadingUnit::CubicMetres),
    ("value_kwh", ReadingUnit::KilowattHours),
    ("value_m", ReadingUnit::Metres),
];

/// What `import readings` takes.
#[derive(Debug, Args)]
pub struct ReadingsArgs {
    #[command(flatten)]
    import: ImportArgs,
    /// The heading of the meters' column, if it is another than 水表 or meter.
    #[arg(long)]
    meter_column: Option<String>,
    /// The heading of the times' column, if it is another than 时间 or time.
    #[arg(long)]
    time_column: Option<String>,
    /// The heading of the values' column; say --unit with it.
    #[arg(long, requires = "unit")]
    value_column: Option<String>,
    /// What the values of --value-column count.
    #[arg(long, requires = "value_column")]
    unit: Option<Unit>,
}

/// What a column of values counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Unit {
    /// Whole units of the meter itself.
    Own,
    /// Cubic metres.
    M3,
    /// Kilowatt-hours.
    Kwh,
    /// Metres of stage.
    M,
}

/// A row that can be read.
#[derive(Debug)]
struct Row {
    place: Place,
    draft: DraftReading,
    note: Option<String>,
}

/// Looks at the file; signs and hands in what is new if all of it is good.
pub fn run(args: &ReadingsArgs) -> anyhow::Result<Verdict> {
    let key = args.import.key()?;
    let sheets = args.import.sheets()?;
    let mut problems = Problems::default();
    let rows = records(&sheets, &args.columns(), &mut problems, read_row);
    let rows = without_repetitions(rows, &mut problems);
    let district = District::open(&args.import)?;
    let drafts: Vec<DraftReading> = rows.iter().map(|row| row.draft.clone()).collect();
    let previews = district.preview(&drafts)?;
    let mut outcome = Outcome { dry_run: args.import.dry_run, ..Outcome::default() };
    let fresh = judged(rows, previews, &mut problems, &mut outcome);
    outcome.note(&problems);
    if let (true, false, Some(key)) = (outcome.is_good(), args.import.dry_run, key) {
        for entry in entries(&district.id(), SystemClock.now(), fresh) {
            let payload = serde_json::to_vec(&entry)?;
            let mut envelope = Envelope::unsigned(HAND_READINGS_PAYLOAD_TYPE, payload);
            envelope.sign_with(&key)?;
            district.enter_readings(&envelope)?;
            outcome.handed_in += entry.readings.len();
        }
    }
    outcome.say(args.import.json)
}

impl ReadingsArgs {
    fn columns(&self) -> Vec<Column> {
        let named = |column: Column, heading: &Option<String>| match heading {
            Some(heading) => Column { names: vec![heading.clone()], ..column },
            None => column,
        };
        let meter = ["水表", "表号", "水表编号", "meter", "meter code"];
        let time = ["时间", "抄表时间", "读数时间", "time", "read at"];
        let values: [(&'static str, &[&str], Unit); 4] = [
            ("value", &["读数", "表底", "value", "reading"], Unit::Own),
            (
                "value_m3",
                &["读数(m³)", "读数(m3)", "读数(立方米)", "value m3", "reading m3"],
                Unit::M3,
            ),
            ("value_kwh", &["读数(kWh)", "读数(度)", "value kwh", "reading kwh"], Unit::Kwh),
            ("value_m", &["水位(m)", "水位(米)", "stage m"], Unit::M),
        ];
        let mut columns = vec![
            named(Column::required("meter", &meter), &self.meter_column),
            named(Column::required("time", &time), &self.time_column),
            Column::optional("note", &["备注", "说明", "note", "remark"]),
        ];
        columns.extend(values.into_iter().filter_map(|(key, names, unit)| {
            match (&self.value_column, self.unit) {
                (Some(heading), Some(wanted)) if wanted == unit => {
                    Some(Column::required(key, &[heading]))
                }
                (Some(_), _) => None,
                (None, _) => Some(Column::optional(key, names)),
            }
        }));
        columns
    }
}

fn read_row(table: &Table<'_>, record: &Record<'_>, problems: &mut Problems) -> Option<Row> {
    let meter = problems.note(record.text("meter"));
    let at = problems.note(timestamp(record, "time"));
    let value = problems.note(value(table, record));
    let note = problems.note(note(record));
    let (value, unit) = value?;
    let draft = DraftReading { meter: meter?, at: at?, value, unit };
    Some(Row { place: Place::of(record), draft, note: note? })
}

/// The one value of a row, and what it counts.
fn value(table: &Table<'_>, record: &Record<'_>) -> Result<(String, ReadingUnit), Problem> {
    let mut found = None;
    for (key, unit) in VALUE_COLUMNS.into_iter().filter(|(key, _)| table.has(key)) {
        if record.optional_text(key)?.is_none() {
            continue;
        }
        if found.is_some() {
            return Err(record.problem(key, "is a second value in one row: leave one out"));
        }
        found = Some((record.text(key)?, unit));
    }
    found.ok_or_else(|| {
        record.problem_of_row(
            "there is no value: fill in one of the columns 读数 / value, 读数(m³) / value m3, 读数(kWh) / value kwh, 水位(m) / stage m",
        )
    })
}

fn note(record: &Record<'_>) -> Result<Option<String>, Problem> {
    let note = record.optional_text("note")?;
    if note.as_ref().is_some_and(|note| note.chars().count() > MAX_NOTE_CHARS) {
        let message = format!("is too long: write at most {MAX_NOTE_CHARS} characters");
        return Err(record.problem("note", &message));
    }
    Ok(note)
}

/// One row for each meter and instant; a second one must say the same.
fn without_repetitions(rows: Vec<Row>, problems: &mut Problems) -> Vec<Row> {
    let mut by_instant: BTreeMap<(String, Timestamp), Row> = BTreeMap::new();
    for row in rows {
        let instant = (row.draft.meter.clone(), row.draft.at);
        match by_instant.get(&instant) {
            None => {
                by_instant.insert(instant, row);
            }
            Some(first) if first.draft == row.draft => {}
            Some(first) => {
                let message = format!(
                    "is another value of meter {} at {} than in {}",
                    row.draft.meter,
                    shown(row.draft.at),
                    first.place
                );
                problems.add(row.place.problem(&row.draft.value, message));
            }
        }
    }
    by_instant.into_values().collect()
}

/// A reading that can be entered.
struct Fresh {
    meter: String,
    note: Option<String>,
    reading: HandReading,
}

/// Sorts rows by what is stored already; `rows` and `previews` are in one order, by meter and time.
fn judged(
    rows: Vec<Row>,
    previews: Vec<Preview>,
    problems: &mut Problems,
    outcome: &mut Outcome,
) -> Vec<Fresh> {
    let mut fresh: Vec<Fresh> = Vec::new();
    for (row, preview) in rows.into_iter().zip(previews) {
        let Row { place, draft, note } = row;
        let at = shown(draft.at);
        match preview {
            Preview::New { value, falls_from } => {
                let meter = &draft.meter;
                outcome.new.push(format!("{place}: meter {meter} at {at}: {value}"));
                if let Some(before) = falls_from {
                    outcome.warnings.push(format!(
                        "{place}: meter {meter} shows {value} at {at}, and showed {} at {}: was it reset, swapped, or misread?",
                        before.value,
                        shown(before.at)
                    ));
                }
                let reading = HandReading { at: draft.at, value };
                fresh.push(Fresh { meter: draft.meter, note, reading });
            }
            Preview::Known { .. } => outcome.known += 1,
            Preview::Contradicts { value, stored } => {
                let message = format!(
                    "comes to {value}, and {} is stored of meter {} at {at}",
                    stored.value, draft.meter
                );
                problems.add(place.problem(&draft.value, message));
            }
            Preview::Refused { reason } => problems.add(place.problem("", reason)),
        }
    }
    fresh
}

/// Entries of at most [`MAX_HAND_READINGS`] readings, each of one meter and one note, by time.
fn entries(district: &DistrictId, now: Timestamp, fresh: Vec<Fresh>) -> Vec<HandReadings> {
    let mut by_note: BTreeMap<(String, Option<String>), Vec<HandReading>> = BTreeMap::new();
    for Fresh { meter, note, reading } in fresh {
        by_note.entry((meter, note)).or_default().push(reading);
    }
    let mut entries = Vec::new();
    for ((meter, note), readings) in by_note {
        // The registry knows it, so it is a code.
        let Ok(meter) = MeterCode::new(meter) else { continue };
        entries.extend(readings.chunks(MAX_HAND_READINGS).map(|readings| HandReadings {
            district: district.clone(),
            meter: meter.clone(),
            entered_at: now,
            readings: readings.to_vec(),
            note: note.clone(),
        }));
    }
    entries
}

fn shown(at: Timestamp) -> String {
    at.beijing().format("%Y-%m-%d %H:%M:%S").to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    const PAGE: &str = include_str!("../../../../../docs/formats/files.md");

    fn args(flags: &[&str]) -> ReadingsArgs {
        #[derive(clap::Parser)]
        struct Line {
            #[command(flatten)]
            args: ReadingsArgs,
        }
        let line = ["import", "f.csv", "--server", "s", "--dry-run"].iter().chain(flags);
        <Line as clap::Parser>::try_parse_from(line).unwrap().args
    }

    fn read(csv: &str, flags: &[&str]) -> (Vec<Row>, Vec<String>) {
        let sheets = sheet::open(csv.as_bytes()).unwrap();
        let mut problems = Problems::default();
        let rows = records(&sheets, &args(flags).columns(), &mut problems, read_row);
        let rows = without_repetitions(rows, &mut problems);
        (rows, problems.kept().iter().map(ToString::to_string).collect())
    }

    #[test]
    fn the_pages_example_is_read() {
        let (_, rest) = PAGE.split_once("```csv readings\n").unwrap();
        let (rows, problems) = read(rest.split_once("```").unwrap().0, &[]);
        assert_eq!(problems, [""; 0]);
        let first = &rows[0].draft;
        assert_eq!((first.value.as_str(), first.unit), ("4720.6", ReadingUnit::CubicMetres));
        assert_eq!(first.at, "2016-05-01T06:30:00Z".parse().unwrap());
        assert_eq!(rows[1].note.as_deref(), Some("停电后抄表"));
    }

    #[test]
    fn a_column_may_be_named_with_its_unit() {
        let flags = ["--value-column", "有功电度", "--unit", "kwh", "--meter-column", "电表"];
        let (rows, problems) = read("电表,时间,有功电度,读数\nd1,2016-05-01 8:00,12.5,7\n", &flags);
        assert_eq!(problems, [""; 0]);
        let draft = &rows[0].draft;
        assert_eq!((draft.value.as_str(), draft.unit), ("12.5", ReadingUnit::KilowattHours));
    }

    #[test]
    fn the_same_row_twice_counts_once() {
        let row = "w1,2016-05-01 8:00,7\n";
        let (rows, problems) = read(&format!("meter,time,value\n{row}{row}"), &[]);
        assert_eq!((rows.len(), problems.len()), (1, 0));
    }

    #[test]
    fn rejects_rows_that_contradict_each_other() {
        let csv = "meter,time,value\nw1,2016-05-01 8:00,7\nw1,2016/5/1 8:00,8\n";
        let (_, problems) = read(csv, &[]);
        assert!(
            problems[0].starts_with("row 3: \"8\" is another value of meter w1"),
            "{problems:?}"
        );
        assert!(problems[0].ends_with("than in row 2"), "{problems:?}");
    }

    #[test]
    fn rejects_two_values_in_one_row_and_none() {
        let csv = "meter,time,value,value m3\nw1,2016-05-01 8:00,7,8\nw1,2016-05-01 9:00,,\n";
        let (rows, problems) = read(csv, &[]);
        assert_eq!((rows.len(), problems.len()), (0, 2));
        assert!(problems[0].contains("second value"), "{problems:?}");
        assert!(problems[1].contains("there is no value"), "{problems:?}");
    }

    #[test]
    fn an_entry_is_of_one_meter_and_note_and_not_too_long() {
        let at = |minute: i64| Timestamp::EARLIEST.plus_millis(minute * 60_000);
        let fresh = |minute, note: Option<&str>| Fresh {
            meter: "w1".into(),
            note: note.map(str::to_owned),
            reading: HandReading { at: at(minute), value: minute },
        };
        let many = (0..700).map(|minute| fresh(minute, None)).chain([fresh(800, Some("停电"))]);
        let entries = entries(&DistrictId::new("d").unwrap(), at(900), many.collect());
        let sizes: Vec<_> = entries.iter().map(|entry| entry.readings.len()).collect();
        assert_eq!(sizes, [MAX_HAND_READINGS, 200, 1]);
    }
}
