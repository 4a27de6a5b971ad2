//! `mingqu import payments`: what a bank took in, looked at row by row, then signed and recorded.

use std::collections::BTreeMap;

use anyhow::Context;
use clap::{Args, ValueEnum};
use disclosure::dsse::Envelope;
use domain::payment::{Payment, PaymentWay, ReceiptNo, parse_amount};
use domain::{Fen, HouseholdNo, Timestamp};
use service::Clock;
use service::payments::PaymentPreview;
use service::request::{Ask, MAX_PAYMENTS, REQUEST_PAYLOAD_TYPE, Request};
use sheet::{Column, Instant, Problem, Problems, Record, Table};

use super::district::District;
use super::outcome::{Outcome, PaymentSums};
use super::{ImportArgs, Place, records};
use crate::Verdict;
use crate::clock::SystemClock;

/// What `import payments` takes.
#[derive(Debug, Args)]
pub struct PaymentsArgs {
    #[command(flatten)]
    import: ImportArgs,
    /// How the payments of the file were made.
    #[arg(long, value_enum, default_value_t = Way::Bank)]
    way: Way,
}

/// How they were made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Way {
    /// Through a bank.
    Bank,
    /// In cash; the reference is then the number in the cash book.
    Cash,
}

/// A row that can be read.
#[derive(Debug)]
struct Row {
    place: Place,
    payment: Payment,
}

/// Looks at the file; signs and hands in what is new if all of it is good.
pub fn run(args: &PaymentsArgs) -> anyhow::Result<Verdict> {
    let key = args.import.key()?;
    let sheets = args.import.sheets()?;
    let mut problems = Problems::default();
    let way = match args.way {
        Way::Bank => PaymentWay::Bank,
        Way::Cash => PaymentWay::Cash,
    };
    let read = |table: &Table<'_>, record: &Record<'_>, problems: &mut Problems| {
        read_row(table, record, way, problems)
    };
    let rows =
        without_repetitions(records(&sheets, &columns(), &mut problems, read), &mut problems);
    let district = District::open(&args.import)?;
    let payments: Vec<Payment> = rows.iter().map(|row| row.payment.clone()).collect();
    let previews = district.preview_payments(&payments)?;
    let mut outcome = Outcome { dry_run: args.import.dry_run, ..Outcome::default() };
    let fresh = judged(rows, previews, &mut problems, &mut outcome);
    outcome.note(&problems);
    if let (true, false, Some(key)) = (outcome.is_good(), args.import.dry_run, key) {
        for payments in fresh.chunks(MAX_PAYMENTS) {
            let count = payments.len();
            let ask = Ask::RecordPayments { payments: payments.to_vec() };
            let request = Request { district: district.id(), asked_at: SystemClock.now(), ask };
            let payload = serde_json::to_vec(&request)?;
            let mut envelope = Envelope::unsigned(REQUEST_PAYLOAD_TYPE, payload);
            envelope.sign_with(&key)?;
            let answer = district.request(&envelope).with_context(|| {
                format!(
                    "{} payments before were recorded; hand the same file in again",
                    outcome.handed_in
                )
            })?;
            outcome.handed_in += count;
            outcome.receipts.extend(receipts_in(&answer));
        }
    }
    outcome.say(args.import.json)
}

fn columns() -> [Column; 6] {
    [
        Column::required(
            "household",
            &["户号", "农户编号", "缴费户号", "用户编号", "household", "household no"],
        ),
        Column::required(
            "amount",
            &[
                "金额(元)",
                "金额",
                "交易金额",
                "交易金额(元)",
                "缴费金额",
                "缴费金额(元)",
                "收入金额",
                "贷方金额",
                "amount",
                "amount yuan",
            ],
        ),
        Column::optional(
            "date",
            &["日期", "交易日期", "缴费日期", "付款日期", "入账日期", "date", "paid on"],
        ),
        Column::optional("time", &["交易时间", "缴费时间", "付款时间", "时间", "time", "paid at"]),
        Column::required(
            "reference",
            &[
                "流水号",
                "交易流水号",
                "银行流水号",
                "流水",
                "凭证号",
                "reference",
                "transaction no",
                "transaction number",
            ],
        ),
        Column::optional("note", &["备注", "附言", "说明", "note", "remark"]),
    ]
}

