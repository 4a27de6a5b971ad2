//! Challenges and sessions.

use store::{MAX_OPEN_CHALLENGES, MAX_SESSIONS_PER_KEY, NewSession, SessionRow};

use crate::ground::{Ground, at};

fn hash(number: u32) -> [u8; 32] {
    let mut hash = [7; 32];
    hash[..4].copy_from_slice(&number.to_be_bytes());
    hash
}

fn session(token: u32, key: u8, ends: i64) -> NewSession {
    NewSession { token_sha256: hash(token), fingerprint: [key; 32], expires_at: at(ends) }
}

pub async fn a_challenge_is_answered_once(ground: Ground) {
    let store = ground.store().await;
    store.put_challenge(&hash(1), at(0), at(10)).await.unwrap();
    store.put_challenge(&hash(2), at(1), at(11)).await.unwrap();
    assert!(!store.take_challenge(&hash(3), at(2)).await.unwrap(), "never given out");
    assert!(store.take_challenge(&hash(1), at(9)).await.unwrap());
    assert!(!store.take_challenge(&hash(1), at(9)).await.unwrap(), "answered before");
    assert!(!store.take_challenge(&hash(2), at(11)).await.unwrap(), "expired");
    // What has expired goes when the next one comes, and never counts again.
    store.put_challenge(&hash(3), at(12), at(22)).await.unwrap();
    assert!(!store.take_challenge(&hash(2), at(5)).await.unwrap());
}

pub async fn the_oldest_challenge_gives_way(ground: Ground) {
    let store = ground.store().await;
    for number in 0..=MAX_OPEN_CHALLENGES {
        store.put_challenge(&hash(number), at(0), at(10)).await.unwrap();
    }
    assert!(!store.take_challenge(&hash(0), at(1)).await.unwrap());
    assert!(store.take_challenge(&hash(1), at(1)).await.unwrap());
    assert!(store.take_challenge(&hash(MAX_OPEN_CHALLENGES), at(1)).await.unwrap());
}

pub async fn a_session_ends_by_itself_or_when_asked(ground: Ground) {
    let store = ground.store().await;
    store.begin_session(&session(1, 5, 10), at(0)).await.unwrap();
    let known = SessionRow { fingerprint: [5; 32], expires_at: at(10) };
    assert_eq!(store.session(&hash(1), at(9)).await.unwrap(), Some(known));
    assert_eq!(store.session(&hash(2), at(9)).await.unwrap(), None);
    assert_eq!(store.session(&hash(1), at(10)).await.unwrap(), None);
    assert!(store.end_session(&hash(1)).await.unwrap());
    assert!(!store.end_session(&hash(1)).await.unwrap());
    assert_eq!(store.session(&hash(1), at(9)).await.unwrap(), None);
    // What has expired goes when the next one begins.
    store.begin_session(&session(2, 5, 10), at(0)).await.unwrap();
    store.begin_session(&session(3, 6, 30), at(20)).await.unwrap();
    assert!(!store.end_session(&hash(2)).await.unwrap());
}

pub async fn the_oldest_session_of_a_key_gives_way(ground: Ground) {
    let store = ground.store().await;
    store.begin_session(&session(1000, 6, 10), at(0)).await.unwrap();
    for token in 0..=MAX_SESSIONS_PER_KEY {
        store.begin_session(&session(token, 5, 10), at(0)).await.unwrap();
    }
    assert_eq!(store.session(&hash(0), at(1)).await.unwrap(), None);
    for token in (1..=MAX_SESSIONS_PER_KEY).chain([1000]) {
        assert!(store.session(&hash(token), at(1)).await.unwrap().is_some(), "{token}");
    }
}
