use proptest::prelude::*;

use super::*;
use crate::cosignature::Cosigner;
use crate::key::SigningKey;
use crate::merkle::empty_root;
use crate::note::{KeyName, NoteError, NoteSigner, SignatureType, SignedNote, VerifierKeyError};

fn log_key(seed: u8) -> VerifierKey {
    let key = SigningKey::from_bytes(&[seed; 32]);
    NoteSigner::new(KeyName::new("example.com/water").unwrap(), key).verifier_key()
}

fn witness(seed: u8) -> Cosigner {
    let name = KeyName::new(format!("w{seed}.example.com")).unwrap();
    Cosigner::new(name, SigningKey::from_bytes(&[seed; 32]))
}

fn key(seed: u8) -> VerifierKey {
    witness(seed).verifier_key()
}

/// The example of the specification: two of three at one organisation, any of three at another.
fn example() -> String {
    let mut text = format!("log {}\n\n", log_key(99));
    for (seed, name) in [(1, "X1"), (2, "X2"), (3, "X3"), (4, "Y1"), (5, "Y2"), (6, "Y3")] {
        let _ = writeln!(text, "witness {name} {}", key(seed));
    }
    text + "group X-witnesses 2 X1 X2 X3\ngroup Y-witnesses any Y1 Y2 Y3\n\
            group X-and-Y all X-witnesses Y-witnesses\nquorum X-and-Y\n"
}

fn parse(text: &str) -> Result<WitnessPolicy, PolicyError> {
    WitnessPolicy::parse(text.as_bytes())
}

/// Problem of the last line of these.
fn problem(text: &str) -> LineProblem {
    let last = text.lines().count();
    match parse(&format!("{text}\nquorum none\n")) {
        Err(PolicyError::Line { line, problem }) if line == last => problem,
        other => panic!("{text}: {other:?}"),
    }
}

fn met(policy: &WitnessPolicy, seeds: &[u8]) -> bool {
    policy.is_met(&seeds.iter().copied().map(key).collect::<Vec<_>>())
}

#[test]
fn readers_get_this_log_and_no_addresses() {
    let [log, other] = [log_key(99), log_key(98)];
    let text =
        format!("log {other} http://10.0.0.1\nwitness w {} http://10.0.0.2\nquorum w\n", key(1));
    let policy = parse(&text).unwrap().for_readers(&log);
    let expected = format!("log {log}\nwitness w {}\nquorum w\n", key(1));
    assert_eq!(policy.to_bytes(), expected.into_bytes());
    let none = WitnessPolicy::without_witnesses().for_readers(&log);
    assert_eq!(none.to_bytes(), format!("log {log}\nquorum none\n").into_bytes());
}

#[test]
fn groups_count_their_members() {
    let policy = parse(&example()).unwrap();
    assert!(met(&policy, &[1, 3, 5]));
    assert!(met(&policy, &[1, 2, 3, 4, 5, 6]));
    for few in [&[][..], &[1, 2, 3], &[4, 5, 6], &[1, 4], &[1, 1, 4], &[7, 8, 9]] {
        assert!(!met(&policy, few), "{few:?}");
    }
}

#[test]
fn a_quorum_of_one_witness_or_of_none() {
    let line = format!("witness w {}\n", key(1));
    assert!(!met(&parse(&format!("{line}quorum w\n")).unwrap(), &[2]));
    assert!(met(&parse(&format!("{line}quorum w\n")).unwrap(), &[1]));
    assert!(met(&parse(&format!("{line}quorum none\n")).unwrap(), &[]));
    assert!(met(&parse("quorum none").unwrap(), &[]));
}

#[test]
fn white_space_comments_and_foreign_octets_are_allowed() {
    let text = format!(
        " \t# \u{89c1}\u{8bc1}\n\n\tlog\t{}  https://example.com/ \nwitness  \u{7eaa} {} http://w\nquorum \u{7eaa}",
        log_key(99),
        key(1)
    );
    let policy = parse(&text).unwrap();
    assert_eq!(policy.logs()[0].url.as_deref(), Some("https://example.com/"));
    assert_eq!(policy.witnesses()[0].url.as_deref(), Some("http://w"));
    assert_eq!(policy.witnesses()[0].name.to_string(), "\u{7eaa}");
    // Names and comments may be in any encoding.
    let gbk =
        [b"# \xbc\xfb\nwitness \xbc\xcd ", key(1).to_string().as_bytes(), b"\nquorum \xbc\xcd\n"]
            .concat();
    assert!(met(&WitnessPolicy::parse(&gbk).unwrap(), &[1]));
}

