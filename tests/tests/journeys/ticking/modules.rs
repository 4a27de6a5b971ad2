//! The scripts' modules, run in the browser, beside the program's own crates: the same input, the same verdict.

use std::collections::BTreeMap;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use disclosure::checkpoint::Checkpoint;
use disclosure::dsse::Envelope;
use disclosure::key::{PublicKey, SigningKey, sign};
use disclosure::merkle::{leaf_hash, root_of};
use disclosure::note::{KeyName, NoteSigner, VerifierKey, open};
use disclosure::tile::{RightEdge, TileId};
use disclosure::witness_policy::WitnessPolicy;
use serde_json::{Value, json};

use super::Scene;
use crate::harness::{Browser, workspace};

/// A browser on a page whose scripts may be imported.
fn browser(scene: &Scene) -> Browser {
    let browser = Browser::phone();
    browser.open(&format!("{}/verify", scene.site().base()));
    browser
}

/// Runs a script with the named modules, `bytes` always among them, and its cases.
#[track_caller]
fn with_modules(browser: &Browser, modules: &[&str], script: &str, cases: &Value) -> Value {
    let import = |name: &&str| format!("const {name} = await import(folder + '{name}.js');");
    let imports = ["bytes"].iter().chain(modules).map(import).collect::<Vec<_>>().concat();
    browser.run(
        &format!(
            "const [cases] = arguments; \
             const folder = document.querySelector('script[type=module]').src.replace(/[^/]*$/, ''); \
             return (async () => {{ {imports} \
             const holds = async (act) => {{ try {{ await act(); return true; }} catch (error) {{ \
                 if (error.name === 'ReferenceError') throw error; return false; }} }}; \
             const of = bytes.fromBase64; {script} }})()"
        ),
        &json!([cases]),
    )
}

/// Checks that the page says of each case what the program says.
#[track_caller]
fn agree(said: &Value, expected: &[(String, bool)]) {
    let said = said.as_array().unwrap_or_else(|| panic!("{said}"));
    assert_eq!(said.len(), expected.len());
    for (said, (name, expected)) in said.iter().zip(expected) {
        assert_eq!(said, &json!(expected), "{name:?}");
    }
    assert!(expected.iter().any(|(_, holds)| *holds) && expected.iter().any(|(_, holds)| !holds));
}

fn text_of(bytes: impl AsRef<[u8]>) -> String {
    STANDARD.encode(bytes)
}

/// The block of a document that is marked with a word.
fn block(document: &str, mark: &str) -> String {
    let text = std::fs::read_to_string(workspace().join(document)).unwrap();
    let (_, rest) = text.split_once(&format!("```{mark}\n")).unwrap();
    rest.split_once("```").unwrap().0.to_owned()
}

const LOG_FORMAT: &str = "docs/formats/log.md";

#[test]
fn notes_are_read_alike() {
    let scene = Scene::set();
    let proof = block(LOG_FORMAT, "tlog-proof");
    let (_, note) = proof.split_once("\n\n").unwrap();
    let [log, witness] =
        ["log.vkey", "witness.vkey"].map(|mark| block(LOG_FORMAT, mark).trim().to_owned());
    let (text, lines) = note.split_once("\n\n").unwrap();
    let changed = |from: &str, to: &str| note.replacen(from, to, 1);
    let other = NoteSigner::new(KeyName::new("other").unwrap(), SigningKey::from_bytes(&[5; 32]));
    let other_line = other.sign(&format!("{text}\n")).line();
    let notes: Vec<Vec<u8>> = [
        note.to_owned(),
        changed("\n3\n", "\n4\n"),
        changed("\n3\n", "\n03\n"),
        changed("example.com/water\n", "example.com/waste\n"),
        changed("— ", "- "),
        changed("\n\n", "\n"),
        changed(" YlagVS", " YlagVT"),
        changed(" 6EmBcg", " 6EmBch"),
        changed("witness.example.com/w1 ", "witness.example.com/w2 "),
        format!("{text}\n\n{other_line}{lines}"),
        format!("{text}\n\n{other_line}"),
        format!("{text}\n\n"),
        format!("{text}\n\n{lines}{lines}"),
        format!("{text}\textension\n\n{lines}"),
        note.trim_end().to_owned(),
        format!("{note}\n"),
        format!("{text}\n\n{}", lines.repeat(33)),
        format!("{text}\n\n— example.com/water AAAA\n"),
        String::new(),
    ]
    .into_iter()
    .map(String::into_bytes)
    .chain([b"\xff\n\n".to_vec()])
    .collect();
    let keys = [&log, &witness].map(|key| VerifierKey::parse(key).unwrap());
    let expected: Vec<(String, bool)> = notes
        .iter()
        .map(|note| {
            let opened = Checkpoint::open_cosigned(note, &keys[0], &keys[1..]);
            let both = open(note, &keys).is_ok();
            assert!(both || opened.is_err());
            (String::from_utf8_lossy(note).into_owned(), opened.is_ok())
        })
        .collect();
    let cases = json!({ "log": log, "witness": witness, "notes": notes.iter().map(text_of).collect::<Vec<_>>() });
    let said = with_modules(
        &browser(&scene),
        &["note", "checkpoint"],
        "const [log, witness] = [await note.verifierKey(cases.log), await note.verifierKey(cases.witness)]; \
         return Promise.all(cases.notes.map((one) => holds(() => checkpoint.open(of(one), log, [witness]))))",
        &cases,
    );
    agree(&said, &expected);
    scene.life.stop();
}

