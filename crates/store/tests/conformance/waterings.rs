//! Posted waterings, their shares and their corrections.

use domain::progress::Progress;
use domain::{Area, Litres};
use store::{NewEntry, NewShare, PostOutcome, Projection, ShareRow, Store, StoreError, Superseded};

use crate::ground::{
    Ground, at, entry, household, new_turn, outlet, posting, round, spring, statement, turn,
    village,
};

/// A watering of the upper village's spring round, shared by households 001 and 002.
pub fn watering(index: u64, start: i64, litres: [i64; 2], supersedes: Option<u64>) -> NewEntry {
    let share = |number, litres| NewShare {
        household: household(number),
        area: Area(1250),
        litres: Litres(litres),
    };
    NewEntry {
        kind: "watering".into(),
        village: Some(village("shang")),
        round: Some(round("2016-1")),
        outlet: Some(outlet("w1")),
        projection: Projection::Watering {
            outlet: outlet("w1"),
            start_at: at(start),
            end_at: at(start + 100),
            volume: Litres(litres[0] + litres[1]),
            estimated: start == 0,
            shares: vec![share("002", litres[1]), share("001", litres[0])],
            supersedes: supersedes.map(|index| Superseded { index, plan: "corrected".into() }),
        },
        ..entry(index)
    }
}

/// Posts entries on top of what there is.
pub async fn post(store: &Store, entries: Vec<NewEntry>) {
    let head = store.head().await.unwrap();
    let outcome = store.post(&posting(head, entries, 1)).await.unwrap();
    assert_eq!(outcome, PostOutcome::Posted);
}

pub async fn a_watering_is_read_with_its_shares(ground: Ground) {
    let store = ground.store().await;
    assert_eq!(store.last_posted_end(&outlet("w1")).await.unwrap(), None);
    post(
        &store,
        vec![watering(0, 0, [600, 400], None), entry(1), watering(2, 100, [60, 40], None)],
    )
    .await;

    let rows = store.waterings(&village("shang"), &round("2016-1"), None, 10).await.unwrap();
    assert_eq!(rows.iter().map(|row| row.index).collect::<Vec<_>>(), [0, 2]);
    let first = &rows[0];
    assert_eq!((first.start_at, first.end_at, first.volume), (at(0), at(100), Litres(1000)));
    assert_eq!((first.estimated, first.superseded_by), (true, None));
    assert_eq!(
        (&first.village, &first.round, &first.outlet),
        (&village("shang"), &round("2016-1"), &outlet("w1"))
    );
    assert!(!rows[1].estimated);
    let after = store.waterings(&village("shang"), &round("2016-1"), Some(0), 10).await.unwrap();
    assert_eq!(after, rows[1..]);
    assert_eq!(store.waterings(&village("xia"), &round("2016-1"), None, 10).await.unwrap(), []);

    assert_eq!(store.watering(2).await.unwrap().as_ref(), Some(&rows[1]));
    assert_eq!(store.watering(1).await.unwrap(), None);
    let share = |number, litres| ShareRow {
        household: household(number),
        area: Area(1250),
        litres: Litres(litres),
    };
    assert_eq!(store.watering_shares(0).await.unwrap(), [share("001", 600), share("002", 400)]);
    assert_eq!(store.last_posted_end(&outlet("w1")).await.unwrap(), Some(at(200)));
}

pub async fn a_correction_supersedes(ground: Ground) {
    let store = ground.store().await;
    let id = store.insert_statement(&statement(1, Progress::CoSigned), &[], None).await.unwrap();
    post(&store, vec![NewEntry { statement: Some(id), ..watering(0, 0, [600, 400], None) }]).await;
    post(&store, vec![watering(1, 100, [1, 1], None), watering(2, 0, [500, 400], Some(0))]).await;

    assert_eq!(store.watering(0).await.unwrap().unwrap().superseded_by, Some(2));
    assert_eq!(store.statement(id).await.unwrap().unwrap().state, Progress::Corrected);
    let totals = store.village_totals().await.unwrap();
    assert_eq!((totals[0].waterings, totals[0].volume), (2, Litres(902)));
    // A correction is corrected in turn, in one posting with what it corrects too.
    post(&store, vec![watering(3, 0, [5, 5], Some(2)), watering(4, 0, [7, 7], Some(3))]).await;
    assert_eq!(store.watering(3).await.unwrap().unwrap().superseded_by, Some(4));
    let totals = store.village_totals().await.unwrap();
    assert_eq!((totals[0].waterings, totals[0].volume), (2, Litres(16)));
    // The corrected watering no longer says where the next one starts.
    assert_eq!(store.last_posted_end(&outlet("w1")).await.unwrap(), Some(at(200)));
}

pub async fn a_correction_holds_of_its_turn(ground: Ground) {
    let store = ground.store().await;
    store.put_round(&spring()).await.unwrap();
    store.log_turn(&new_turn("t1", "w1"), at(40), None).await.unwrap();
    let mut ids = Vec::new();
    for mark in 1..=3 {
        let turn = (mark == 1).then(|| turn("t1"));
        let new = statement(mark, Progress::CoSigned);
        ids.push(store.insert_statement(&new, &[], turn.as_ref()).await.unwrap());
    }
    let posted = |n: usize, start, supersedes| NewEntry {
        statement: Some(ids[n]),
        ..watering(n as u64, start, [6, 4], supersedes)
    };
    post(&store, vec![posted(0, 0, None)]).await;
    for (n, start) in [(1, 1_000), (2, 2_000)] {
        post(&store, vec![posted(n, start, Some(n as u64 - 1))]).await;
        let held = store.turn(&turn("t1")).await.unwrap().unwrap();
        assert_eq!((held.statement, held.plan.as_str()), (Some(ids[n]), "corrected"));
        assert_eq!((held.opened_at, held.closed_at), (at(start), Some(at(start + 100))));
    }
}

pub async fn rejects_a_second_correction_of_one_watering(ground: Ground) {
    let store = ground.store().await;
    post(&store, vec![watering(0, 0, [6, 4], None), watering(1, 0, [5, 4], Some(0)), entry(2)])
        .await;
    for former in [0, 2, 3, 9] {
        let head = store.head().await.unwrap();
        let again = watering(3, 0, [1, 1], Some(former));
        let error = store.post(&posting(head, vec![again], 2)).await.unwrap_err();
        assert!(matches!(error, StoreError::Conflict { .. }), "{former}: {error}");
    }
}

pub async fn a_household_finds_its_shares(ground: Ground) {
    let store = ground.store().await;
    post(&store, vec![watering(0, 0, [6, 4], None), watering(1, 0, [5, 4], Some(0))]).await;
    post(&store, vec![watering(2, 500, [3, 2], None)]).await;
    let mine = household("001");
    let found = store.household_shares(&mine, at(0), at(501)).await.unwrap();
    let told: Vec<_> = found
        .iter()
        .map(|share| (share.watering.index, share.litres.get(), share.watering.superseded_by))
        .collect();
    assert_eq!(told, [(0, 6, Some(1)), (1, 5, None), (2, 3, None)]);
    assert_eq!(found[0].area, Area(1250));
    assert_eq!(store.household_shares(&mine, at(0), at(500)).await.unwrap().len(), 2);
    assert_eq!(store.household_shares(&mine, at(1), at(501)).await.unwrap().len(), 1);
    assert_eq!(store.household_shares(&household("009"), at(0), at(501)).await.unwrap(), []);
}
