//! Signing where there is no reception: what was signed waits on the phone and arrives later.

use serde_json::json;

use super::{Scene, card};
use crate::harness::{Browser, Proxy};
use crate::township::STATION;

/// What the console says of a request that nobody answered.
const NO_ANSWER: &str = "Failed to load resource: net::ERR_";

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
    cadre.delivered(refused, "delivered");
    assert_eq!(scene.statement(refused)["state"], "refused");
    cadre.browser.look("reception-is-back");
    drop(cadre);
    scene.life.stop();
}