#[test]
fn verifier_keys_and_policies_are_read_alike() {
    let scene = Scene::set();
    let log = block(LOG_FORMAT, "log.vkey").trim().to_owned();
    let weak = format!("w+00000000+{}", text_of([&[1_u8][..], &[0; 32]].concat()));
    let keys = [
        log.clone(),
        block(LOG_FORMAT, "witness.vkey").trim().to_owned(),
        log.replacen("6256", "6257", 1),
        log.replacen("+6256a055", "+6256A055", 1),
        log.replacen('w', " w", 1),
        log.replacen("+Add", "+Bdd", 1),
        log.trim_end_matches('=').to_owned() + "=",
        log.replacen('+', "", 1),
        weak,
        String::new(),
    ];
    let expected: Vec<_> =
        keys.iter().map(|key| (key.clone(), VerifierKey::parse(key).is_ok())).collect();
    let script = "return Promise.all(cases.map((one) => holds(() => note.verifierKey(one))))";
    let browser = browser(&scene);
    agree(&with_modules(&browser, &["note"], script, &json!(keys)), &expected);

    let policy = block(LOG_FORMAT, "policy");
    let changed = |from: &str, to: &str| policy.replacen(from, to, 1);
    let policies = [
        policy.clone(),
        "quorum none\n".to_owned(),
        changed("any office", "2 office"),
        changed("any office", "3 office"),
        changed("any office", "0 office"),
        changed("any office", "02 office"),
        changed("township\n", "office\n"),
        changed("quorum county", "quorum parish"),
        changed("quorum county", "quorum county\nquorum county"),
        changed("quorum county", ""),
        changed("witness township", "witness office"),
        changed("witness office", "witness none"),
        changed("group county", "group office"),
        changed("witness office witness", "witness office log"),
        changed("log example", "mog example"),
        changed("w2+b81e899e", "w2+b81e899f"),
        changed("\n", "\r\n"),
        changed(" any ", "\tany\t "),
    ];
    let expected: Vec<_> = policies
        .iter()
        .map(|policy| (policy.clone(), WitnessPolicy::parse(policy.as_bytes()).is_ok()))
        .collect();
    let script = "return Promise.all(cases.map((one) => holds(() => policy.parse(one))))";
    agree(&with_modules(&browser, &["policy"], script, &json!(policies)), &expected);
    scene.life.stop();
}

