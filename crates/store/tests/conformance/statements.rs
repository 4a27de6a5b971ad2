//! Statements, their co-signatures and attachments.

use domain::progress::Progress;
use domain::refusal::RefusalReason;
use store::{Attachment, CoSignature, Grounds, Refusal, SeenStatement, Store, StoreError};

use crate::ground::{Ground, at, new_turn, person, spring, statement, turn, village};

fn attachment(mark: u8) -> Attachment {
    Attachment { sha256: [mark; 32], media_type: "text/csv".into(), bytes: vec![mark; 1000] }
}

fn signature(mark: u8) -> CoSignature {
    CoSignature {
        public_key: [mark; 32],
        role: "station".into(),
        person: person("s01"),
        signature: [mark; 64],
        received_at: at(i64::from(mark)),
    }
}

/// Statement 1 as somebody saw it with so many signatures.
fn seen(state: Progress, signatures: usize) -> SeenStatement {
    SeenStatement { state, payload_sha256: statement(1, state).payload_sha256, signatures }
}

async fn closed_turn(store: &Store) {
    store.put_round(&spring()).await.unwrap();
    store.open_turn(&new_turn("t1", "w1")).await.unwrap();
    assert!(store.close_turn(&turn("t1"), at(50)).await.unwrap());
}

pub async fn reads_back_a_statement(ground: Ground) {
    let store = ground.store().await;
    closed_turn(&store).await;
    let new = statement(1, Progress::Draft);
    let id = store.insert_statement(&new, &[attachment(1)], Some(&turn("t1"))).await.unwrap();
    let read = store.statement(id).await.unwrap().unwrap();
    assert_eq!(
        (read.id, &read.kind, &read.village, read.state),
        (id, &new.kind, &new.village, new.state)
    );
    assert_eq!((&read.payload_type, &read.payload), (&new.payload_type, &new.payload));
    assert_eq!((read.payload_sha256, read.created_at), (new.payload_sha256, new.created_at));
    assert_eq!((read.posted_index, &read.refusal), (None, &None));
    assert_eq!(store.turn(&turn("t1")).await.unwrap().unwrap().statement, Some(id));
    assert_eq!(store.attachment(&[1; 32]).await.unwrap(), Some(attachment(1)));
    assert_eq!(store.attachment(&[9; 32]).await.unwrap(), None);
    assert_eq!(store.statement_by_payload(&[1; 32]).await.unwrap(), Some(read));
    assert_eq!(store.statement_by_payload(&[9; 32]).await.unwrap(), None);
    assert_eq!(store.statement(i64::MAX).await.unwrap(), None);
}

pub async fn a_draft_can_be_replaced_until_it_is_signed(ground: Ground) {
    let store = ground.store().await;
    let both = [attachment(1), attachment(2)];
    let id = store.insert_statement(&statement(1, Progress::Draft), &both, None).await.unwrap();
    // Another statement names the second attachment as well.
    store.insert_statement(&statement(2, Progress::Draft), &both[1..], None).await.unwrap();

    assert!(store.replace_draft(id, b"new", &[7; 32], &[attachment(3)]).await.unwrap());
    let read = store.statement(id).await.unwrap().unwrap();
    assert_eq!((read.payload.as_slice(), read.payload_sha256), (&b"new"[..], [7; 32]));
    assert_eq!(store.attachment(&[1; 32]).await.unwrap(), None);
    assert_eq!(store.attachment(&[2; 32]).await.unwrap(), Some(attachment(2)));
    assert_eq!(store.attachment(&[3; 32]).await.unwrap(), Some(attachment(3)));
    // Replacing it by the same keeps what it names.
    assert!(store.replace_draft(id, b"new", &[7; 32], &[attachment(3)]).await.unwrap());
    assert_eq!(store.attachment(&[3; 32]).await.unwrap(), Some(attachment(3)));

    let awaiting = Progress::Awaiting;
    let before = seen(Progress::Draft, 0);
    assert!(!store.add_co_signature(id, &signature(1), &before, awaiting).await.unwrap());
    let now = SeenStatement { payload_sha256: [7; 32], ..before };
    assert!(store.add_co_signature(id, &signature(1), &now, awaiting).await.unwrap());
    assert!(!store.replace_draft(id, b"newer", &[8; 32], &[]).await.unwrap());
    assert_eq!(store.statement(id).await.unwrap().unwrap().payload, b"new");
    assert_eq!(store.attachment(&[3; 32]).await.unwrap(), Some(attachment(3)));
}

