//! The pages on phones, as people without an account read them.

use std::panic::{AssertUnwindSafe, catch_unwind};

use serde_json::json;

use crate::harness::{Browser, free_port, wait_for};
use crate::township::{Server, Township, turn};

#[test]
fn pages_fit_on_phones_and_nothing_fails_in_them() {
    let township = Township::prepare(1);
    let server = Server::with_endpoint(free_port());
    let life = server.start(&township.data());
    township.found(&life.site);
    township.report(&server, 12);
    township.water(&life.site, "turn-1", 1);
    township.ask(&life.site, &turn("turn-2", 1, "g2", "2024-04-01T10:00:00Z"));

    for browser in [Browser::phone(), Browser::small_phone()] {
        for (name, path, words) in [
            ("district", "/", "东渠村"),
            ("log", "/log", "花名册"),
            ("meters", "/meters", "sim-000001"),
            ("turns", "/turns", "1号机井"),
            ("alarms", "/alarms", "没有"),
            ("quarantine", "/quarantine", "没有"),
            ("sign-without-key", "/sign", "这部手机里还没有签字钥匙"),
            ("enrol-without-code", "/enrol", "没有登记码"),
            ("sign-in-english", "/sign?lang=en", "There is no signing key on this phone"),
        ] {
            browser.open(&format!("{}{path}", life.site.base()));
            browser.sees(words);
            browser.look(name);
        }
        browser.open(life.site.base());
        browser.press("东渠村");
        browser.sees("轮次");
        browser.fill("#find", "10102");
        browser.press_within("form.find", "查找");
        let household = "return location.pathname === '/households/10102'";
        browser.until("the household's page", household, &json!([]));
        assert!(browser.text("main").contains("10102"));
        browser.look("household");
    }
    life.stop();
}

#[test]
fn what_fails_in_a_page_fails_the_journey() {
    let mut browser = Browser::phone();
    browser.open(
        "data:text/html,<script>console.error('one of ours');console.error('another')</script>",
    );
    browser.expect_error("one of ours");
    let errors = browser.errors();
    assert!(errors.len() == 1 && errors[0].contains("another"), "{errors:?}");

    browser.open(
        "data:text/html,<meta name=viewport content=width=device-width><p style='width:500px'>wide",
    );
    let pid = browser.pid();
    let looked = catch_unwind(AssertUnwindSafe(move || browser.look("wide")));
    assert!(looked.is_err(), "a page wider than the phone is seen");
    let process = std::path::PathBuf::from(format!("/proc/{pid}"));
    wait_for("the browser of a failed journey to end", || (!process.exists()).then_some(()));
}
