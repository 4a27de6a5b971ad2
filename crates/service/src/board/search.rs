//! Finding what is printed on paper: a household number, a posting's index, an outlet or a meter.

use domain::{HouseholdNo, MeterCode, OutletId, VillageId};

use super::places::{Named, named_outlet, named_village};
use crate::{Service, ServiceError};

/// The longest query, in characters.
pub const MAX_QUERY_CHARS: usize = 64;
/// The most hits of one search.
pub const MAX_HITS: usize = 50;

/// Something found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Hit {
    /// A household, by its number.
    Household {
        /// Its number.
        household: HouseholdNo,
        /// Its village; none when it stands in no roster and only has postings.
        village: Option<Named<VillageId>>,
    },
    /// A posting, by its index.
    Posting(u64),
    /// An outlet, by its code or name.
    Outlet {
        /// The outlet.
        outlet: Named<OutletId>,
        /// The village it delivers to.
        village: Named<VillageId>,
    },
    /// A meter, by its code.
    Meter(MeterCode),
    /// A village, by its code or name.
    Village(Named<VillageId>),
}

/// What the query names. Full-width digits and letters, capitals and spaces make no difference.
pub async fn search(service: &Service, query: &str) -> Result<Vec<Hit>, ServiceError> {
    let wanted = fold(query);
    if wanted.is_empty() || wanted.chars().count() > MAX_QUERY_CHARS {
        return Ok(Vec::new());
    }
    let mut hits = Vec::new();
    if let Ok(household) = HouseholdNo::new(wanted.as_str())
        && let Some(hit) = find_household(service, household).await?
    {
        hits.push(hit);
    }
    if let Ok(index) = wanted.parse::<u64>()
        && index < service.log().size().await?
    {
        hits.push(Hit::Posting(index));
    }
    hits.extend(find_places(service, &wanted));
    hits.truncate(MAX_HITS);
    Ok(hits)
}

async fn find_household(
    service: &Service,
    household: HouseholdNo,
) -> Result<Option<Hit>, ServiceError> {
    let village = {
        let record = service.record();
        record
            .household(&household, service.now())
            .map(|(village, _)| named_village(&record, village))
    };
    let billed = village.is_some() || !service.store().bills(&household).await?.is_empty();
    Ok(billed.then_some(Hit::Household { household, village }))
}

fn find_places(service: &Service, wanted: &str) -> Vec<Hit> {
    let record = service.record();
    let names_it = |code: &str, name: &str| code == wanted || fold(name).contains(wanted);
    let outlets =
        record.outlets().values().filter(|o| names_it(o.id.as_str(), &o.name)).map(|outlet| {
            Hit::Outlet {
                outlet: named_outlet(&record, &outlet.id),
                village: named_village(&record, &outlet.village),
            }
        });
    let meters = record.meters().keys().filter(|code| code.as_str() == wanted).cloned();
    let villages = record.villages().values().filter(|v| names_it(v.id.as_str(), &v.name));
    let villages = villages.map(|village| Hit::Village(named_village(&record, &village.id)));
    outlets.chain(meters.map(Hit::Meter)).chain(villages).take(MAX_HITS).collect()
}

/// What a phone's Chinese keyboard writes, as codes are written.
fn fold(text: &str) -> String {
    let narrow = |c: char| match c {
        '\u{ff01}'..='\u{ff5e}' => {
            u32::from(c).checked_sub(0xfee0).and_then(char::from_u32).unwrap_or(c)
        }
        other => other,
    };
    let bare = text.trim().trim_start_matches(['#', '＃']);
    bare.chars()
        .filter(|c| !c.is_whitespace())
        .map(narrow)
        .flat_map(char::to_lowercase)
        .take(MAX_QUERY_CHARS + 1)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_what_a_phone_keyboard_writes() {
        assert_eq!(fold(" ＷＬ－０１ "), "wl-01");
        assert_eq!(fold("#１２ ３"), "123");
        assert_eq!(fold("张掖 东支"), "张掖东支");
    }

    #[test]
    fn an_over_long_query_stays_over_long() {
        assert_eq!(fold(&"x".repeat(10_000)).chars().count(), MAX_QUERY_CHARS + 1);
    }
}
