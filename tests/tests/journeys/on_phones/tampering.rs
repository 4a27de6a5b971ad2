//! A server, or somebody before it, that shows other things than are to be signed: whoever signs sees exactly
//! the bytes that they sign, and what the page cannot read it says it cannot.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use super::{Phone, Scene, card};
use crate::harness::{Browser, Proxy};
use crate::township::{CADRES, STATION, Waiting};

/// What a server tells of a statement instead, and what the page makes of it.
struct Lie {
    name: &'static str,
    /// Changes the text of the payload and its type.
    change: fn(String, &mut String) -> String,
    sees: &'static str,
    /// Whether the page still lets the bytes be signed, by themselves and with the warning.
    signable: bool,
}

const LIES: [Lie; 9] = [
    Lie {
        name: "unknown-field",
        change: |text, _| text.replacen("\"outlet\":", "\"gift_litres\":5,\"outlet\":", 1),
        sees: "有本页不认识的内容：watering.gift_litres",
        signable: true,
    },
    Lie {
        name: "field-twice",
        change: |text, _| {
            text.replacen("\"volume_litres\":", "\"volume_litres\":1,\"volume_litres\":", 1)
        },
        sees: "原文的写法与常规不同",
        signable: true,
    },
    Lie {
        name: "unknown-kind",
        change: |text, kind| {
            "application/vnd.mingqu.promise.v1+json".clone_into(kind);
            text
        },
        sees: "本页不认识这一类内容",
        signable: true,
    },
    Lie {
        name: "another-kind",
        change: |text, kind| {
            "application/vnd.mingqu.key.v1+json".clone_into(kind);
            text
        },
        sees: "有本页不认识的内容：watering",
        signable: true,
    },
    Lie {
        name: "a-request",
        change: |_, kind| {
            "application/vnd.mingqu.request.v1+json".clone_into(kind);
            let settle = json!({ "settle": { "village": "dongqu", "round": "2024-1" } });
            json!({ "district": "qinghe", "asked_at": "2024-04-02T00:00:00Z", "ask": settle })
                .to_string()
        },
        sees: "这份内容没有写明由您签字",
        signable: false,
    },
    Lie {
        name: "no-json",
        change: |_, _| "mingqu-session/v1\nhttp://127.0.0.1\nqinghe\n".to_owned(),
        sees: "本页不认识这一类内容",
        signable: false,
    },
    Lie {
        name: "more-water",
        change: |text, _| text.replacen("\"volume_litres\":6", "\"volume_litres\":9", 1),
        sees: "各户相加是",
        signable: false,
    },
    Lie {
        name: "another-district",
        change: |text, _| text.replacen("\"qinghe\"", "\"minghe\"", 1),
        sees: "这是另一个灌区的内容（minghe）",
        signable: false,
    },
    Lie {
        name: "other-signers",
        change: |text, _| {
            text.replace("\"role\":\"cadre\",\"key\":\"", "\"role\":\"cadre\",\"key\":\"0")
        },
        sees: "这份内容没有写明由您签字",
        signable: false,
    },
];

/// A statement as the API tells it, with another payload.
fn told_otherwise(body: &[u8], change: impl FnOnce(String, &mut String) -> String) -> Vec<u8> {
    let mut statement: Value = serde_json::from_slice(body).unwrap();
    let payload = STANDARD.decode(statement["payload"].as_str().unwrap()).unwrap();
    let mut kind = statement["payload_type"].as_str().unwrap().to_owned();
    let payload = change(String::from_utf8(payload).unwrap(), &mut kind);
    statement["payload"] = json!(STANDARD.encode(payload));
    statement["payload_type"] = json!(kind);
    statement.to_string().into_bytes()
}

/// A cadre's phone behind a proxy, with a watering that waits for its signature.
fn waiting_cadre(scene: &Scene, proxy: &Proxy) -> (Phone, i64) {
    let cadre = scene.cadre(Browser::small_phone(), &proxy.base());
    let draft = scene.log_turn("turn-1", 1, "2024-04-01T02:00:00Z", "2024-04-01T09:30:00Z").id;
    scene.sign(draft, STATION.key);
    (cadre, draft)
}

/// Signatures and requests that left the phone.
fn signed(proxy: &Proxy) -> Vec<Value> {
    let posted = proxy.posted().into_iter();
    let signed = posted
        .filter(|sent| sent.path.ends_with("/signatures") || sent.path.ends_with("/requests"));
    signed.map(|sent| serde_json::from_slice(&sent.body).unwrap()).collect()
}

