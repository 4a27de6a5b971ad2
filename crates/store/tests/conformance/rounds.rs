//! Rounds, turns and requests.

use domain::progress::Progress;
use domain::round::Round;
use store::{Grounds, NewRequest, NewTurn, Refusal, StoreError};

use crate::ground::{
    Ground, at, new_turn, outlet, person, round, spring, statement, turn, village,
};

pub async fn a_round_is_entered_once(ground: Ground) {
    let store = ground.store().await;
    let summer = Round { id: round("2016-2"), opens_at: at(500), ..spring() };
    store.put_round(&spring()).await.unwrap();
    store.put_round(&summer).await.unwrap();
    store.put_round(&spring()).await.unwrap();
    let error = store.put_round(&Round { name: "冬灌".into(), ..spring() }).await.unwrap_err();
    assert!(matches!(error, StoreError::Conflict { .. }), "{error}");
    assert_eq!(store.rounds().await.unwrap(), [summer, spring()]);
    assert_eq!(store.round(&round("2016-1")).await.unwrap(), Some(spring()));
    assert_eq!(store.round(&round("2017-1")).await.unwrap(), None);
}

pub async fn a_turn_goes_from_open_to_drafted(ground: Ground) {
    let store = ground.store().await;
    store.put_round(&spring()).await.unwrap();
    store.open_turn(&new_turn("t1", "w1")).await.unwrap();
    let open = store.open_turn_at(&outlet("w1")).await.unwrap().unwrap();
    assert_eq!((open.code.clone(), open.opened_at, open.closed_at), (turn("t1"), at(10), None));
    assert_eq!((open.round.clone(), open.village.clone()), (round("2016-1"), village("shang")));
    assert_eq!(open.plan, new_turn("t1", "w1").plan);
    assert_eq!(store.turns_to_draft().await.unwrap(), []);
    assert_eq!(store.last_closed_turn(&outlet("w1")).await.unwrap(), None);

    assert!(store.close_turn(&turn("t1"), at(50)).await.unwrap());
    assert!(!store.close_turn(&turn("t1"), at(60)).await.unwrap());
    assert!(!store.close_turn(&turn("unheard-of"), at(60)).await.unwrap());
    assert_eq!(store.open_turn_at(&outlet("w1")).await.unwrap(), None);
    let closed = store.turn(&turn("t1")).await.unwrap().unwrap();
    assert_eq!(closed.closed_at, Some(at(50)));
    assert_eq!(store.turns_to_draft().await.unwrap(), [closed]);

    let id = store.insert_statement(&statement(1, Progress::Draft), &[], None).await.unwrap();
    assert!(store.set_turn_statement(&turn("t1"), id).await.unwrap());
    assert!(!store.set_turn_statement(&turn("t1"), id).await.unwrap());
    assert_eq!(store.turns_to_draft().await.unwrap(), []);

    let again = NewTurn { opened_at: at(50), ..new_turn("t2", "w1") };
    store.open_turn(&again).await.unwrap();
    assert_eq!(store.open_turns().await.unwrap().len(), 1);
    assert!(store.close_turn(&turn("t2"), at(90)).await.unwrap());
    let last = store.last_closed_turn(&outlet("w1")).await.unwrap().unwrap();
    assert_eq!((last.code, last.statement), (turn("t2"), None));
}

pub async fn rejects_a_second_turn_at_an_outlet(ground: Ground) {
    let store = ground.store().await;
    store.put_round(&spring()).await.unwrap();
    store.open_turn(&new_turn("t1", "w1")).await.unwrap();
    for refused in [new_turn("t2", "w1"), new_turn("t1", "w2")] {
        let error = store.open_turn(&refused).await.unwrap_err();
        assert!(matches!(error, StoreError::Conflict { .. }), "{error}");
    }
    store.open_turn(&new_turn("t2", "w2")).await.unwrap();
}