#[test]
fn envelopes_are_read_alike() {
    let scene = Scene::set();
    let envelope = block("docs/formats/envelope.md", "envelope").trim().to_owned();
    let changed = |from: &str, to: &str| envelope.replacen(from, to, 1);
    let (_, signature) = envelope.split_once("\"signatures\":[").unwrap();
    let signature = signature.trim_end_matches("]}");
    let many = format!("[{}", format!("{signature},").repeat(16));
    let envelopes = [
        envelope.clone(),
        changed("{\"payload\"", " {\n\"payload\""),
        changed(&format!("[{signature}"), "["),
        changed(&format!("[{signature}"), &format!("{many}{signature}")),
        changed("\"payload\":", "\"payload\":\"\",\"payload\":"),
        changed("\"payloadType\":", "\"kind\":1,\"payloadType\":"),
        changed("\"keyid\":", "\"keyid\":\"\",\"keyid\":"),
        changed("\"keyid\":", "\"key\":"),
        changed("aGVsbG8gd29ybGQ=", "aGVsbG8gd29ybGR="),
        changed("aGVsbG8gd29ybGQ=", "aGVsbG8gd29ybGQ"),
        changed("aGVsbG8gd29ybGQ=", "aGVsbG8g d29ybGQ="),
        changed("\"aGVsbG8gd29ybGQ=\"", "12"),
        changed("http://example.com/HelloWorld", ""),
        changed("http://example.com/HelloWorld", &"x".repeat(256)),
        changed("MCd0", ""),
        format!("{envelope} {{}}"),
        "[]".to_owned(),
        "null".to_owned(),
        String::new(),
    ];
    let expected: Vec<_> = envelopes
        .iter()
        .map(|one| (one.clone(), Envelope::parse(one.as_bytes()).is_ok()))
        .collect();
    let script =
        "return Promise.all(cases.map((one) => holds(async () => dsse.parse(bytes.utf8(one)))))";
    agree(&with_modules(&browser(&scene), &["dsse"], script, &json!(envelopes)), &expected);
    scene.life.stop();
}

/// Keys, messages and signatures as base64: good ones, changed ones, and those that only strict checking refuses.
fn signatures() -> Vec<[Vec<u8>; 3]> {
    let key = SigningKey::from_bytes(&[7; 32]);
    let public = PublicKey::of(&key).as_bytes().to_vec();
    let message = b"water".to_vec();
    let sig = sign(&key, &message).to_vec();
    let bent = |place: usize| {
        let mut bent = sig.clone();
        bent[place] ^= 1;
        bent
    };
    // S + L: the same point by another number (RFC 8032 §5.1.7 forbids it).
    let order =
        hex::decode("edd3f55c1a631258d69cf7a2def9de1400000000000000000000000000000010").unwrap();
    let mut carry = 0_u16;
    let malleable: Vec<u8> = sig[..32]
        .iter()
        .copied()
        .chain(sig[32..].iter().zip(&order).map(|(s, l)| {
            carry += u16::from(*s) + u16::from(*l);
            let byte = u8::try_from(carry & 0xff).unwrap();
            carry >>= 8;
            byte
        }))
        .collect();
    let mut identity = vec![0; 32];
    identity[0] = 1;
    // Under the identity as key, R = identity and S = 0 hold for every message.
    let universal = [identity.clone(), vec![0; 32]].concat();
    let mut second_spelling = vec![0xff; 32];
    (second_spelling[0], second_spelling[31]) = (0xee, 0x7f);
    vec![
        [public.clone(), message.clone(), sig.clone()],
        [public.clone(), b"waters".to_vec(), sig.clone()],
        [public.clone(), message.clone(), bent(0)],
        [public.clone(), message.clone(), bent(40)],
        [public.clone(), message.clone(), malleable],
        [public.clone(), message.clone(), sig[..63].to_vec()],
        [
            PublicKey::of(&SigningKey::from_bytes(&[8; 32])).as_bytes().to_vec(),
            message.clone(),
            sig.clone(),
        ],
        [identity.clone(), message.clone(), universal.clone()],
        [second_spelling, message.clone(), universal.clone()],
        [public.clone(), message.clone(), universal],
        [vec![0; 32], message.clone(), sig.clone()],
        [public[..31].to_vec(), message, sig],
    ]
}

