//! A receipt in somebody's hand, checked in the browser and by the program: both say the same.

use serde_json::json;

use super::{Scene, tick};
use crate::harness::{Browser, Finished, mingqu};

/// The verdict on the page, once there is one.
const ANSWER: &str = "#answer > .note";

/// Pastes a text and has it checked; `good`, `care` or `bad`.
fn verdict(browser: &Browser, text: &str) -> String {
    browser.run(
        "document.querySelector('#answer').replaceChildren(); \
         document.querySelector('#text').value = arguments[0]",
        &json!([text]),
    );
    browser.press("核对");
    browser.text(ANSWER);
    let kind =
        browser.run("return document.querySelector(arguments[0]).className", &json!([ANSWER]));
    kind.as_str().unwrap().trim_start_matches("note ").to_owned()
}

/// What a receipt is changed to.
fn cases(receipt: &str, watering: u64) -> Vec<(&'static str, String)> {
    let swapped = |from: &str, to: &str| receipt.replacen(from, to, 1);
    let (head, checkpoint) = receipt.split_once("\n\n").unwrap();
    let (kept, last) = head.rsplit_once('\n').unwrap();
    let index = format!("index {watering}\n");
    vec![
        ("as it is", receipt.to_owned()),
        ("with extra data", swapped("index", "extra d2F0ZXI=\nindex")),
        ("by one more signer", format!("{receipt}— other.example/x AAAAAAAAAAA=\n")),
        ("another index", swapped(&index, "index 0\n")),
        ("an index past the end", swapped(&index, "index 4096\n")),
        ("an index with a zero", swapped(&index, &format!("index 0{watering}\n"))),
        ("no index", swapped(&index, "")),
        ("a hash too few", format!("{kept}\n\n{checkpoint}")),
        ("a hash twice", format!("{kept}\n{last}\n{last}\n\n{checkpoint}")),
        ("another hash", format!("{kept}\n{}\n\n{checkpoint}", "A".repeat(43) + "=")),
        (
            "a hash with other spelling",
            format!("{kept}\n{}\n\n{checkpoint}", last.trim_end_matches('=')),
        ),
        ("another version", swapped("proof@v1", "proof@v2")),
        ("another origin", swapped("\n\ntest.", "\n\nbest.")),
        (
            "another size",
            swapped(&format!("\n{}\n", watering + 1), &format!("\n{}\n", watering + 2)),
        ),
        ("no signature", receipt.rsplit_once("\n\n").unwrap().0.to_owned() + "\n\n"),
        ("extra that is none", swapped("index", "extra water\nindex")),
        ("its checkpoint alone", checkpoint.to_owned()),
        ("a changed checkpoint", checkpoint.replacen("test.", "best.", 1)),
        ("something else", "water\n".to_owned()),
    ]
}

#[test]
fn the_page_and_the_program_come_to_the_same_verdict() {
    let scene = Scene::set();
    let base = scene.site().base().to_owned();
    let path = format!("/postings/{}/receipt", scene.watering);
    let receipt = scene.site().get(&path).answered(200).text();
    let mut browser = Browser::phone();
    // The entry that an index past the end would be.
    browser.expect_error("/postings/4096/envelope");
    browser.open(&format!("{base}/verify"));
    for (name, text) in cases(&receipt, scene.watering) {
        let file = scene.township.file("receipt.tlog-proof");
        std::fs::write(&file, &text).unwrap();
        let said = Finished::of(mingqu().arg("verify").arg(&file).args(["--log", &base]));
        let expected = match said.code {
            Some(0) => "good",
            Some(1) => "bad",
            _ => "care",
        };
        assert_eq!(verdict(&browser, &text), expected, "{name}: {}{}", said.stdout, said.stderr);
    }
    scene.life.stop();
}

#[test]
fn a_receipt_file_shows_what_it_proves() {
    let scene = Scene::set();
    let base = scene.site().base().to_owned();
    let path = format!("/postings/{}/receipt", scene.watering);
    let receipt = scene.site().get(&path).answered(200).body;
    let file = scene.township.file("kept.tlog-proof");
    std::fs::write(&file, receipt).unwrap();
    for browser in [Browser::phone(), Browser::small_phone()] {
        tick(&browser, &scene.page(&base));
        browser.press("打印公示凭证");
        browser.sees("记录公钥指纹");
        browser.look("receipt");
        let fingerprint = browser.text(".fingerprint");

        browser.open(&format!("{base}/verify"));
        browser.fill("#file", file.to_str().unwrap());
        browser.fill("#key", &fingerprint);
        browser.press("核对");
        browser.sees(&format!("第 {} 号的原文一字不差地在记录", scene.watering));
        browser.sees("turn-1");
        browser.look("verified");

        browser.run("document.querySelector('#key').value = '0123 4567 89ab cdef'", &json!([]));
        browser.press("核对");
        browser.sees("不是您写的那一把（0123 4567 89ab cdef）");
        browser.look("another-key");
    }
    scene.life.stop();
}
