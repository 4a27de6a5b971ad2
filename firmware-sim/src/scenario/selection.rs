//! What the names and numbers of a scenario stand for.

use super::{DayTime, Round, Scenario, Series};

/// What a name in a round or an event stands for.
pub(crate) struct Selected<'a> {
    pub(crate) series: &'a Series,
    /// One of its outlets, counted from 1; all of them when there is none.
    pub(crate) number: Option<u32>,
}

impl Selected<'_> {
    /// How many outlets it stands for.
    pub(crate) fn outlets(&self) -> i64 {
        self.number.map_or(self.series.count.into(), |_| 1)
    }
}

impl Scenario {
    /// What a series' or an outlet's name stands for.
    pub(crate) fn find(&self, name: &str) -> Option<Selected<'_>> {
        if let Some(series) = self.series.iter().find(|series| series.name == name) {
            return Some(Selected { series, number: None });
        }
        let (series, number) = name.rsplit_once('-')?;
        let series = self.series.iter().find(|known| known.name == series)?;
        let number = number.parse().ok().filter(|number| (1..=series.count).contains(number))?;
        // One outlet has one name.
        (series.outlet(number) == name).then_some(Selected { series, number: Some(number) })
    }

    /// Whether one of the names stands for this outlet.
    pub(crate) fn names(&self, names: &[String], series: &Series, number: u32) -> bool {
        names.iter().filter_map(|name| self.find(name)).any(|selected| {
            selected.series.name == series.name
                && selected.number.is_none_or(|selected| selected == number)
        })
    }
}

impl Series {
    /// The name of an outlet, counted from 1, and of its first meter.
    pub(crate) fn outlet(&self, number: u32) -> String {
        format!("{}-{number:05}", self.name)
    }
}

impl Round {
    /// The days on which it takes place.
    pub(crate) fn days(&self, days: u32) -> impl Iterator<Item = u32> {
        let step = usize::try_from(self.every_days).unwrap_or(usize::MAX);
        (self.first_day..=self.last_day.unwrap_or(days)).step_by(step)
    }

    /// When it opens on a day, before the spread.
    pub(crate) const fn day_opens(&self, day: u32) -> DayTime {
        DayTime { day, time: self.opens }
    }

    /// How long all turns of a day take, with what is shut between.
    pub(crate) fn minutes(&self) -> i64 {
        let turns: i64 = self.turn_minutes.iter().copied().map(i64::from).sum();
        let between = self.turn_minutes.len().saturating_sub(1);
        turns + i64::from(self.shut_minutes) * i64::try_from(between).unwrap_or(i64::MAX)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_a_series_or_one_of_its_outlets() {
        let scenario = Scenario::parse(
            "start = 2026-04-01T00:00:00+08:00\ndays = 1\n[[series]]\nname = \"canal\"\ncount = 3\n\
             meter.stage.throat_mm = 600\nsource.canal.discharge_ml_per_s = [90_000, 150_000]\n",
        )
        .unwrap();
        assert_eq!(scenario.find("canal").map(|found| found.number), Some(None));
        assert_eq!(scenario.find("canal-00003").map(|found| found.number), Some(Some(3)));
        for name in ["", "wells", "canal-00004", "canal-00000", "canal-3", "canal-", "canal-+0003"]
        {
            assert!(scenario.find(name).is_none(), "{name}");
        }
    }
}
