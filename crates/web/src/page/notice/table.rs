//! The one table of a board: what stands on paper stands in the files.

use service::board::{
    Area, BillSum, Crop, Fen, LineOf, Litres, NoticeLine, NoticeShare, NoticeView, Timestamp,
};
use sheet::{Handout, Value};

use crate::here::Here;
use crate::show::grouped;

/// A column: on paper one, in a file one for each of its headings there.
pub(super) struct Column {
    pub heading: &'static str,
    in_files: Vec<&'static str>,
    /// Whether it holds figures.
    pub figures: bool,
    /// Whether its texts are never broken.
    pub whole: bool,
}

/// A board's lines, or some of them, with what each column says.
pub(super) struct Table {
    pub columns: Vec<Column>,
    /// For each line and column, the values of its columns in a file.
    pub rows: Vec<Vec<Vec<Value>>>,
    /// The sums of the whole board.
    pub totals: Vec<Vec<Value>>,
}

impl Table {
    /// The lines from `first` to `last`, counted from 1.
    pub fn of(here: &Here, view: &NoticeView, first: usize, last: usize) -> Self {
        let lines = view.lines.iter().enumerate();
        let shown = lines.take(last).skip(first.saturating_sub(1));
        Self {
            columns: columns(here),
            rows: shown.map(|(place, line)| row(here, view, place, line)).collect(),
            totals: totals(here, view),
        }
    }

    /// All of it, with the sums below, to take away.
    pub fn handout(here: &Here, view: &NoticeView) -> Handout {
        let table = Self::of(here, view, 1, view.lines.len());
        let headings = table.columns.iter().flat_map(|column| &column.in_files);
        let flat = |row: Vec<Vec<Value>>| row.into_iter().flatten().collect();
        Handout {
            name: here.notice.notice.chars().take_while(|&c| c != '（').collect(),
            as_of: view.as_of.map_or(0, |at| at.millis().div_euclid(1000)),
            headings: headings.map(|heading| (*heading).to_owned()).collect(),
            rows: table.rows.into_iter().chain([table.totals]).map(flat).collect(),
        }
    }
}

/// What a person reads in a cell.
pub(super) fn shown(value: &Value) -> String {
    match value {
        Value::Number { .. } => grouped(&value.text()),
        Value::Blank | Value::Text(_) => value.text(),
    }
}

fn columns(here: &Here) -> Vec<Column> {
    let t = here.notice;
    let column = |heading, in_files, figures| Column { heading, in_files, figures, whole: false };
    let text = |heading| column(heading, vec![heading], false);
    let figures = |heading| column(heading, vec![heading], true);
    let pair = |heading, one, other, figures| column(heading, vec![one, other], figures);
    vec![
        figures(t.no),
        text(t.holder),
        text(t.household),
        text(t.group),
        figures(t.area),
        text(t.crops),
        text(t.round),
        text(t.outlet),
        Column { whole: true, ..pair(t.start_end, t.start, t.end, false) },
        pair(t.readings, t.reading_start, t.reading_end, true),
        figures(t.volume),
        text(t.method),
        figures(t.share),
        figures(t.quota),
        figures(t.over_quota),
        figures(t.basic),
        figures(t.metered),
        figures(t.over),
        figures(t.fees),
        figures(t.given),
        figures(t.due),
        pair(t.posting, t.posting, t.remark, false),
    ]
}

fn row(here: &Here, view: &NoticeView, place: usize, line: &NoticeLine) -> Vec<Vec<Value>> {
    let number = i64::try_from(place).unwrap_or(i64::MAX).saturating_add(1);
    let share = match &line.of {
        LineOf::Share(share) => Some(share),
        LineOf::Year | LineOf::Change(_) => None,
    };
    let mut cells = vec![
        vec![count(number)],
        vec![text_or_blank(line.holder.as_deref())],
        vec![text(line.household.to_string())],
        vec![text_or_blank(line.group.as_deref())],
        vec![blank_or(share.map(|share| share.area), mu)],
        vec![text(names(here, &line.crops))],
        vec![text(view.round.name.clone())],
    ];
    cells.extend(water(here, view, share));
    cells.extend(money(line.charges.as_ref()));
    cells.push(remark(here, view, line));
    cells
}

