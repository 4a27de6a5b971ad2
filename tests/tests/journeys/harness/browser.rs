//! A phone with Chromium, used as a person uses it: open a page, read, press, fill in.

use std::path::PathBuf;
use std::time::Instant;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use super::wait::{DEADLINE, wait_until};
use super::webdriver::{Failure, Session};

/// Width and height of a usual phone, in CSS pixels.
const PHONE: (u32, u32) = (390, 844);
/// Those of a small one, which everything must still fit on.
const SMALL_PHONE: (u32, u32) = (360, 640);
/// The folder that pictures of pages go to, for people to look at; without it none are taken.
const PICTURES: &str = "JOURNEY_PICTURES";
/// Pages are pictured down to here.
const MAX_PICTURE_HEIGHT: u64 = 6000;
/// How `WebDriver` names an element.
const ELEMENT: &str = "element-6066-11e4-a52e-4f735466cecf";
/// What a press or an entry meets while a page is being drawn anew: it is tried again.
const PASSING: [&str; 4] = [
    "no such element",
    "stale element reference",
    "element not interactable",
    "element click intercepted",
];

/// A browser with a profile of its own. What its console reports as an error fails the journey
/// at the end, unless the journey expects it.
#[derive(Debug)]
pub struct Browser {
    session: Session,
    width: u32,
    expected: Vec<String>,
}

impl Browser {
    pub fn phone() -> Self {
        Self::of_size(PHONE)
    }

    pub fn small_phone() -> Self {
        Self::of_size(SMALL_PHONE)
    }

    fn of_size(size: (u32, u32)) -> Self {
        Self { session: Session::start(size), width: size.0, expected: Vec::new() }
    }

    /// From here on, an error of the console that contains `words` is part of the story.
    pub fn expect_error(&mut self, words: &str) {
        self.expected.push(words.to_owned());
    }

    /// Chromium's process.
    pub fn pid(&self) -> u64 {
        self.session.browser_pid()
    }

    /// Opens an address, and waits until the page and its scripts are loaded.
    pub fn open(&self, address: &str) {
        self.command("url", &json!({ "url": address }));
    }

    /// Presses the button or link that reads exactly `words`, where a finger would reach it.
    #[track_caller]
    pub fn press(&self, words: &str) {
        self.press_within("main", words);
    }

    /// The same within the first element that `selector` finds.
    #[track_caller]
    pub fn press_within(&self, selector: &str, words: &str) {
        let script = "const place = document.querySelector(arguments[0]); \
             return [...(place?.querySelectorAll('button, a, summary, label') ?? [])] \
             .find((one) => one.innerText.trim() === arguments[1] && one.checkVisibility()) ?? null";
        self.on(
            &format!("{words:?} to press in {selector}"),
            script,
            &json!([selector, words]),
            |element| self.session.post(&format!("element/{element}/click"), &json!({})),
        );
    }

    /// Enters text into the field that `selector` finds.
    #[track_caller]
    pub fn fill(&self, selector: &str, text: &str) {
        let script = "return document.querySelector(arguments[0])";
        self.on(&format!("the field {selector}"), script, &json!([selector]), |element| {
            self.session.post(&format!("element/{element}/value"), &json!({ "text": text }))
        });
    }

    /// Waits until `words` stand on the page, where they can be seen.
    #[track_caller]
    pub fn sees(&self, words: &str) {
        self.until(
            &format!("the words {words:?}"),
            "return document.body.innerText.includes(arguments[0])",
            &json!([words]),
        );
    }

    /// The visible text of the first element that `selector` finds, once there is one.
    #[track_caller]
    pub fn text(&self, selector: &str) -> String {
        let script = "return document.querySelector(arguments[0])?.innerText ?? null";
        let text = self.until(&format!("the element {selector}"), script, &json!([selector]));
        text.as_str().unwrap_or_default().to_owned()
    }

