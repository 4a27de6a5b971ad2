//! What a reader asks a tariff: the fields of a form or of an address, read once.

use service::board::{
    Area, Crop, ExplainError, Litres, Question, Source, Timestamp, parse_decimal,
};

/// The longest text of a field, in characters.
pub(crate) const MAX_FIELD_CHARS: usize = 64;

/// The most water that is asked about: a cubic kilometre.
pub(crate) const MAX_LITRES: i64 = 1_000_000_000_000;

/// A field of a question.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Field {
    Crop,
    Mu,
    Source,
    Date,
    Used,
    Water,
}

/// The fields as they were filled in.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Fields {
    pub(crate) crop: String,
    pub(crate) mu: String,
    pub(crate) source: String,
    pub(crate) date: String,
    /// What was used earlier in the year; nothing when it is left out.
    pub(crate) used: String,
    pub(crate) water: String,
}

impl Fields {
    /// All texts, in the order of the fields.
    pub(crate) fn texts(&self) -> [&str; 6] {
        [&self.crop, &self.mu, &self.source, &self.date, &self.used, &self.water]
    }

    /// The question, with volumes in m³ of three `decimals` or in litres of none; or every field that is wrong, in
    /// their order.
    pub(crate) fn question(&self, decimals: u8) -> Result<Question, Vec<Field>> {
        let mut wrong = Vec::new();
        let crop = taken(Field::Crop, Crop::new(&self.crop).ok(), &mut wrong);
        let area = taken(Field::Mu, Area::from_mu(&self.mu).ok(), &mut wrong);
        let source = taken(Field::Source, source(&self.source), &mut wrong);
        let at = taken(Field::Date, Timestamp::noon(&self.date).ok(), &mut wrong);
        let used = if self.used.is_empty() { "0" } else { &self.used };
        let used = taken(Field::Used, volume(used, decimals), &mut wrong);
        let litres = taken(Field::Water, volume(&self.water, decimals), &mut wrong);
        match (crop, area, source, at, used, litres) {
            (Some(crop), Some(area), Some(source), Some(at), Some(used), Some(litres)) => {
                Ok(Question { crop, area, source, at, used, litres })
            }
            _ => Err(wrong),
        }
    }
}

impl Field {
    /// The field to change where a question has no answer.
    pub(crate) const fn to_change(error: &ExplainError) -> Self {
        match error {
            ExplainError::NoTariff(_) => Self::Date,
            ExplainError::NoClass { .. } => Self::Crop,
            ExplainError::NoPrice { .. } => Self::Source,
            ExplainError::Range | ExplainError::Account(_) | ExplainError::Nobody(_) => Self::Water,
        }
    }
}

fn taken<T>(field: Field, value: Option<T>, wrong: &mut Vec<Field>) -> Option<T> {
    if value.is_none() {
        wrong.push(field);
    }
    value
}

fn source(text: &str) -> Option<Source> {
    [Source::Surface, Source::Ground].into_iter().find(|source| source.to_string() == text)
}

fn volume(text: &str, decimals: u8) -> Option<Litres> {
    let litres = parse_decimal("volume", text, decimals).ok()?;
    (litres <= MAX_LITRES).then_some(Litres(litres))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fields() -> Fields {
        let [crop, mu, source] = ["玉米", "12.5", "ground"].map(ToOwned::to_owned);
        let [date, used, water] = ["2026-05-01", "10.5", "3500"].map(ToOwned::to_owned);
        Fields { crop, mu, source, date, used, water }
    }

    #[test]
    fn reads_cubic_metres_and_litres() {
        let question = fields().question(3).unwrap();
        assert_eq!((question.used, question.litres), (Litres(10_500), Litres(3_500_000)));
        assert_eq!((question.area, question.source), (Area(1250), Source::Ground));
        assert_eq!(question.at.to_string(), "2026-05-01T04:00:00Z");
        let litres = Fields { used: String::new(), ..fields() }.question(0).unwrap();
        assert_eq!((litres.used, litres.litres), (Litres(0), Litres(3_500)));
    }

    #[test]
    fn rejects_every_field_that_is_wrong_at_once() {
        let wrong = Fields::default().question(3).unwrap_err();
        let all = [Field::Crop, Field::Mu, Field::Source, Field::Date, Field::Water];
        assert_eq!(wrong, all);
    }

    #[test]
    fn rejects_what_is_no_value_of_its_field() {
        let rejects = |field: Field, texts: &[&str], bend: fn(&mut Fields) -> &mut String| {
            for text in texts {
                let mut bent = fields();
                *bend(&mut bent) = (*text).to_owned();
                assert_eq!(bent.question(3), Err(vec![field]), "{text:?}");
            }
        };
        let long = "玉".repeat(MAX_FIELD_CHARS);
        rejects(Field::Crop, &["", " 玉米", &long], |fields| &mut fields.crop);
        rejects(Field::Mu, &["0", "-1", "1.005", "1e3", "100001"], |fields| &mut fields.mu);
        rejects(Field::Source, &["", "rain", "Ground"], |fields| &mut fields.source);
        let days = ["2026-02-30", "2026-5-1", "1999-05-01", "2026-05-01T00:00:00Z"];
        rejects(Field::Date, &days, |fields| &mut fields.date);
        rejects(Field::Used, &["-1", "1.0001", "x"], |fields| &mut fields.used);
        let volumes = ["", "-1", "1.0001", "1000000000.001", "99999999999999999999"];
        rejects(Field::Water, &volumes, |fields| &mut fields.water);
    }
}