/// From the outlet to what lies above quota.
fn water(here: &Here, view: &NoticeView, share: Option<&NoticeShare>) -> Vec<Vec<Value>> {
    let Some((share, of)) = share.and_then(|own| Some((own, view.waterings.get(own.watering)?)))
    else {
        let (one, two) = (vec![Value::Blank], vec![Value::Blank, Value::Blank]);
        return vec![
            one.clone(),
            two.clone(),
            two,
            one.clone(),
            one.clone(),
            one.clone(),
            one.clone(),
            one,
        ];
    };
    vec![
        vec![text(of.outlet.name.clone())],
        vec![time(of.start), time(of.end)],
        vec![m3(of.at_start), m3(of.at_end)],
        vec![m3(of.volume)],
        vec![text(here.method(of.method).to_owned())],
        vec![m3(share.litres)],
        vec![blank_or(share.quota, m3)],
        vec![blank_or(share.over, m3)],
    ]
}

fn money(charges: Option<&BillSum>) -> Vec<Vec<Value>> {
    let Some(sum) = charges else { return vec![vec![Value::Blank]; 6] };
    let parts = [sum.basic, sum.metered, sum.over, sum.fees, sum.given, sum.total];
    parts.into_iter().map(|fen| vec![yuan(fen)]).collect()
}

/// The posting, and what is particular about the line.
fn remark(here: &Here, view: &NoticeView, line: &NoticeLine) -> Vec<Value> {
    let t = here.notice;
    let index = |index: u64| count(i64::try_from(index).unwrap_or(i64::MAX));
    let adjusted = line.adjusted.then(|| t.adjusted.to_owned());
    match &line.of {
        LineOf::Year => {
            let words = [Some(t.of_year.to_owned()), adjusted];
            vec![Value::Blank, text(joined(here, words))]
        }
        LineOf::Change(origin) => {
            vec![index(*origin), text(here.say(t.change_of, [origin.to_string()]))]
        }
        LineOf::Share(share) => {
            let Some(of) = view.waterings.get(share.watering) else {
                return vec![Value::Blank, Value::Blank];
            };
            let corrects = of.corrects.map(|former| here.say(t.corrects, [former.to_string()]));
            let estimated = of.estimated.then(|| t.estimated.to_owned());
            let unbilled = line.charges.is_none().then(|| t.unbilled.to_owned());
            let adjusted = adjusted.filter(|_| corrects.is_none());
            let words = joined(here, [corrects, adjusted, estimated, unbilled]);
            vec![index(of.index), text(words)]
        }
    }
}

fn totals(here: &Here, view: &NoticeView) -> Vec<Vec<Value>> {
    let sums = &view.totals;
    let blank = || vec![Value::Blank];
    let mut cells = vec![vec![text(here.notice.total.to_owned())]];
    cells.extend((0..7).map(|_| blank()));
    cells.extend((0..2).map(|_| vec![Value::Blank, Value::Blank]));
    cells.extend([vec![m3(sums.volume)], blank(), vec![m3(sums.shared)], blank()]);
    cells.push(vec![m3(sums.over_quota)]);
    let money = [sums.basic, sums.metered, sums.over, sums.fees, sums.given, sums.due];
    let settled = !view.runs.is_empty();
    cells.extend(money.map(|fen| if settled { vec![yuan(fen)] } else { blank() }));
    cells.push(vec![Value::Blank, Value::Blank]);
    cells
}

fn joined<const N: usize>(here: &Here, words: [Option<String>; N]) -> String {
    words.into_iter().flatten().collect::<Vec<_>>().join(here.t.comma)
}

fn names(here: &Here, crops: &[Crop]) -> String {
    let names: Vec<&str> = crops.iter().map(Crop::as_str).collect();
    names.join(here.t.comma)
}

fn text(text: String) -> Value {
    if text.is_empty() { Value::Blank } else { Value::Text(text) }
}

fn text_or_blank(known: Option<&str>) -> Value {
    known.map_or(Value::Blank, |known| text(known.to_owned()))
}

fn blank_or<T>(known: Option<T>, value: impl Fn(T) -> Value) -> Value {
    known.map_or(Value::Blank, value)
}

/// In Beijing, to the minute.
fn time(at: Timestamp) -> Value {
    Value::Text(at.beijing().format("%Y-%m-%d %H:%M").to_string())
}

fn count(units: i64) -> Value {
    Value::Number { units, decimals: 0 }
}

fn m3(litres: Litres) -> Value {
    Value::Number { units: litres.get(), decimals: 3 }
}

fn yuan(fen: Fen) -> Value {
    Value::Number { units: fen.get(), decimals: 2 }
}

fn mu(area: Area) -> Value {
    Value::Number { units: area.get(), decimals: 2 }
}
