//! The table: one row a plot, rows with one household number are one household.

use std::collections::BTreeMap;

use disclosure::statement::{
    MAX_HOUSEHOLD_AREA, MAX_PLOTS, MAX_ROSTER_HOUSEHOLDS, MAX_WATER_RIGHT, RosterEntry,
};
use domain::holder::MaskedName;
use domain::plot::{Crop, Plot, Source};
use domain::registry::Village;
use domain::units::parse_decimal;
use domain::{Area, GroupId, HouseholdNo, Litres};
use sheet::{Column, Problem, Problems, Record, Sheet};

use crate::command::import::{Place, records};

/// The most groups that a message lists.
const MAX_GROUPS_NAMED: usize = 20;
const SURFACE: [&str; 6] = ["地表水", "地表", "渠水", "河水", "库水", "surface"];
const GROUND: [&str; 7] = ["地下水", "地下", "井水", "机井", "井", "ground", "groundwater"];

/// A household of the table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Household {
    /// Its entry in the roster.
    pub entry: RosterEntry,
    /// Its holder's masked name.
    pub holder: Option<MaskedName>,
}

/// A row that can be read.
struct Row {
    household: HouseholdNo,
    group: GroupId,
    holder: Option<MaskedName>,
    plot: Plot,
    water_right: Option<Litres>,
}

/// A household as far as its rows were read, with where each of its words stands.
struct Gathered {
    place: Place,
    group: GroupId,
    holder: Option<(Place, MaskedName)>,
    water_right: Option<(Place, Litres)>,
    plots: Vec<(Place, Plot)>,
}

/// Reads all households, by number; what is wrong is noted.
pub fn read(sheets: &[Sheet], village: &Village, problems: &mut Problems) -> Vec<Household> {
    let mut gathered: BTreeMap<HouseholdNo, Gathered> = BTreeMap::new();
    let mut rows = 0;
    let _: Vec<()> = records(sheets, &columns(), problems, |_, record, problems| {
        rows += 1;
        if let Some(row) = read_row(record, village, problems) {
            gather(&mut gathered, row, record, problems);
        }
        None
    });
    let whole = |message: String| Problem {
        sheet: None,
        row: 1,
        column: String::new(),
        value: String::new(),
        message,
    };
    if rows == 0 && problems.is_empty() {
        problems.add(whole("there is no household below the headings".into()));
    }
    if gathered.len() > MAX_ROSTER_HOUSEHOLDS {
        let many = gathered.len();
        problems.add(whole(format!(
            "there are {many} households: a roster has at most {MAX_ROSTER_HOUSEHOLDS}"
        )));
    }
    let mut households: Vec<Household> = gathered.into_iter().map(household).collect();
    households
        .sort_by(|a, b| a.entry.household.number_order().cmp(&b.entry.household.number_order()));
    households
}

fn columns() -> [Column; 7] {
    [
        Column::required(
            "household",
            &["户号", "农户编号", "户编号", "household", "household no", "household number"],
        ),
        Column::required("group", &["社", "组", "社/组", "社(组)", "村民小组", "小组", "group"]),
        Column::optional("holder", &["户主", "户主姓名", "姓名", "holder", "name"]),
        Column::required(
            "area",
            &[
                "面积",
                "面积(亩)",
                "灌溉面积",
                "灌溉面积(亩)",
                "亩数",
                "area",
                "area mu",
                "area(mu)",
                "mu",
            ],
        ),
        Column::required("crop", &["作物", "种植作物", "作物种类", "crop"]),
        Column::required("source", &["水源", "水源类型", "source", "water source"]),
        Column::optional(
            "water_right",
            &[
                "水权",
                "水权(方)",
                "水权(m³)",
                "水权(m3)",
                "水权(立方米)",
                "water right",
                "water right m3",
                "water right(m3)",
            ],
        ),
    ]
}

fn read_row(record: &Record<'_>, village: &Village, problems: &mut Problems) -> Option<Row> {
    let household = problems.note(household_no(record));
    let group = problems.note(group(record, village));
    let holder = problems.note(holder(record));
    let area = problems.note(area(record));
    let crop = problems.note(crop(record));
    let source = problems.note(source(record));
    let water_right = problems.note(water_right(record));
    Some(Row {
        household: household?,
        group: group?,
        holder: holder?,
        plot: Plot { crop: crop?, source: source?, area: area? },
        water_right: water_right?,
    })
}

fn household_no(record: &Record<'_>) -> Result<HouseholdNo, Problem> {
    HouseholdNo::new(record.text("household")?)
        .map_err(|error| record.problem("household", &format!("cannot be: {error}")))
}

