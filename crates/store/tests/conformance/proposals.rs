//! Water that ran, proposed as turns.

use domain::Litres;
use domain::watch::FlowSpan;
use store::{NewTurn, ProposalState, Store, StoreError};

use crate::ground::{Ground, at, meter, new_turn, outlet, person, spring, turn};
use crate::watch::first_step;

fn span(from: i64, to: i64, litres: i64) -> FlowSpan {
    FlowSpan { from: at(from), to: at(to), litres: Litres(litres), running: to < 100, first: true }
}

/// A store in which water ran at outlet w1 from 10 to 100 and from 200 to 300.
async fn flowing(ground: &Ground) -> Store {
    let store = ground.store().await;
    store.put_round(&spring()).await.unwrap();
    let mut step = first_step("m1");
    step.flows = vec![(outlet("w1"), span(10, 50, 400)), (outlet("w1"), span(10, 100, 900))];
    step.flows.push((outlet("w1"), span(200, 300, 700)));
    assert_eq!(store.take_watch_steps(at(400), &[step]).await.unwrap(), 1);
    store
}

pub async fn a_flow_is_one_proposal_however_often_it_is_told(ground: Ground) {
    let store = flowing(&ground).await;
    let found = store.proposals(None, 10).await.unwrap();
    assert_eq!(found.len(), 2);
    let first = &found[1];
    assert_eq!((first.from, first.to, first.litres), (at(10), at(100), Litres(900)));
    assert_eq!((first.meter.clone(), first.outlet.clone()), (meter("m1"), outlet("w1")));
    assert_eq!((first.running, first.state.clone()), (false, ProposalState::Open));
    assert_eq!(store.proposals(Some(found[0].id), 10).await.unwrap(), std::slice::from_ref(first));
    assert_eq!(store.proposal(first.id).await.unwrap().as_ref(), Some(first));
}

pub async fn a_turn_that_overlaps_takes_a_proposal_away(ground: Ground) {
    let store = flowing(&ground).await;
    let from = |code: &str, opened| NewTurn { opened_at: at(opened), ..new_turn(code, "w1") };
    store.log_turn(&from("t1", 100), at(200), None).await.unwrap();
    assert_eq!(store.proposals(None, 10).await.unwrap().len(), 2);
    store.open_turn(&from("t2", 299)).await.unwrap();
    let left = store.proposals(None, 10).await.unwrap();
    assert_eq!((left.len(), left[0].from), (1, at(10)));
    store.log_turn(&from("t3", 99), at(100), None).await.unwrap();
    assert_eq!(store.proposals(None, 10).await.unwrap(), []);
}

pub async fn a_proposal_is_decided_once(ground: Ground) {
    let store = flowing(&ground).await;
    let found = store.proposals(None, 10).await.unwrap();
    let (second, first) = (found[0].id, found[1].id);
    let logged = NewTurn { opened_at: at(10), ..new_turn("t1", "w1") };
    assert!(store.log_turn(&logged, at(100), Some(999_999)).await.is_err());
    assert_eq!(store.turn(&turn("t1")).await.unwrap(), None);
    store.log_turn(&logged, at(100), Some(first)).await.unwrap();
    let accepted = store.proposal(first).await.unwrap().unwrap();
    assert_eq!(accepted.state, ProposalState::Accepted(turn("t1")));

    let by = person("s01");
    assert!(!store.dismiss_proposal(first, &by, at(500), "渠道冲洗").await.unwrap());
    assert!(store.dismiss_proposal(second, &by, at(500), "渠道冲洗").await.unwrap());
    let reason = "渠道冲洗".to_owned();
    let dismissed = ProposalState::Dismissed { by, at: at(500), reason };
    assert_eq!(store.proposal(second).await.unwrap().unwrap().state, dismissed);
    let late = NewTurn { opened_at: at(200), ..new_turn("t2", "w1") };
    let error = store.log_turn(&late, at(300), Some(second)).await.unwrap_err();
    assert!(matches!(error, StoreError::Conflict { what: "proposal", .. }), "{error}");
    assert_eq!(store.proposals(None, 10).await.unwrap(), []);
}
