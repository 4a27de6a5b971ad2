//! `mingqu import turns`: turns that are over, as they were noted at the gate.

use std::collections::BTreeMap;

use anyhow::Context;
use clap::Args;
use disclosure::dsse::Envelope;
use domain::round::{Member, Turn};
use domain::share::ShareMethod;
use domain::units::parse_decimal;
use domain::{Area, OutletId, Timestamp, TurnId};
use service::Clock;
use service::past_turns::{PastTurn, TurnPreview};
use service::request::{Ask, REQUEST_PAYLOAD_TYPE, Request};
use sheet::{Column, Problem, Problems, Record, Table};

use super::district::District;
use super::outcome::Outcome;
use super::{ImportArgs, Place, records, timestamp};
use crate::Verdict;
use crate::clock::SystemClock;

/// What `import turns` takes.
#[derive(Debug, Args)]
pub struct TurnsArgs {
    #[command(flatten)]
    import: ImportArgs,
}

/// A row that can be read: a turn, or one household of it.
struct Row {
    place: Place,
    turn: Turn,
    closed_at: Timestamp,
    member: Option<Member>,
}

/// Looks at the file; signs and hands in each turn if all of it is good.
pub fn run(args: &TurnsArgs) -> anyhow::Result<Verdict> {
    let key = args.import.key()?;
    let sheets = args.import.sheets()?;
    let mut problems = Problems::default();
    let rows = records(&sheets, &columns(), &mut problems, read_row);
    let turns = gathered(rows, &mut problems);
    check_times(&turns, SystemClock.now(), &mut problems);
    let district = District::open(&args.import)?;
    let previews = district.preview_turns(&turns.iter().map(past).collect::<Vec<_>>())?;
    let mut outcome = Outcome { dry_run: args.import.dry_run, ..Outcome::default() };
    let fresh = judged(turns, previews, &mut problems, &mut outcome);
    outcome.note(&problems);
    if let (true, false, Some(key)) = (outcome.is_good(), args.import.dry_run, key) {
        for (place, turn, closed_at) in fresh {
            let ask = Ask::LogTurn { turn, closed_at, proposal: None };
            let request = Request { district: district.id(), asked_at: SystemClock.now(), ask };
            let payload = serde_json::to_vec(&request)?;
            let mut envelope = Envelope::unsigned(REQUEST_PAYLOAD_TYPE, payload);
            envelope.sign_with(&key)?;
            district.request(&envelope).with_context(|| {
                format!("{place}; {} turns before it were handed in", outcome.handed_in)
            })?;
            outcome.handed_in += 1;
        }
    }
    outcome.say(args.import.json)
}

fn columns() -> [Column; 13] {
    [
        Column::required("round", &["轮次", "round"]),
        Column::required("outlet", &["斗口", "机井", "outlet"]),
        Column::required("village", &["村", "village"]),
        Column::required("group", &["社", "组", "group"]),
        Column::required("opened", &["开始", "开闸时间", "开始时间", "opened", "opened at"]),
        Column::required("closed", &["结束", "关闸时间", "结束时间", "closed", "closed at"]),
        Column::optional("turn", &["编号", "轮灌编号", "turn"]),
        Column::optional("method", &["分摊方式", "方式", "method"]),
        Column::optional("household", &["户号", "household"]),
        Column::optional("area", &["面积", "面积(亩)", "area", "area mu"]),
        Column::optional("minutes", &["分钟", "用水分钟", "minutes"]),
        Column::optional("flow", &["流量", "流量(升/秒)", "flow", "flow l/s"]),
        Column::optional("weight", &["份额", "约定份额", "weight"]),
    ]
}

fn read_row(_: &Table<'_>, record: &Record<'_>, problems: &mut Problems) -> Option<Row> {
    let round = problems.note(code(record, "round"));
    let outlet = problems.note(code(record, "outlet"));
    let village = problems.note(code(record, "village"));
    let group = problems.note(code(record, "group"));
    let opened_at = problems.note(timestamp(record, "opened"));
    let closed_at = problems.note(timestamp(record, "closed"));
    let method = problems.note(method(record));
    let member = problems.note(member(record));
    let (outlet, opened_at, closed_at) = (outlet?, opened_at?, closed_at?);
    let id = problems.note(turn_id(record, &outlet, opened_at))?;
    let turn = Turn {
        id,
        round: round?,
        outlet,
        village: village?,
        group: group?,
        method: method?,
        members: Vec::new(),
        opened_at,
    };
    problems.note(
        turn.check_closing(closed_at)
            .map_err(|error| record.problem("closed", &format!("cannot be: {error}"))),
    )?;
    Some(Row { place: Place::of(record), turn, closed_at, member: member? })
}

