//! What holds for every season, whatever the order in which its reports are looked at.

use proptest::prelude::*;

use super::*;

fn seasons() -> impl Strategy<Value = Vec<Observation>> {
    let quarter = prop_oneof![4 => Just(0_i64), 2 => 1_i64..300, 2 => 1000_i64..9000];
    let report = (prop::array::uniform4(quarter), 0_u8..32, 0_u32..2, 0_u64..8, any::<bool>());
    prop::collection::vec(report, 1..60).prop_map(|reports| {
        let mut field = Field::new();
        let mut season = Vec::new();
        for (quarters, bits, boots, skipped, torn) in reports {
            field.boot += boots;
            if skipped == 7 {
                field.seq += 1;
            }
            let mut one = field.report(quarters);
            let signs =
                [Cause::Tamper, Cause::ReverseFlow, Cause::LowBattery, Cause::ClockNotSynchronised];
            let said = signs.into_iter().enumerate().filter(|(bit, _)| bits & (1 << bit) != 0);
            one.signs = said.map(|(_, cause)| cause).collect();
            one.intervals[0].trouble = (bits & 16 != 0).then_some(Cause::AboveCapacity);
            if torn && bits == 3 {
                one.link.previous = own(999);
            }
            season.push(one);
        }
        season
    })
}

proptest! {
    #[test]
    fn batches_and_restarts_make_no_difference(
        season in seasons(),
        cuts in prop::collection::vec(1_usize..7, 60),
    ) {
        let mut whole = Story::default();
        whole.take(season.clone());
        let mut pieces = Story::default();
        let mut rest = season.as_slice();
        for size in cuts {
            let (now, later) = rest.split_at(size.min(rest.len()));
            rest = later;
            pieces.take(now.to_vec());
            let kept = serde_json::to_string(&pieces.watch).unwrap();
            prop_assert!(kept.len() < 4096, "{kept}");
            pieces.watch = serde_json::from_str(&kept).unwrap();
        }
        prop_assert_eq!(&whole.board, &pieces.board);
        prop_assert_eq!(whole.watch, pieces.watch);
    }

    #[test]
    fn what_was_taken_before_changes_nothing(
        season in seasons(),
        again in prop::collection::vec(any::<prop::sample::Index>(), 0..40),
    ) {
        let mut once = Story::default();
        once.take(season.clone());
        let mut twice = Story::default();
        for (place, observation) in season.iter().enumerate() {
            twice.take([observation.clone()]);
            if let Some(index) = again.get(place) {
                twice.take([season[index.index(place + 1)].clone()]);
            }
        }
        prop_assert_eq!(&once.board, &twice.board);
        prop_assert_eq!(once.watch, twice.watch);
    }

    #[test]
    fn filling_a_gap_in_any_order_ends_the_same(
        missing in prop::collection::btree_set(2_u64..30, 0..12),
        order in prop::collection::vec(any::<prop::sample::Index>(), 12),
    ) {
        let mut field = Field::new();
        let reports: Vec<_> = (0..30).map(|_| field.still()).collect();
        let links: Vec<Link> = reports.iter().map(|one| one.link).collect();
        let mut story = Story::default();
        story.take(reports.into_iter().filter(|one| !missing.contains(&one.link.seq)));
        let mut left: Vec<u64> = missing.iter().copied().collect();
        for index in order {
            if left.is_empty() {
                break;
            }
            left.remove(index.index(left.len()));
            let there: Vec<Link> =
                links.iter().filter(|link| !left.contains(&link.seq)).copied().collect();
            story.fill(&there);
            let held: Vec<u64> = (1..=30).filter(|seq| story.watch.gaps.contains(*seq)).collect();
            prop_assert_eq!(held, left.clone());
        }
        prop_assert_eq!(story.board.kinds(), []);
        prop_assert!(story.watch.breaks().is_empty());
    }
}