fn read_row(
    table: &Table<'_>,
    record: &Record<'_>,
    way: PaymentWay,
    problems: &mut Problems,
) -> Option<Row> {
    let household = problems.note(household(record));
    let amount_fen = problems.note(amount(record));
    let paid_at = problems.note(paid_at(table, record));
    let reference = problems.note(record.code("reference"));
    let note = problems.note(record.optional_text("note"));
    let payment = Payment {
        household: household?,
        amount_fen: amount_fen?,
        way,
        paid_at: paid_at?,
        reference: Some(reference?),
        note: note?,
    };
    // What the columns did not tell yet: reference and note.
    problems.note(payment.check().map_err(|error| record.problem_of_row(&error.to_string())))?;
    Some(Row { place: Place::of(record), payment })
}

fn household(record: &Record<'_>) -> Result<HouseholdNo, Problem> {
    let text = record.code("household")?;
    HouseholdNo::new(text)
        .map_err(|error| record.problem("household", &format!("cannot be: {error}")))
}

fn amount(record: &Record<'_>) -> Result<Fen, Problem> {
    parse_amount(&record.text("amount")?)
        .map_err(|error| record.problem("amount", &format!("cannot be: {error}")))
}

/// When it was paid: the date's column where it is filled in, else the time's; a date alone is its midnight in Beijing.
fn paid_at(table: &Table<'_>, record: &Record<'_>) -> Result<Timestamp, Problem> {
    for key in ["date", "time"].into_iter().filter(|key| table.has(key)) {
        if record.is_filled(key) {
            let Instant(millis) = record.instant_or_day(key)?;
            return Timestamp::from_millis(millis)
                .map_err(|error| record.problem(key, &format!("is not valid: {error}")));
        }
    }
    Err(record.problem_of_row(
        "there is no date: fill in one of the columns 日期 / date, 交易时间 / time",
    ))
}

/// Rows whose reference no row before them has.
fn without_repetitions(rows: Vec<Row>, problems: &mut Problems) -> Vec<Row> {
    let mut first: BTreeMap<String, Place> = BTreeMap::new();
    let mut kept = Vec::with_capacity(rows.len());
    for row in rows {
        let reference = row.payment.reference.clone().unwrap_or_default();
        if let Some(before) = first.get(&reference) {
            let message = format!("is the reference of {before} already: leave one out");
            problems.add(row.place.problem(&reference, message));
        } else {
            first.insert(reference, row.place.clone());
            kept.push(row);
        }
    }
    kept
}

/// Sorts rows by what the server says of them.
fn judged(
    rows: Vec<Row>,
    previews: Vec<PaymentPreview>,
    problems: &mut Problems,
    outcome: &mut Outcome,
) -> Vec<Payment> {
    let (mut fresh, mut sums) = (Vec::new(), PaymentSums::default());
    for (Row { place, payment }, preview) in rows.into_iter().zip(previews) {
        let amount = payment.amount_fen;
        let words = format!("{place}: household {}: {} yuan", payment.household, amount.yuan());
        match preview {
            PaymentPreview::New => {
                outcome.new.push(words);
                sums.new = sums.new + amount;
                fresh.push(payment);
            }
            PaymentPreview::Known { receipt } => {
                outcome.known += 1;
                outcome.known_rows.push(format!("{words}, receipt {receipt}"));
                sums.known = sums.known + amount;
            }
            PaymentPreview::Refused { reason } => {
                let reference = payment.reference.unwrap_or_default();
                problems.add(place.problem(&reference, format!("is refused: {reason}")));
                sums.refused = sums.refused + amount;
            }
        }
    }
    outcome.sums = Some(sums);
    fresh
}