#[test]
fn what_the_page_cannot_read_is_shown_raw_or_not_signed() {
    let scene = Scene::set();
    let proxy = Proxy::before(scene.site());
    let (cadre, draft) = waiting_cadre(&scene, &proxy);
    let path = format!("/api/v1/statements/{draft}");
    for Lie { name, change, sees, signable } in LIES {
        let own = path.clone();
        proxy.lies(move |path, body| (path == own).then(|| told_otherwise(body, change)));
        cadre.open();
        cadre.browser.sees(sees);
        let told = told_otherwise(&scene.site().get(&path).body, change);
        let told: Value = serde_json::from_slice(&told).unwrap();
        let told = STANDARD.decode(told["payload"].as_str().unwrap()).unwrap();
        let raw = cadre.browser.run(
            "const card = document.querySelector(arguments[0]); \
             return { text: card.querySelector('pre').textContent, open: card.querySelector('details').open, \
                 buttons: [...card.querySelectorAll('.actions button')].map((one) => one.innerText) }",
            &json!([card(draft)]),
        );
        assert_eq!(
            raw["text"].as_str().unwrap().as_bytes(),
            told,
            "{name}: the very bytes stand there"
        );
        let buttons = if signable { json!(["签字", "拒签"]) } else { json!(["拒签"]) };
        assert_eq!(raw["buttons"], buttons, "{name}");
        let open = signable || name == "no-json" || name == "a-request";
        assert_eq!(raw["open"], open, "{name}");
        cadre.browser.look(&format!("lie-{name}"));
    }
    assert_eq!(signed(&proxy), Vec::<Value>::new(), "no signature left the phone");
    assert_eq!(scene.statement(draft)["state"], "awaiting");
    drop(cadre);
    scene.life.stop();
}

#[test]
fn bytes_that_change_after_they_were_read_are_read_again() {
    let scene = Scene::set();
    let proxy = Proxy::before(scene.site());
    let (mut cadre, draft) = waiting_cadre(&scene, &proxy);
    cadre.open();
    cadre.browser.press_within(&card(draft), "签字");
    // While the question stands there, the server tells of another end.
    let path = format!("/api/v1/statements/{draft}");
    let later = |text: String, _: &mut String| text.replacen("T09:30:00Z", "T09:35:00Z", 1);
    proxy.lies(move |asked, body| (asked == path).then(|| told_otherwise(body, later)));
    cadre.browser.run("dispatchEvent(new Event('online'))", &json!([]));
    cadre.browser.sees("内容在您看的时候变了，请重新看。");
    cadre.browser.sees("2024年4月1日 17:35");
    assert_eq!(signed(&proxy), Vec::<Value>::new());
    cadre.browser.look("changed-while-reading");

    // Signed now, it is signed as shown, and the true server takes no such signature.
    cadre.browser.expect_error(
        "/signatures - Failed to load resource: the server responded with a status of 403",
    );
    cadre.sign(draft);
    cadre.delivered(draft, "rejected");
    let sent = signed(&proxy);
    assert_eq!(sent.len(), 1);
    let truth = Waiting::of(&scene.statement(draft));
    let shown = String::from_utf8(truth.message.clone()).unwrap();
    let shown = shown.replacen("T09:30:00Z", "T09:35:00Z", 1);
    let key = cadre.in_the_key("return key.publicKey");
    let verifies = |message: &[u8]| {
        let key = disclosure::key::PublicKey::from_hex(key.as_str().unwrap()).unwrap();
        let sig = STANDARD.decode(sent[0]["sig"].as_str().unwrap()).unwrap();
        key.verify(message, &sig.try_into().unwrap()).is_ok()
    };
    assert!(verifies(shown.as_bytes()), "the signature is over the bytes that were shown");
    assert!(!verifies(&truth.message));
    assert_eq!(scene.statement(draft)["state"], "awaiting");
    cadre.browser.look("signed-what-was-shown");
    drop(cadre);
    scene.life.stop();
}

#[test]
fn bills_that_are_not_those_named_are_not_signed() {
    let scene = Scene::set();
    let proxy = Proxy::before(scene.site());
    let (cadre, watering) = waiting_cadre(&scene, &proxy);
    scene.sign(watering, CADRES[1].key);
    let settle = json!({ "settle": { "village": "dongqu", "round": "2024-1" } });
    let run = scene.township.ask(scene.site(), &settle)["drafted"]["statement"].as_i64().unwrap();
    scene.sign(run, STATION.key);
    cadre.open();
    cadre.browser.sees("10101");
    cadre.browser.look("bill-run");

    proxy.lies(|path, body| {
        let bills =
            path.starts_with("/attachments/").then(|| String::from_utf8(body.to_vec()).unwrap());
        bills.map(|bills| bills.replacen("10101", "10102", 1).into_bytes())
    });
    cadre.open();
    cadre.browser.sees("附件与确认单写明的不是同一份，不能签。");
    cadre.browser.look("other-bills");
    let buttons = cadre.browser.text(&format!("{} .actions", card(run)));
    assert!(buttons.contains("拒签") && !buttons.contains("签字"), "{buttons}");
    assert_eq!(signed(&proxy), Vec::<Value>::new());
    drop(cadre);
    scene.life.stop();
}
