//! From two invitations to a posted watering, over a refusal.

use serde_json::json;

use super::{PIN, Phone, Scene, card};
use crate::harness::Browser;
use crate::township::{SUPERVISOR, Waiting, audit_holds};

#[test]
fn two_phones_enrol_sign_refuse_and_sign_again() {
    let scene = Scene::set();
    let base = scene.site().base().to_owned();

    let operator = Phone::new(Browser::phone(), &base);
    let enrolment =
        operator.enrol(&scene.invitation(&base, "bureau", "operator-li", "station", None));
    operator.browser.look("enrolled-operator");
    operator.open();
    operator.browser.sees("等待批准");
    operator.browser.look("waits-for-approval");
    for root in ["bureau", "office"] {
        scene.sign(enrolment, root);
    }
    operator.browser.press("再看一次");
    operator.browser.sees("现在没有等您签字的内容");
    never_gives_its_key_away(&operator);

    let cadre = Phone { pin: Some(PIN), ..Phone::new(Browser::small_phone(), &base) };
    let invitation = scene.invitation(&base, SUPERVISOR.key, "cadre-ma", "cadre", Some("dongqu"));
    let enrolment = cadre.enrol(&invitation.replace("/enrol#", "/enrol?software-key#"));
    // The operator approves on the phone, a second person elsewhere.
    operator.open();
    operator.browser.sees("cadre-ma");
    operator.browser.look("approves-a-key");
    operator.sign(enrolment);
    operator.delivered(enrolment, "delivered");
    scene.sign(enrolment, SUPERVISOR.key);

    let refused = refuses_with_a_reason(&scene, &operator, &cadre);
    let anew = Waiting::first_in_state(scene.site(), "draft");
    assert_ne!(anew.id, refused);
    signs_and_sees_it_posted(&scene, &operator, &cadre, anew.id);

    drop((operator, cadre));
    scene.life.stop();
    let report = audit_holds(&scene.township.export(&scene.server.flags()));
    assert_eq!(report["waterings"], 1);
}

/// Not even the page itself gets at the secret.
fn never_gives_its_key_away(phone: &Phone) {
    let tried = phone.in_the_key(
        "const refused = []; \
         for (const form of ['pkcs8', 'jwk', 'raw']) { \
             await crypto.subtle.exportKey(form, key.privateKey).catch((error) => refused.push(error.name)); } \
         return { refused, extractable: key.privateKey.extractable, kept: Object.keys(key).sort() };",
    );
    let wanted = json!({
        "refused": ["InvalidAccessError", "InvalidAccessError", "InvalidAccessError"],
        "extractable": false,
        "kept": ["enrolment", "fingerprint", "kept", "name", "privateKey", "publicKey"],
    });
    assert_eq!(tried, wanted);
}

/// The operator signs, the cadre does not; returns the statement that went back.
fn refuses_with_a_reason(scene: &Scene, operator: &Phone, cadre: &Phone) -> i64 {
    let draft = scene.log_turn("turn-1", 1, "2024-04-01T02:00:00Z", "2024-04-01T09:30:00Z").id;
    cadre.open();
    cadre.browser.sees("现在没有等您签字的内容");
    operator.open();
    operator.browser.sees("1号机井");
    operator.browser.look("operator-signs");
    operator.sign(draft);
    operator.delivered(draft, "delivered");
    operator.browser.look("operator-signed");

    cadre.open();
    cadre.browser.sees("1号机井");
    cadre.browser.look("cadre-reads");
    cadre.browser.press_within(&card(draft), "拒签");
    cadre.browser.press_within(&card(draft), "确认拒签");
    cadre.browser.sees("请选一个原因。");
    cadre.browser.press_within(&card(draft), "水没有到地里");
    cadre.browser.look("cadre-refuses");
    cadre.browser.press_within(&card(draft), "确认拒签");
    cadre.delivered(draft, "delivered");
    let refused = scene.statement(draft);
    assert_eq!(refused["state"], "refused");
    assert_eq!(refused["refusal"]["person"], "cadre-ma");

    operator.open();
    operator.browser.sees("cadre-ma 拒签：水没有到地里");
    operator.browser.look("operator-sees-the-refusal");
    draft
}

fn signs_and_sees_it_posted(scene: &Scene, operator: &Phone, cadre: &Phone, anew: i64) {
    operator.sign(anew);
    operator.delivered(anew, "delivered");
    cadre.open();
    cadre.sign(anew);
    cadre.delivered(anew, "posted");
    cadre.browser.look("cadre-signed");
    let index = &scene.statement(anew)["posted_index"];
    cadre.browser.open(&format!("{}/postings/{index}", cadre.base));
    for words in ["operator-li", "cadre-ma", "1号机井"] {
        cadre.browser.sees(words);
    }
    cadre.browser.look("posted");
    cadre.browser.open(&format!("{}/villages/dongqu/rounds/2024-1", cadre.base));
    cadre.browser.sees("1号机井");
}
