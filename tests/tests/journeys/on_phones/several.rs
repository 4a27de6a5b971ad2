//! Signing several together (签看过的): those that were read, and never one that was not.

use serde_json::{Value, json};

use super::{Phone, Scene, card, signed, told_otherwise};
use crate::harness::{Browser, Proxy};
use crate::township::STATION;

impl Phone {
    /// Scrolls to the end of a card, where its buttons are, and waits until it counts as read.
    fn read(&self, statement: i64) {
        let end = format!("{} .actions", card(statement));
        let scroll = "document.querySelector(arguments[0]).scrollIntoView({ block: 'end' })";
        self.browser.run(scroll, &json!([end]));
        self.browser.until(
            &format!("{statement} to be read"),
            "return !document.querySelector(`${arguments[0]} .seen`).hidden",
            &json!([card(statement)]),
        );
    }

    /// Which cards count as read.
    fn seen(&self) -> Value {
        let marks = "return [...document.querySelectorAll('article.card .seen:not([hidden])')] \
             .map((one) => Number(one.closest('article').id.replace('statement-', '')))";
        self.browser.run(marks, &json!([]))
    }
}

#[test]
fn only_what_was_read_is_signed_together() {
    let scene = Scene::set();
    let proxy = Proxy::before(scene.site());
    let cadre = scene.cadre(Browser::small_phone(), &proxy.base());
    let turns = [
        ("turn-1", 1, "2024-04-01T02:00:00Z", "2024-04-01T05:00:00Z"),
        ("turn-2", 1, "2024-04-01T06:00:00Z", "2024-04-01T09:30:00Z"),
        ("turn-3", 2, "2024-04-01T02:00:00Z", "2024-04-01T09:30:00Z"),
    ];
    let [first, second, third] = turns.map(|(id, well, from, to)| {
        let draft = scene.log_turn(id, well, from, to).id;
        scene.sign(draft, STATION.key);
        draft
    });

    // One that the page cannot wholly read is not among them, however often it was looked at.
    let path = format!("/api/v1/statements/{second}");
    let gift =
        |text: String, _: &mut String| text.replacen("\"outlet\":", "\"gift\":5,\"outlet\":", 1);
    proxy.lies(move |asked, body| (asked == path).then(|| told_otherwise(body, gift)));
    cadre.open();
    cadre.browser.sees("有 3 份等您签字");
    assert_eq!(cadre.seen(), json!([]), "the newest stands on top, its end below the screen");
    for statement in [third, second, first] {
        cadre.read(statement);
    }
    cadre.browser.press_within("#together", "签我看完的 2 份");
    let asked = cadre.browser.text("#together ul");
    assert!(asked.contains(&format!("{first} 号")) && asked.contains(&format!("{third} 号")));
    assert!(!asked.contains(&format!("{second} 号")), "{asked}");
    cadre.browser.press_within("#together", "返回");

    // Opened anew, nothing was read yet; the oldest, below, is not signed with the others.
    proxy.lies(|_, _| None);
    cadre.open();
    cadre.browser.sees("有 3 份等您签字");
    cadre.read(third);
    assert_eq!(cadre.browser.text("#together"), "", "one alone is signed by its own button");
    cadre.read(second);
    assert_eq!(cadre.seen(), json!([third, second]));
    cadre.browser.press_within("#together", "签我看完的 2 份");
    cadre.browser.press_within("#together", "确认签字");
    for statement in [second, third] {
        cadre.delivered(statement, "posted");
    }
    assert_eq!(signed(&proxy).len(), 2);
    assert_eq!(scene.statement(first)["state"], "awaiting");
    cadre.browser.look("signed-together");
    drop(cadre);
    scene.life.stop();
}
