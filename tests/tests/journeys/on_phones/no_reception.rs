//! Signing where there is no reception: what was signed waits on the phone and arrives later.

use serde_json::{Value, json};

use super::{Phone, Scene, card};
use crate::harness::{Browser, Proxy};
use crate::township::STATION;

/// What the console says of a request that nobody answered.
const NO_ANSWER: &str = "Failed to load resource: net::ERR_";
/// Whether the page of the outbox and its worker are on the phone.
const KEPT: &str = "return (async () => navigator.serviceWorker.controller \
     && (await (await caches.open('mingqu-outbox')).match('/outbox')) ? true : false)()";

#[test]
fn what_was_signed_without_reception_arrives_when_it_is_back() {
    let scene = Scene::set();
    let proxy = Proxy::before(scene.site());
    let mut cadre = scene.cadre(Browser::small_phone(), &proxy.base());
    cadre.browser.expect_error(NO_ANSWER);
    let [signed, refused] = [1, 2].map(|well| {
        let turn = format!("turn-{well}");
        let draft = scene.log_turn(&turn, well, "2024-04-01T02:00:00Z", "2024-04-01T09:30:00Z").id;
        scene.sign(draft, STATION.key);
        draft
    });
    cadre.open();
    cadre.browser.sees("有 2 份等您签字");

    proxy.set_reception(false);
    cadre.sign(signed);
    cadre.delivered(signed, "waiting");
    cadre.browser.press_within(&card(refused), "拒签");
    cadre.browser.press_within(&card(refused), "水没有到地里");
    cadre.browser.press_within(&card(refused), "确认拒签");
    cadre.delivered(refused, "waiting");
    cadre.browser.sees("现在没有信号");
    cadre.browser.look("no-reception");
    assert_eq!(scene.statement(signed)["state"], "awaiting");

    proxy.set_reception(true);
    cadre.browser.run("dispatchEvent(new Event('online'))", &json!([]));
    cadre.delivered(signed, "posted");
    cadre.delivered(refused, "returned");
    assert_eq!(scene.statement(refused)["state"], "refused");
    cadre.browser.look("reception-is-back");
    drop(cadre);
    scene.life.stop();
}

#[test]
fn the_page_opens_without_reception_and_sends_what_waits() {
    let scene = Scene::set();
    let proxy = Proxy::before(scene.site());
    let mut cadre = scene.cadre(Browser::small_phone(), &proxy.base());
    cadre.browser.expect_error(NO_ANSWER);
    let draft = scene.log_turn("turn-1", 1, "2024-04-01T02:00:00Z", "2024-04-01T09:30:00Z").id;
    scene.sign(draft, STATION.key);
    cadre.open();
    cadre.browser.sees("1号机井");
    cadre.browser.until("the phone to keep the page of the outbox", KEPT, &json!([]));
    never_runs_a_kept_script_that_signs(&cadre);

    proxy.set_reception(false);
    cadre.sign(draft);
    cadre.delivered(draft, "waiting");
    // Closed and opened again, far from any reception.
    cadre.browser.open("about:blank");
    cadre.open();
    cadre.browser.sees("现在没有信号");
    cadre.browser.sees("有 1 份存在这部手机里等着发出");
    cadre.delivered(draft, "waiting");
    cadre.browser.look("opened-without-reception");
    let loaded = cadre.browser.run(
        "return performance.getEntriesByType('resource').map(({ name }) => name.replace(/.*\\//, ''))",
        &json!([]),
    );
    for script in ["sign.js", "key.js", "dsse.js"] {
        assert!(!loaded.as_array().unwrap().contains(&json!(script)), "{loaded}");
    }
    assert_eq!(scene.statement(draft)["state"], "awaiting");

    proxy.set_reception(true);
    cadre.browser.press("现在发送");
    // The sign page itself comes back, from the server.
    cadre.browser.sees("现在没有等您签字的内容");
    cadre.delivered(draft, "posted");
    assert_eq!(scene.statement(draft)["state"], "posted");
    drop(cadre);
    scene.life.stop();
}

/// Whatever lies among what the phone keeps: with reception the scripts are the server's, and the rest is forgotten.
fn never_runs_a_kept_script_that_signs(phone: &Phone) {
    let plant = "return (async () => { \
         const script = document.querySelector('script[type=module]').src; \
         const old = (type) => new Response('globalThis.stale = true', { headers: { 'content-type': type } }); \
         const cache = await caches.open('mingqu-outbox'); \
         await cache.put(script, old('text/javascript')); \
         await cache.put('/sign', old('text/html')); \
         return script; })()";
    let script = phone.browser.run(plant, &json!([]));
    phone.open();
    phone.browser.sees("1号机井");
    assert_eq!(phone.browser.run("return globalThis.stale ?? null", &json!([])), Value::Null);
    let forgotten = "const [script] = arguments; return (async () => { const cache = await caches.open('mingqu-outbox'); \
         return !(await cache.match(script)) && !(await cache.match('/sign')); })()";
    phone.browser.until("what was planted to be forgotten", forgotten, &json!([script]));
}