/// A group of the village, by its code or its name.
fn group(record: &Record<'_>, village: &Village) -> Result<GroupId, Problem> {
    let text = record.text("group")?;
    let called = |group: &&domain::registry::Group| group.id.as_str() == text || group.name == text;
    village.groups.iter().find(called).map(|group| group.id.clone()).ok_or_else(|| {
        let names: Vec<&str> =
            village.groups.iter().take(MAX_GROUPS_NAMED).map(|group| group.name.as_str()).collect();
        let message = format!("is no group of {}: write {}", village.name, names.join(", "));
        record.problem("group", &message)
    })
}

fn holder(record: &Record<'_>) -> Result<Option<MaskedName>, Problem> {
    let Some(name) = record.optional_text("holder")? else { return Ok(None) };
    MaskedName::of(&name)
        .map(Some)
        .map_err(|error| record.problem("holder", &format!("cannot be: {error}")))
}

fn area(record: &Record<'_>) -> Result<Area, Problem> {
    Area::from_mu(&record.text("area")?)
        .map_err(|error| record.problem("area", &format!("cannot be: {error}")))
}

fn crop(record: &Record<'_>) -> Result<Crop, Problem> {
    Crop::new(&record.text("crop")?)
        .map_err(|error| record.problem("crop", &format!("cannot be: {error}")))
}

fn source(record: &Record<'_>) -> Result<Source, Problem> {
    let text = record.text("source")?.to_lowercase();
    if SURFACE.contains(&text.as_str()) {
        Ok(Source::Surface)
    } else if GROUND.contains(&text.as_str()) {
        Ok(Source::Ground)
    } else {
        Err(record
            .problem("source", "is no water source: write 地表水 / surface or 地下水 / ground"))
    }
}

/// A year's water right in m³, where one is written down.
fn water_right(record: &Record<'_>) -> Result<Option<Litres>, Problem> {
    if record.optional_text("water_right")?.is_none() {
        return Ok(None);
    }
    let litres = parse_decimal("water right", &record.text("water_right")?, 3)
        .map_err(|error| record.problem("water_right", &format!("cannot be: {error}")))?;
    if litres > MAX_WATER_RIGHT.get() {
        let most = MAX_WATER_RIGHT.cubic_metres();
        return Err(record.problem("water_right", &format!("is above {most} m³")));
    }
    Ok(Some(Litres(litres)))
}

/// Adds a row to its household, unless it says something else of it than a row before.
fn gather(
    gathered: &mut BTreeMap<HouseholdNo, Gathered>,
    row: Row,
    record: &Record<'_>,
    problems: &mut Problems,
) {
    let here = Place::of(record);
    let Row { household, group, holder, plot, water_right } = row;
    let known = gathered.entry(household.clone()).or_insert_with(|| Gathered {
        place: here.clone(),
        group: group.clone(),
        holder: None,
        water_right: None,
        plots: Vec::new(),
    });
    let mut other = |key: &str, what: &str, place: &Place| {
        let message = format!("is another {what} of household {household} than in {place}");
        problems.add(record.problem(key, &message));
    };
    if known.group != group {
        other("group", "group", &known.place);
    }
    if let Some(differs) = differing(&mut known.holder, holder, &here) {
        other("holder", "holder", &differs);
    }
    if let Some(differs) = differing(&mut known.water_right, water_right, &here) {
        other("water_right", "water right", &differs);
    }
    let same = |one: &&(Place, Plot)| (&one.1.crop, one.1.source) == (&plot.crop, plot.source);
    if let Some((place, _)) = known.plots.iter().find(same) {
        let message = format!(
            "stands with the same source in {place} for household {household} already: add the areas up in one row"
        );
        problems.add(record.problem("crop", &message));
        return;
    }
    if known.plots.len() == MAX_PLOTS {
        let message = format!("household {household} has more than {MAX_PLOTS} plots: add some up");
        problems.add(record.problem_of_row(&message));
        return;
    }
    let area: Area = known.plots.iter().map(|(_, plot)| plot.area).sum();
    if area + plot.area > MAX_HOUSEHOLD_AREA {
        let most = MAX_HOUSEHOLD_AREA.mu();
        let message = format!("brings household {household} above {most} mu: check the areas");
        problems.add(record.problem("area", &message));
    }
    known.plots.push((here, plot));
}

/// Keeps the first of what the rows of a household say; returns where it stands if this row says something else.
fn differing<T: PartialEq>(
    first: &mut Option<(Place, T)>,
    said: Option<T>,
    here: &Place,
) -> Option<Place> {
    match (&*first, said) {
        (Some((place, known)), Some(said)) if *known != said => Some(place.clone()),
        (None, Some(said)) => {
            *first = Some((here.clone(), said));
            None
        }
        _ => None,
    }
}

fn household((household, gathered): (HouseholdNo, Gathered)) -> Household {
    let plots = gathered.plots.into_iter().map(|(_, plot)| plot).collect();
    let water_right_litres = gathered.water_right.map(|(_, right)| right);
    Household {
        entry: RosterEntry { household, group: gathered.group, plots, water_right_litres },
        holder: gathered.holder.map(|(_, name)| name),
    }
}

#[cfg(test)]
mod tests;
