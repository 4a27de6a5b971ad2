//! Ways to share, as the record judges them.

use disclosure::record::RecordError;
use disclosure::statement::WateringFacts;
use domain::share::{Figure, Part, Share, ShareError, ShareMethod, divide};

use super::{draft, refused, watered};

/// Notes what a method needs of a part, different for each place.
fn note(method: ShareMethod, part: &mut Part, place: u32) {
    for figure in method.figures() {
        match figure {
            Figure::Minutes => part.minutes = Some(30 + place),
            Figure::Flow => part.flow_ml_per_s = Some(20_000 - place),
            Figure::Weight => part.weight = Some(1 + place),
        }
    }
}

/// The facts, shared anew.
fn shared(method: ShareMethod, facts: &WateringFacts) -> WateringFacts {
    let mut parts: Vec<Part> = facts.shares.iter().map(Share::part).collect();
    if method == ShareMethod::Household {
        parts.truncate(1);
    }
    for (part, place) in parts.iter_mut().zip(0..) {
        note(method, part, place);
    }
    let shares = divide(facts.volume_litres, method, &parts).unwrap();
    WateringFacts { method, shares, ..facts.clone() }
}

#[test]
fn every_way_to_share_stands_and_audits() {
    for method in ShareMethod::ALL {
        let (mut log, meter, _) = watered();
        let facts = shared(method, &draft(&mut log, &meter, "t2", "04:00", "05:00"));
        let sum: i64 = facts.shares.iter().map(|share| share.litres.get()).sum();
        assert_eq!(sum, facts.volume_litres.get(), "{method:?}");
        log.post_watering(facts);
        let report = audit::audit(&log.export(), None);
        assert!(report.findings.iter().all(|one| one.rule != audit::Rule::Shares), "{report}");
    }
}

#[test]
fn rejects_shares_that_do_not_follow_from_what_is_noted() {
    for method in [ShareMethod::Minutes, ShareMethod::MinutesFlow, ShareMethod::Fixed] {
        let (mut log, meter, _) = watered();
        let mut bent = shared(method, &draft(&mut log, &meter, "t2", "04:00", "05:00"));
        let share = &mut bent.shares[0];
        for noted in [&mut share.minutes, &mut share.flow_ml_per_s, &mut share.weight] {
            *noted = noted.map(|figure| figure * 2);
        }
        let error = refused(&log, &log.seal_watering(bent));
        assert!(matches!(error, RecordError::SharesDiffer), "{method:?}: {error}");
    }
}

#[test]
fn rejects_shares_without_the_figures_of_their_method_or_with_others() {
    let (mut log, meter, _) = watered();
    let facts = draft(&mut log, &meter, "t2", "04:00", "05:00");
    let error = |bent: WateringFacts| match refused(&log, &log.seal_watering(bent)) {
        RecordError::Shares(error) => Some(error),
        _ => None,
    };
    for method in [ShareMethod::Minutes, ShareMethod::MinutesFlow, ShareMethod::Fixed] {
        let bare = WateringFacts { method, ..facts.clone() };
        assert!(matches!(error(bare), Some(ShareError::Missing { .. })), "{method:?}");
        let more = WateringFacts { method: ShareMethod::Area, ..shared(method, &facts) };
        assert!(matches!(error(more), Some(ShareError::Unused { .. })), "{method:?}");
    }
    let several = WateringFacts { method: ShareMethod::Household, ..facts.clone() };
    assert_eq!(error(several), Some(ShareError::NotOne(facts.shares.len())));
}