pub async fn a_turn_is_logged_between_others(ground: Ground) {
    let store = ground.store().await;
    store.put_round(&spring()).await.unwrap();
    let from = |code: &str, opened| NewTurn { opened_at: at(opened), ..new_turn(code, "w1") };
    store.log_turn(&from("t1", 10), at(50), None).await.unwrap();
    store.open_turn(&from("t3", 90)).await.unwrap();
    for (opened, closed) in [(40, 60), (10, 50), (20, 30), (5, 200), (90, 91)] {
        let error = store.log_turn(&from("t2", opened), at(closed), None).await.unwrap_err();
        assert!(matches!(error, StoreError::Conflict { .. }), "{opened} {closed}: {error}");
    }
    store.log_turn(&from("t2", 50), at(90), None).await.unwrap();
    assert!(store.log_turn(&from("t2", 300), at(301), None).await.is_err());
    let between: Vec<_> = store.turns_between(&outlet("w1"), at(50), at(91)).await.unwrap();
    let codes: Vec<_> = between.iter().map(|turn| turn.code.as_str()).collect();
    assert_eq!(codes, ["t2", "t3"]);
    let logged = store.turns_to_draft().await.unwrap();
    assert_eq!(logged.len(), 2);
}

pub async fn a_turn_is_amended_until_a_statement_stands_on_it(ground: Ground) {
    let store = ground.store().await;
    store.put_round(&spring()).await.unwrap();
    let of = |code: &str, at_outlet, opened| NewTurn {
        opened_at: at(opened),
        ..new_turn(code, at_outlet)
    };
    store.log_turn(&of("t1", "w1", 10), at(40), None).await.unwrap();
    store.log_turn(&of("t2", "w2", 10), at(40), None).await.unwrap();

    let amended = NewTurn { plan: "amended".into(), ..of("t1", "w2", 40) };
    store.amend_turn(&amended, at(60)).await.unwrap();
    let known = store.turn(&turn("t1")).await.unwrap().unwrap();
    assert_eq!((known.outlet.clone(), known.plan.as_str()), (outlet("w2"), "amended"));
    assert_eq!((known.opened_at, known.closed_at), (at(40), Some(at(60))));
    // Its own former time is not in its way, another turn's is.
    store.amend_turn(&of("t1", "w2", 41), at(61)).await.unwrap();
    let id = store
        .insert_statement(&statement(1, Progress::Draft), &[], Some(&turn("t2")))
        .await
        .unwrap();
    for refused in [
        of("t1", "w2", 39),
        of("t2", "w2", 10),
        of("unheard-of", "w3", 10),
        NewTurn { round: round("2017-1"), ..of("t1", "w2", 41) },
    ] {
        let error = store.amend_turn(&refused, at(61)).await.unwrap_err();
        assert!(matches!(error, StoreError::Conflict { .. }), "{refused:?}: {error}");
    }
    let refusal = Refusal { by: person("li"), why: Grounds::Words("no".into()) };
    assert!(store.refuse_statement(id, &refusal, Progress::Draft).await.unwrap());
    store.amend_turn(&of("t2", "w2", 11), at(40)).await.unwrap();
}

pub async fn rejects_a_turn_of_no_round(ground: Ground) {
    let store = ground.store().await;
    let error = store.open_turn(&new_turn("t1", "w1")).await.unwrap_err();
    assert!(error.to_string().contains("enter the round first"), "{error}");
    assert_eq!(store.turn(&turn("t1")).await.unwrap(), None);
}

pub async fn a_replayed_request_is_known(ground: Ground) {
    let store = ground.store().await;
    let request = NewRequest {
        digest: [1; 32],
        person: person("s01"),
        kind: "open-turn".into(),
        received_at: at(1),
        envelope: b"envelope".to_vec(),
    };
    assert!(!store.is_request_kept(&[1; 32]).await.unwrap());
    assert!(store.record_request(&request).await.unwrap());
    assert!(store.is_request_kept(&[1; 32]).await.unwrap());
    assert!(!store.record_request(&request).await.unwrap());
    assert!(store.record_request(&NewRequest { digest: [2; 32], ..request }).await.unwrap());
}