/// The receipt numbers in an answer.
fn receipts_in(answer: &serde_json::Value) -> Vec<ReceiptNo> {
    let listed = answer["receipts"]["receipts"].as_array();
    let number = |one: &serde_json::Value| one["receipt"].as_u64().and_then(ReceiptNo::new);
    listed.into_iter().flatten().filter_map(number).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const PAGE: &str = include_str!("../../../../../docs/formats/files.md");

    fn read(csv: &str) -> (Vec<Row>, Vec<String>) {
        let sheets = sheet::open(csv.as_bytes()).unwrap();
        let mut problems = Problems::default();
        let read = |table: &Table<'_>, record: &Record<'_>, problems: &mut Problems| {
            read_row(table, record, PaymentWay::Bank, problems)
        };
        let rows = records(&sheets, &columns(), &mut problems, read);
        let rows = without_repetitions(rows, &mut problems);
        (rows, problems.kept().iter().map(ToString::to_string).collect())
    }

    #[test]
    fn the_pages_example_is_read() {
        let (_, rest) = PAGE.split_once("```csv payments\n").unwrap();
        let (rows, problems) = read(rest.split_once("```").unwrap().0);
        assert_eq!(problems, [""; 0]);
        let first = &rows[0].payment;
        assert_eq!((first.amount_fen, first.household.as_str()), (Fen(118_676), "101"));
        assert_eq!(first.paid_at, "2026-06-01T06:30:05Z".parse().unwrap());
        assert_eq!(first.reference.as_deref(), Some("2026060100017"));
        assert_eq!(rows[1].payment.paid_at, "2026-06-01T16:00:00Z".parse().unwrap());
        assert_eq!(rows[1].payment.note.as_deref(), Some("二季度水费"));
    }

    #[test]
    fn a_banks_columns_beside_those_wanted_are_left_alone() {
        let csv = "对账单,,,,,\n交易日期,交易时间,对方户名,贷方金额,流水号,缴费户号\n20260601,14:30:05,张三,\"1,186.7\",A-1,１０１\n";
        let (rows, problems) = read(csv);
        assert_eq!(problems, [""; 0]);
        let payment = &rows[0].payment;
        assert_eq!((payment.amount_fen, payment.household.as_str()), (Fen(118_670), "101"));
        assert_eq!(payment.paid_at, "2026-05-31T16:00:00Z".parse().unwrap());
        assert!(!format!("{payment:?}").contains("张三"));
    }

    #[test]
    fn rejects_amounts_that_nobody_pays() {
        let row = |amount: &str| format!("户号,金额,日期,流水号\n101,\"{amount}\",2026-06-01,A1\n");
        for (amount, part) in [
            ("-5.00", "is negative"),
            ("0", "more than 0"),
            ("1.005", "at most 2 decimals"),
            ("1,00.00", "commas"),
            ("99999999.00", "at most 1000000.00 yuan"),
            ("", "is empty"),
        ] {
            let (rows, problems) = read(&row(amount));
            assert!(rows.is_empty() && problems.len() == 1, "{amount}: {problems:?}");
            assert!(problems[0].starts_with("row 2, column 金额"), "{problems:?}");
            assert!(problems[0].contains(part), "{problems:?}");
        }
    }

    #[test]
    fn rejects_a_reference_that_stands_twice_or_is_none() {
        let csv = "户号,金额,日期,流水号\n101,5,2026-06-01,A1\n102,6,2026-06-01,A1\n103,7,2026-06-01,\n104,8,2026-06-01,流水 1\n";
        let (rows, problems) = read(csv);
        assert_eq!((rows.len(), problems.len()), (1, 3), "{problems:?}");
        assert!(
            problems.iter().any(|text| text.contains("row 3: \"A1\" is the reference of row 2"))
        );
        assert!(problems.iter().any(|text| text.contains("row 4, column 流水号")), "{problems:?}");
        assert!(problems.iter().any(|text| text.starts_with("row 5: reference")), "{problems:?}");
    }

    #[test]
    fn rejects_a_row_without_a_date_or_household() {
        let csv = "户号,金额,日期,时间,流水号\n101,5,,,A1\n,5,2026-06-01,,A2\n101,5,6月1日,,A3\n101,5,,2026-06-01 8:00,A4\n";
        let (rows, problems) = read(csv);
        assert_eq!((rows.len(), problems.len()), (1, 3), "{problems:?}");
        assert!(problems[0].contains("there is no date"), "{problems:?}");
        assert_eq!(rows[0].payment.paid_at, "2026-06-01T00:00:00Z".parse().unwrap());
    }

    #[test]
    fn rows_are_new_known_or_refused_with_their_sums() {
        let csv = "户号,金额,日期,流水号\n101,5,2026-06-01,A1\n102,6,2026-06-01,A2\n103,7.5,2026-06-01,A3\n";
        let (rows, mut problems, mut outcome) =
            (read(csv).0, Problems::default(), Outcome::default());
        let previews = vec![
            PaymentPreview::New,
            PaymentPreview::Known { receipt: "9".parse().unwrap() },
            PaymentPreview::Refused { reason: "no".to_owned() },
        ];
        let fresh = judged(rows, previews, &mut problems, &mut outcome);
        outcome.note(&problems);
        assert_eq!(fresh.len(), 1);
        assert_eq!(outcome.known_rows, ["row 3: household 102: 6.00 yuan, receipt 9"]);
        assert_eq!(outcome.problems, ["row 4: \"A3\" is refused: no"]);
        let sums = PaymentSums { new: Fen(500), known: Fen(600), refused: Fen(750) };
        assert_eq!(outcome.sums, Some(sums));
    }
}