#[test]
fn signatures_are_judged_alike_with_and_without_the_browsers_own_ed25519() {
    let scene = Scene::set();
    let cases = signatures();
    let expected: Vec<_> = cases
        .iter()
        .map(|[key, message, sig]| {
            let verifies =
                |key: PublicKey| key.verify(message, sig.as_slice().try_into().ok()?).ok();
            let holds = PublicKey::from_bytes(key).ok().and_then(verifies).is_some();
            (format!("{} {}", hex::encode(key), hex::encode(sig)), holds)
        })
        .collect();
    let cases: Vec<_> = cases.iter().map(|case| case.each_ref().map(text_of)).collect();
    let cases = json!(cases);
    let script = "return Promise.all(cases.map((one) => ed25519.verify(...one.map(of))))";
    agree(&with_modules(&browser(&scene), &["ed25519"], script, &cases), &expected);

    let without = "crypto.subtle.generateKey = () => Promise.reject(new DOMException('', 'NotSupportedError')); \
        crypto.subtle.importKey = () => Promise.reject(new DOMException('', 'NotSupportedError'));";
    let script = format!("{without} {script}");
    agree(&with_modules(&browser(&scene), &["ed25519"], &script, &cases), &expected);
    scene.life.stop();
}

#[test]
fn proofs_are_made_and_judged_alike_for_trees_of_many_sizes() {
    const SIZES: [usize; 9] = [1, 2, 3, 7, 255, 256, 257, 700, 70_000];
    let scene = Scene::set();
    let leaves: Vec<_> = (0..70_000_u32).map(|n| leaf_hash(&n.to_be_bytes())).collect();
    let mut trees = Vec::new();
    for size in SIZES {
        let mut edge = RightEdge::new();
        leaves[..size].iter().for_each(|leaf| edge.append(*leaf));
        let width = u64::try_from(size).unwrap();
        let indexes = [0, 1, size / 2, size - 1, 255, 256].map(|index| index.min(size - 1));
        // Every tree continues the empty one, whatever its root.
        let olds = SIZES.into_iter().chain([size / 3]).filter(|old| (1..=size).contains(old));
        let olds: Vec<usize> = olds.collect();
        let path = |level, index| TileId::in_tree(level, index, width).unwrap().path();
        let tiles: BTreeMap<String, String> = edge
            .changed_tiles()
            .into_iter()
            .map(|(level, index, bytes)| (path(level, index), text_of(bytes)))
            .collect();
        trees.push(json!({
            "size": size.to_string(),
            "root": text_of(edge.root().as_bytes()),
            "tiles": tiles,
            "leaves": indexes.map(|index| (index.to_string(), text_of(leaves[index].as_bytes()))),
            "olds": olds.iter().map(|old| (old.to_string(), text_of(root_of(&leaves[..*old]).as_bytes()))).collect::<Vec<_>>(),
        }));
    }
    // Each proof holds, and none does for another leaf, root or older root.
    let script = "let proofs = 0; const wrong = []; \
        const bent = (hash) => { const other = hash.slice(); other[0] ^= 1; return other; }; \
        const must = async (what, expected, act) => { proofs += 1; if ((await holds(act)) !== expected) wrong.push(what); }; \
        for (const tree of cases) { \
          const [size, root] = [BigInt(tree.size), of(tree.root)]; \
          const tile = async (path) => of(tree.tiles[path]); \
          for (const [index, leaf] of tree.leaves) { \
            const proof = await tiles.inclusionProof(BigInt(index), size, tile); \
            const check = (leaf, root) => merkle.verifyInclusion(leaf, BigInt(index), size, proof, root); \
            await must(`${index} in ${size}`, true, () => check(of(leaf), root)); \
            await must(`other leaf ${index} in ${size}`, false, () => check(bent(of(leaf)), root)); \
            await must(`${index} in other ${size}`, false, () => check(of(leaf), bent(root))); \
          } \
          for (const [old, oldRoot] of tree.olds) { \
            const proof = await tiles.consistencyProof(BigInt(old), size, tile); \
            const check = (old_, root) => merkle.verifyConsistency(BigInt(old), size, proof, old_, root); \
            await must(`${old} to ${size}`, true, () => check(of(oldRoot), root)); \
            await must(`other ${old} to ${size}`, false, () => check(bent(of(oldRoot)), root)); \
            await must(`${old} to other ${size}`, false, () => check(of(oldRoot), bent(root))); \
          } \
        } \
        return { proofs, wrong }";
    let said = with_modules(&browser(&scene), &["merkle", "tiles"], script, &json!(trees));
    assert_eq!(said["wrong"], json!([]));
    assert!(said["proofs"].as_u64().unwrap() > 250, "{said}");
    scene.life.stop();
}