/// The code in a column, as an identifier of its kind.
fn code<T>(record: &Record<'_>, key: &str) -> Result<T, Problem>
where
    T: std::str::FromStr,
    T::Err: std::fmt::Display,
{
    record
        .text(key)?
        .parse()
        .map_err(|error: T::Err| record.problem(key, &format!("cannot be: {error}")))
}

/// The code that is written down, or one made of outlet and time, so that the same row is always the same turn.
fn turn_id(
    record: &Record<'_>,
    outlet: &OutletId,
    opened_at: Timestamp,
) -> Result<TurnId, Problem> {
    if record.optional_text("turn")?.is_some() {
        return code(record, "turn");
    }
    let made = format!("{outlet}-{}", opened_at.beijing().format("%y%m%d%H%M"));
    TurnId::new(made).map_err(|_| {
        record.problem_of_row("needs a code of its own: add a column 编号 / turn, as the outlet's is too long to make one of it")
    })
}

fn method(record: &Record<'_>) -> Result<ShareMethod, Problem> {
    match record.optional_text("method")?.as_deref() {
        None | Some("面积" | "按面积" | "area") => Ok(ShareMethod::Area),
        Some("到户" | "计量到户" | "household") => Ok(ShareMethod::Household),
        Some("时间" | "按时间" | "分钟" | "minutes") => Ok(ShareMethod::Minutes),
        Some("时间流量" | "按时间和流量" | "minutes-flow") => Ok(ShareMethod::MinutesFlow),
        Some("份额" | "按约定份额" | "fixed") => Ok(ShareMethod::Fixed),
        Some(_) => Err(record.problem(
            "method",
            "is not a way to share: write 计量到户 / household, 面积 / area, 时间 / minutes, 时间流量 / minutes-flow \
             or 份额 / fixed",
        )),
    }
}

fn member(record: &Record<'_>) -> Result<Option<Member>, Problem> {
    if record.optional_text("household")?.is_none() {
        return match ["area", "minutes", "flow", "weight"]
            .into_iter()
            .find(|key| !matches!(record.optional_text(key), Ok(None)))
        {
            Some(key) => Err(record.problem(key, "is of no household: fill in 户号 / household")),
            None => Ok(None),
        };
    }
    let area = match record.optional_text("area")? {
        Some(_) => Some(
            Area::from_mu(&record.text("area")?)
                .map_err(|error| record.problem("area", &format!("cannot be: {error}")))?,
        ),
        None => None,
    };
    let minutes = figure(record, "minutes", 0, "is not a number of minutes: write whole minutes")?;
    let flow_ml_per_s =
        figure(record, "flow", 3, "is not a flow: write litres per second, like 20 or 12.5")?;
    let weight = figure(record, "weight", 0, "is not a weight: write a whole number")?;
    let household = code(record, "household")?;
    Ok(Some(Member { household, area, minutes, flow_ml_per_s, weight }))
}

/// A figure that may be noted for a household, in units of its last decimal.
fn figure(
    record: &Record<'_>,
    key: &'static str,
    decimals: u8,
    problem: &str,
) -> Result<Option<u32>, Problem> {
    let Some(text) = record.optional_text(key)? else { return Ok(None) };
    let value = parse_decimal(key, &text, decimals).ok().and_then(|value| value.try_into().ok());
    value.map(Some).ok_or_else(|| record.problem(key, problem))
}

/// The turns by time, each with the households of its rows.
fn gathered(rows: Vec<Row>, problems: &mut Problems) -> Vec<(Place, Turn, Timestamp)> {
    let mut turns: BTreeMap<TurnId, (Place, Turn, Timestamp)> = BTreeMap::new();
    for Row { place, turn, closed_at, member } in rows {
        let first = turns
            .entry(turn.id.clone())
            .or_insert_with(|| (place.clone(), turn.clone(), closed_at));
        let same = Turn { members: Vec::new(), ..first.1.clone() } == turn && first.2 == closed_at;
        let repeated = first.0 != place && member.is_none();
        if !same || repeated {
            let message = format!("has the code of the turn in {} and is another one", first.0);
            problems.add(place.problem(turn.id.as_str(), message));
            continue;
        }
        match member {
            Some(member) if first.1.members.iter().any(|one| one.household == member.household) => {
                let message = "stands twice in the same turn: leave one row out";
                problems.add(place.problem(member.household.as_str(), message));
            }
            member => first.1.members.extend(member),
        }
    }
    let mut turns: Vec<_> = turns.into_values().collect();
    turns.sort_by_key(|(_, turn, _)| turn.opened_at);
    turns
}

/// One outlet's water goes to one turn at a time, and none is over that has not begun.
fn check_times(turns: &[(Place, Turn, Timestamp)], now: Timestamp, problems: &mut Problems) {
    let mut last: BTreeMap<&OutletId, &(Place, Turn, Timestamp)> = BTreeMap::new();
    for one in turns {
        let (place, turn, closed_at) = one;
        if *closed_at > now {
            problems.add(place.problem(turn.id.as_str(), "closes in the future: check the date"));
        }
        if let Some((earlier, other, busy_until)) = last.get(&turn.outlet)
            && *busy_until > turn.opened_at
        {
            let message = format!(
                "opens outlet {} while turn {} in {earlier} still has its water",
                turn.outlet, other.id
            );
            problems.add(place.problem(turn.id.as_str(), message));
        }
        last.insert(&turn.outlet, one);
    }
}

fn past((_, turn, closed_at): &(Place, Turn, Timestamp)) -> PastTurn {
    PastTurn { turn: turn.clone(), closed_at: *closed_at }
}

/// Sorts turns by what is there already; both lists are in one order. Returns those that can be entered.
fn judged(
    turns: Vec<(Place, Turn, Timestamp)>,
    previews: Vec<TurnPreview>,
    problems: &mut Problems,
    outcome: &mut Outcome,
) -> Vec<(Place, Turn, Timestamp)> {
    let mut fresh = Vec::new();
    for (one, preview) in turns.into_iter().zip(previews) {
        match preview {
            TurnPreview::New => {
                outcome.new.push(shown(&one));
                fresh.push(one);
            }
            TurnPreview::Known => outcome.known += 1,
            TurnPreview::Refused { reason } => {
                let (place, turn, _) = one;
                problems.add(place.problem(turn.id.as_str(), format!("is refused: {reason}")));
            }
        }
    }
    fresh
}

fn shown((place, turn, closed_at): &(Place, Turn, Timestamp)) -> String {
    let wall = |at: Timestamp| at.beijing().format("%Y-%m-%d %H:%M").to_string();
    format!(
        "{place}: turn {} at outlet {} for {}/{}, {} to {}",
        turn.id,
        turn.outlet,
        turn.village,
        turn.group,
        wall(turn.opened_at),
        wall(*closed_at)
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    const PAGE: &str = include_str!("../../../../../docs/formats/files.md");
    const HEADINGS: &str = "round,outlet,village,group,opened,closed,method,household,minutes\n";
    const WIDE: &str = "轮次,斗口,村,社,开始,结束,分摊方式,户号,分钟,流量(升/秒),约定份额\n";

    fn read(csv: &str) -> (Vec<(Place, Turn, Timestamp)>, Vec<String>) {
        let sheets = sheet::open(csv.as_bytes()).unwrap();
        let mut problems = Problems::default();
        let rows = records(&sheets, &columns(), &mut problems, read_row);
        let turns = gathered(rows, &mut problems);
        check_times(&turns, "2016-06-01T00:00:00Z".parse().unwrap(), &mut problems);
        (turns, problems.kept().iter().map(ToString::to_string).collect())
    }

    #[test]
    fn the_pages_example_is_read() {
        let (_, rest) = PAGE.split_once("```csv turns\n").unwrap();
        let (turns, problems) = read(rest.split_once("```").unwrap().0);
        assert_eq!(problems, [""; 0]);
        let (_, turn, closed_at) = &turns[0];
        assert_eq!(turn.id.as_str(), "jing-1-1605011430");
        assert!(PAGE.contains("`jing-1-1605011430`"));
        assert_eq!(*closed_at, "2016-05-01T12:00:00Z".parse().unwrap());
    }

    #[test]
    fn households_of_one_turn_come_together() {
        let turn = "r1,w1,v1,g1,2016-05-01 8:00,2016-05-01 9:00,时间";
        let (turns, problems) = read(&format!("{HEADINGS}{turn},101,20\n{turn},102,40\n"));
        assert_eq!(problems, [""; 0]);
        let (_, turn, _) = &turns[0];
        assert_eq!(turn.method, ShareMethod::Minutes);
        let minutes: Vec<_> = turn.members.iter().map(|member| member.minutes).collect();
        assert_eq!((turns.len(), minutes), (1, vec![Some(20), Some(40)]));
    }

    #[test]
    fn every_way_to_share_is_read_with_its_figures() {
        let turn = "r1,w1,v1,g1,2016-05-01 8:00,2016-05-01 9:00";
        for (rest, method, figures) in [
            ("计量到户,101,,,", ShareMethod::Household, (None, None, None)),
            ("按面积,101,,,", ShareMethod::Area, (None, None, None)),
            ("按时间,101,20,,", ShareMethod::Minutes, (Some(20), None, None)),
            ("按时间和流量,101,20,12.5,", ShareMethod::MinutesFlow, (Some(20), Some(12_500), None)),
            ("按约定份额,101,,,3", ShareMethod::Fixed, (None, None, Some(3))),
        ] {
            let (turns, problems) = read(&format!("{WIDE}{turn},{rest}\n"));
            assert_eq!(problems, [""; 0], "{rest}");
            let (_, turn, _) = &turns[0];
            let member = &turn.members[0];
            assert_eq!(turn.method, method);
            assert_eq!((member.minutes, member.flow_ml_per_s, member.weight), figures, "{rest}");
        }
        for method in ShareMethod::ALL {
            let (turns, _) = read(&format!("{WIDE}{turn},{},101,,,\n", method.code()));
            assert_eq!(turns[0].1.method, method);
        }
    }

    #[test]
    fn rejects_figures_that_are_no_numbers_of_their_units() {
        let row = |rest: &str| {
            read(&format!("{WIDE}r1,w1,v1,g1,2016-05-01 8:00,2016-05-01 9:00,{rest}\n"))
                .1
                .join("\n")
        };
        for (rest, words) in [
            ("按时间和流量,101,20,快,", "litres per second"),
            ("按时间和流量,101,20,0.0001,", "litres per second"),
            ("按时间和流量,101,20,99999999,", "litres per second"),
            ("按约定份额,101,,,一半", "is not a weight"),
            ("按约定份额,101,,,0.5", "is not a weight"),
            (",,,20,", "no household"),
            (",,,,3", "no household"),
        ] {
            assert!(row(rest).contains(words), "{words}: {}", row(rest));
        }
    }

    #[test]
    fn rejects_what_cannot_be_a_turn() {
        let row = |opened: &str, closed: &str, rest: &str| {
            read(&format!("{HEADINGS}r1,w1,v1,g1,{opened},{closed},{rest}\n")).1.join("\n")
        };
        for (problem, words) in [
            (row("2016-05-01 8:00", "2016-05-01 8:00", ",,"), "cannot close"),
            (row("2016-05-01 8:00", "2016-07-01 8:00", ",,"), "future"),
            (row("2016-05-01 8:00", "2016-05-01 9:00", "抽签,,"), "area, 时间 / minutes"),
            (row("2016-05-01 8:00", "2016-05-01 9:00", ",101,ten"), "whole minutes"),
            (row("2016-05-01 8:00", "2016-05-01 9:00", ",,10"), "no household"),
            (row("2016-05-01 8:00", "2016-05-01 9:00", ",A 1,"), "a-z"),
        ] {
            assert!(problem.contains(words), "{words}: {problem}");
        }
    }

    #[test]
    fn rejects_turns_that_overlap_and_households_that_stand_twice() {
        let early = "r1,w1,v1,g1,2016-05-01 8:00,2016-05-01 10:00,,101,";
        let late = "r1,w1,v1,g2,2016-05-01 9:00,2016-05-01 11:00,,101,";
        let (_, problems) = read(&format!("{HEADINGS}{late}\n{early}\n{early}\n"));
        assert!(problems[0].contains("while turn w1-1605010800 in row 3"), "{problems:?}");
        assert!(problems[1].contains("stands twice in the same turn"), "{problems:?}");
    }
}