pub async fn signatures_gather_by_compare_and_swap(ground: Ground) {
    use Progress::{Awaiting, CoSigned, Draft};
    let store = ground.store().await;
    let id = store.insert_statement(&statement(1, Draft), &[], None).await.unwrap();
    assert_eq!(store.co_signatures(id).await.unwrap(), []);
    assert!(store.add_co_signature(id, &signature(2), &seen(Draft, 0), Awaiting).await.unwrap());
    // Somebody who still saw the draft.
    assert!(!store.add_co_signature(id, &signature(3), &seen(Draft, 0), Awaiting).await.unwrap());
    assert_eq!(store.statements_ready().await.unwrap(), []);
    // Somebody who still saw it without the first signature.
    assert!(
        !store.add_co_signature(id, &signature(3), &seen(Awaiting, 0), Awaiting).await.unwrap()
    );
    let one = seen(Awaiting, 1);
    assert!(store.add_co_signature(id, &signature(4), &one, CoSigned).await.unwrap());
    assert_eq!(store.co_signatures(id).await.unwrap(), [signature(2), signature(4)]);
    let ready = store.statements_ready().await.unwrap();
    assert_eq!((ready.len(), ready[0].0.id, ready[0].0.state), (1, id, CoSigned));
    assert_eq!(ready[0].1, [signature(2), signature(4)]);
}

pub async fn a_statement_enters_with_all_its_signatures_or_not_at_all(ground: Ground) {
    use Progress::CoSigned;
    let store = ground.store().await;
    let new = statement(1, CoSigned);
    let signatures = [signature(1), signature(2)];
    let id = store.insert_signed_statement(&new, &[attachment(1)], &signatures).await.unwrap();
    assert_eq!(store.statements_ready().await.unwrap()[0].0.id, id);
    assert_eq!(store.co_signatures(id).await.unwrap(), signatures);
    assert_eq!(store.attachment(&[1; 32]).await.unwrap(), Some(attachment(1)));

    let twice = [signature(1), signature(1)];
    let error = store
        .insert_signed_statement(&statement(2, CoSigned), &[attachment(2)], &twice)
        .await
        .unwrap_err();
    assert!(matches!(error, StoreError::Conflict { .. }), "{error}");
    assert_eq!(store.statements(None, None, None, 10).await.unwrap().len(), 1);
    assert_eq!(store.attachment(&[2; 32]).await.unwrap(), None);
}

pub async fn rejects_a_second_signature_of_one_key(ground: Ground) {
    use Progress::{Awaiting, CoSigned, Draft};
    let store = ground.store().await;
    let id = store.insert_statement(&statement(1, Draft), &[], None).await.unwrap();
    assert!(store.add_co_signature(id, &signature(1), &seen(Draft, 0), Awaiting).await.unwrap());
    let one = seen(Awaiting, 1);
    let error = store.add_co_signature(id, &signature(1), &one, CoSigned).await.unwrap_err();
    assert!(matches!(error, StoreError::Conflict { .. }), "{error}");
    assert_eq!(store.statement(id).await.unwrap().unwrap().state, Awaiting);
}