    /// Runs a script in the page and returns what it returns, or what its promise comes to.
    #[track_caller]
    pub fn run(&self, script: &str, arguments: &Value) -> Value {
        self.command("execute/sync", &json!({ "script": script, "args": arguments }))
    }

    /// Runs a script until it returns something that is neither nothing nor false.
    #[track_caller]
    pub fn until(&self, what: &str, script: &str, arguments: &Value) -> Value {
        self.wait_for(what, || {
            Some(self.run(script, arguments))
                .filter(|seen| !matches!(seen, Value::Null | Value::Bool(false)))
        })
    }

    /// Waits, and says what stood on the page instead when it was in vain.
    #[track_caller]
    fn wait_for<T>(&self, what: &str, look: impl FnMut() -> Option<T>) -> T {
        wait_until(Instant::now() + DEADLINE, look).unwrap_or_else(|| {
            self.picture("in-vain");
            let page = "return location.href + '\\n' + document.body.innerText";
            let page = self.run(page, &json!([]));
            panic!(
                "waited {} s for {what} on {}",
                DEADLINE.as_secs(),
                page.as_str().unwrap_or_default()
            )
        })
    }

    /// Looks at the whole page: nothing may stick out of the screen sideways. Keeps a picture where one is wanted.
    #[track_caller]
    pub fn look(&self, name: &str) {
        let wide = self.run(
            "const wide = document.documentElement.scrollWidth; \
             if (wide <= arguments[0]) return []; \
             return [`the page is ${wide} pixels wide`, ...[...document.querySelectorAll('body *')] \
             .filter((one) => one.getBoundingClientRect().right > arguments[0] + 1) \
             .map((one) => `${one.tagName} ${one.className}: ${one.textContent.trim().slice(0, 40)}`)]",
            &json!([self.width]),
        );
        self.picture(name);
        assert_eq!(wide, json!([]), "{name} sticks out of {} pixels", self.width);
    }

    fn picture(&self, name: &str) {
        let Some(folder) = std::env::var_os(PICTURES).map(PathBuf::from) else { return };
        let height = self.run("return document.documentElement.scrollHeight", &json!([]));
        let height = height.as_u64().unwrap().min(MAX_PICTURE_HEIGHT);
        let clip = json!({ "x": 0, "y": 0, "width": self.width, "height": height, "scale": 1 });
        let whole = json!({ "captureBeyondViewport": true, "clip": clip });
        let taken = self.session.devtools("Page.captureScreenshot", &whole);
        let bytes = STANDARD.decode(taken["data"].as_str().unwrap()).unwrap();
        std::fs::create_dir_all(&folder).unwrap();
        std::fs::write(folder.join(format!("{name}-{}.png", self.width)), bytes).unwrap();
    }

    /// Errors of the console since the last look that the journey does not expect.
    pub fn errors(&self) -> Vec<String> {
        let lines = self.command("se/log", &json!({ "type": "browser" }));
        let errors = lines.as_array().unwrap().iter().filter(|line| line["level"] == "SEVERE");
        let errors = errors.map(|line| line["message"].as_str().unwrap().to_owned());
        errors.filter(|error| !self.expected.iter().any(|words| error.contains(words))).collect()
    }

    #[track_caller]
    fn command(&self, command: &str, body: &Value) -> Value {
        self.session.post(command, body).unwrap_or_else(|failure| panic!("{command}: {failure}"))
    }

    /// Does something to the element that a script returns, once there is one that takes it.
    #[track_caller]
    fn on(
        &self,
        what: &str,
        script: &str,
        arguments: &Value,
        act: impl Fn(&str) -> Result<Value, Failure>,
    ) {
        self.wait_for(what, || {
            let found = self.run(script, arguments);
            match act(found[ELEMENT].as_str()?) {
                Ok(_) => Some(()),
                Err(failure) if PASSING.contains(&failure.error.as_str()) => None,
                Err(failure) => panic!("{what}: {failure}"),
            }
        });
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            assert_eq!(self.errors(), Vec::<String>::new(), "the browser's console");
        }
    }
}