#[test]
fn text_round_trips() {
    let policy = parse(&example()).unwrap();
    assert_eq!(WitnessPolicy::parse(&policy.to_bytes()), Ok(policy));
}

#[test]
fn checkpoint_needs_the_log_and_the_quorum() {
    let policy = parse(&format!(
        "log {}\nwitness a {}\nwitness b {}\ngroup g all a b\nquorum g\n",
        log_key(99),
        key(1),
        key(2)
    ))
    .unwrap();
    let checkpoint = Checkpoint::new("example.com/water", 0, empty_root());
    let signed = checkpoint.sign(&SigningKey::from_bytes(&[99; 32])).unwrap();
    let mut note = SignedNote::parse(&signed).unwrap();
    note.signatures.push(witness(1).cosign(&note.text, 1));
    let refused = policy.check(&note.to_bytes(), &log_key(99)).unwrap_err();
    assert_eq!(
        refused.to_string(),
        "the checkpoint of 0 entries is cosigned by a and the policy needs 2 of g (a, b): wait for its witnesses"
    );
    note.signatures.push(witness(2).cosign(&note.text, 1));
    let opened = policy.check(&note.to_bytes(), &log_key(99)).unwrap();
    assert_eq!((opened.checkpoint, opened.cosignatures.len()), (checkpoint, 2));
    assert_eq!(
        policy.check(&note.to_bytes(), &log_key(98)),
        Err(PolicyProblem::OtherLog(log_key(98)))
    );
    note.signatures.remove(0);
    let refused = policy.check(&note.to_bytes(), &log_key(99));
    let unsigned = CheckpointError::Note(NoteError::NoKnownKey);
    assert_eq!(refused, Err(PolicyProblem::Checkpoint(unsigned)));
}

#[test]
fn rejects_what_is_too_long() {
    let long = " ".repeat(MAX_POLICY_BYTES + 1);
    assert_eq!(parse(&long), Err(PolicyError::TooLong(long.len())));
}

#[test]
fn rejects_none_and_two_quorums() {
    assert_eq!(parse("# nothing\n"), Err(PolicyError::NoQuorum));
    assert_eq!(problem("quorum none\nquorum none"), LineProblem::SecondQuorum);
}

#[test]
fn rejects_control_characters() {
    assert_eq!(problem("quorum none\r"), LineProblem::ControlCharacter(b'\r'));
    assert_eq!(problem("# \u{0}"), LineProblem::ControlCharacter(0));
    assert_eq!(problem("# \u{7f}"), LineProblem::ControlCharacter(0x7f));
}

#[test]
fn rejects_other_words() {
    for word in ["logs", "Log", "\u{a0}quorum"] {
        assert_eq!(problem(word), LineProblem::Keyword(word.to_owned()));
    }
    let witness_line = format!("witness w {}", key(1));
    for line in [
        "log",
        "witness w",
        "quorum",
        "quorum a b",
        "group g",
        "group g any",
        &format!("log {} u v", log_key(9)),
        &format!("{witness_line} u v"),
    ] {
        assert!(matches!(problem(line), LineProblem::Words(_)), "{line}");
    }
}

#[test]
fn rejects_keys_that_are_none_or_of_another_type() {
    let shape = LineProblem::Key(VerifierKeyError::Shape);
    assert_eq!(problem("log x"), shape);
    assert_eq!(
        problem(&format!("log {}", key(1))),
        LineProblem::KeyType {
            what: "log",
            expected: SignatureType::Ed25519,
            found: SignatureType::CosignatureV1
        }
    );
    assert!(matches!(
        problem(&format!("witness w {}", log_key(1))),
        LineProblem::KeyType { what: "witness", .. }
    ));
    let bad = WitnessPolicy::parse(b"log \xff\nquorum none\n");
    let problem = LineProblem::NotUtf8;
    assert_eq!(bad, Err(PolicyError::Line { line: 1, problem }));
}

