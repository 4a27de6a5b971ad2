//! One-time codes for enrolling keys.

use domain::progress::Progress;
use store::{Invitation, NewStatement};

use crate::ground::{Ground, at};

fn invitation() -> Invitation {
    Invitation {
        enrolment: r#"{"person":"ma"}"#.to_owned(),
        invited_by: "zhang".parse().unwrap(),
        expires_at: at(100),
        statement: None,
    }
}

fn statement(payload: u8) -> NewStatement {
    NewStatement {
        kind: "key".into(),
        village: None,
        state: Progress::Draft,
        payload_type: "application/json".into(),
        payload: vec![payload],
        payload_sha256: [payload; 32],
        created_at: at(1),
    }
}

pub async fn a_code_is_used_once(ground: Ground) {
    let store = ground.store().await;
    let code = [3; 32];
    assert_eq!(store.invitation(&code).await.unwrap(), None);
    store.invite(&code, &invitation()).await.unwrap();
    assert_eq!(store.invitation(&code).await.unwrap(), Some(invitation()));
    let id = store.insert_invited_statement(&code, &statement(1)).await.unwrap().unwrap();
    let used = Invitation { statement: Some(id), ..invitation() };
    assert_eq!(store.invitation(&code).await.unwrap(), Some(used));
    assert_eq!(store.insert_invited_statement(&code, &statement(2)).await.unwrap(), None);
    assert_eq!(store.insert_invited_statement(&[4; 32], &statement(3)).await.unwrap(), None);
    // Nothing stays of what was not entered.
    assert_eq!(store.statements(None, None, None, 10).await.unwrap().len(), 1);
}