pub async fn a_refusal_frees_the_turn(ground: Ground) {
    use Progress::{Awaiting, Draft, Refused};
    let store = ground.store().await;
    closed_turn(&store).await;
    let id = store.insert_statement(&statement(1, Draft), &[], Some(&turn("t1"))).await.unwrap();
    assert_eq!(store.turns_to_draft().await.unwrap(), []);
    let note = Some("面积不对".to_owned());
    let why = Grounds::Reason { reason: RefusalReason::WrongShares, note };
    let refusal = Refusal { by: person("c01"), why };
    assert!(!store.refuse_statement(id, &refusal, Awaiting).await.unwrap());
    assert!(store.refuse_statement(id, &refusal, Draft).await.unwrap());
    let read = store.statement(id).await.unwrap().unwrap();
    assert_eq!((read.state, read.refusal), (Refused, Some(refusal)));
    assert_eq!(store.turns_to_draft().await.unwrap().len(), 1);
    store.insert_statement(&statement(2, Draft), &[], Some(&turn("t1"))).await.unwrap();
}

pub async fn a_refusal_reads_as_it_was_made(ground: Ground) {
    use Progress::Draft;
    let store = ground.store().await;
    let bare = Grounds::Reason { reason: RefusalReason::NoWater, note: None };
    for (n, why) in [bare, Grounds::Words("闸门未关严".to_owned())].into_iter().enumerate() {
        let n = u8::try_from(n + 1).unwrap();
        let id = store.insert_statement(&statement(n, Draft), &[], None).await.unwrap();
        let refusal = Refusal { by: person("c01"), why };
        assert!(store.refuse_statement(id, &refusal, Draft).await.unwrap());
        assert_eq!(store.statement(id).await.unwrap().unwrap().refusal, Some(refusal));
    }
    let district = format!("(SELECT id FROM district WHERE code = '{}')", ground.district);
    let moody = "UPDATE statement SET refusal_reason = 'bad-mood' WHERE district = ";
    ground.tamper(&format!("{moody}{district}")).await;
    let error = store.statements(None, None, None, 9).await.unwrap_err();
    let corrupt = matches!(error, StoreError::Corrupt { column: "refusal_reason", .. });
    assert!(corrupt, "{error}");
}

pub async fn rejects_a_statement_of_an_open_turn(ground: Ground) {
    let store = ground.store().await;
    store.put_round(&spring()).await.unwrap();
    store.open_turn(&new_turn("t1", "w1")).await.unwrap();
    let new = statement(1, Progress::Draft);
    let error =
        store.insert_statement(&new, &[attachment(1)], Some(&turn("t1"))).await.unwrap_err();
    assert!(matches!(error, StoreError::Conflict { .. }), "{error}");
    assert_eq!(store.statements(None, None, None, 10).await.unwrap(), []);
    assert_eq!(store.attachment(&[1; 32]).await.unwrap(), None);
}

pub async fn lists_by_state_and_village(ground: Ground) {
    use Progress::{Awaiting, Draft};
    let store = ground.store().await;
    let mut ids = Vec::new();
    for (mark, state, of) in
        [(1, Draft, "shang"), (2, Awaiting, "shang"), (3, Draft, "xia"), (4, Draft, "shang")]
    {
        let mut new = statement(mark, state);
        new.village = Some(village(of));
        ids.push(store.insert_statement(&new, &[], None).await.unwrap());
    }
    let shang = village("shang");
    for (state, of, before, limit, expected) in [
        (None, None, None, 10, vec![ids[3], ids[2], ids[1], ids[0]]),
        (None, None, Some(ids[2]), 1, vec![ids[1]]),
        (Some(Draft), None, None, 10, vec![ids[3], ids[2], ids[0]]),
        (None, Some(&shang), None, 10, vec![ids[3], ids[1], ids[0]]),
        (Some(Draft), Some(&shang), Some(ids[3]), 10, vec![ids[0]]),
        (Some(Progress::Posted), None, None, 10, vec![]),
    ] {
        let found = store.statements(state, of, before, limit).await.unwrap();
        assert_eq!(found.iter().map(|row| row.id).collect::<Vec<_>>(), expected);
    }
}