#[test]
fn rejects_a_public_key_under_two_names() {
    let other_name = |kind, seed| {
        let key = crate::key::PublicKey::of(&SigningKey::from_bytes(&[seed; 32]));
        VerifierKey::new(KeyName::new("other").unwrap(), kind, key)
    };
    let again = other_name(SignatureType::Ed25519, 9);
    let lines = format!("log {}\nlog {again}", log_key(9));
    assert_eq!(problem(&lines), LineProblem::DuplicateKey(again));
    let again = other_name(SignatureType::CosignatureV1, 1);
    let lines = format!("witness a {}\nwitness b {again}", key(1));
    assert_eq!(problem(&lines), LineProblem::DuplicateKey(again));
}

#[test]
fn rejects_names_that_are_taken_unknown_or_used_twice() {
    let name = |text: &str| PolicyName(text.into());
    let w = format!("witness w {}", key(1));
    let second = format!("{w}\nwitness w {}", key(2));
    assert_eq!(problem(&second), LineProblem::NameTaken(name("w")));
    assert_eq!(problem(&format!("{w}\ngroup w any w")), LineProblem::NameTaken(name("w")));
    let none = format!("witness none {}", key(1));
    assert_eq!(problem(&none), LineProblem::NameTaken(name("none")));
    assert_eq!(problem("quorum w"), LineProblem::UnknownName(name("w")));
    assert_eq!(problem("group g any g"), LineProblem::UnknownName(name("g")));
    assert_eq!(problem("group g any none"), LineProblem::UnknownName(name("none")));
    let twice = LineProblem::MemberTwice(name("w"));
    assert_eq!(problem(&format!("{w}\ngroup g any w w")), twice);
    assert_eq!(problem(&format!("{w}\ngroup g any w\ngroup h any w")), twice);
}

#[test]
fn rejects_thresholds_out_of_range_or_with_another_spelling() {
    for least in ["0", "2", "01", "+1", "most", "18446744073709551616"] {
        let found = least.to_owned();
        let refused = problem(&format!("witness w {}\ngroup g {least} w", key(1)));
        assert_eq!(refused, LineProblem::Threshold { found, members: 1 });
    }
}

#[test]
fn rejects_more_than_the_limits() {
    let mut witnesses = String::new();
    for seed in 0..=32 {
        let _ = write!(witnesses, "\nwitness w{seed} {}", key(seed));
    }
    let most = MAX_WITNESSES;
    assert_eq!(problem(&witnesses), LineProblem::TooMany { what: "witnesses", most });
    let mut logs = String::new();
    for seed in 0..=32 {
        let _ = write!(logs, "\nlog {}", log_key(seed));
    }
    assert_eq!(problem(&logs), LineProblem::TooMany { what: "logs", most: MAX_LOGS });
    let mut groups = format!("witness g0 {}", key(1));
    for number in 1..=33 {
        let _ = write!(groups, "\ngroup g{number} any g{}", number - 1);
    }
    assert_eq!(problem(&groups), LineProblem::TooMany { what: "groups", most: MAX_GROUPS });
}

proptest! {
    #[test]
    fn what_is_read_is_read_again(
        lines in prop::collection::vec("(witness|group|quorum|log)( (a|b|c|any|1|2|none|KEY1|KEY2|LOG)){1,4}", 0..8)
    ) {
        let text = lines.join("\n")
            .replace("KEY1", &key(1).to_string())
            .replace("KEY2", &key(2).to_string())
            .replace("LOG", &log_key(9).to_string());
        if let Ok(policy) = parse(&text) {
            prop_assert_eq!(WitnessPolicy::parse(&policy.to_bytes()), Ok(policy));
        }
    }

    /// More cosignatures never make a policy fail.
    #[test]
    fn more_witnesses_never_harm(few in prop::collection::vec(1_u8..7, 0..6), more in 1_u8..7) {
        let policy = parse(&example()).unwrap();
        let many = [few.clone(), vec![more]].concat();
        prop_assert!(!met(&policy, &few) || met(&policy, &many));
    }
}
