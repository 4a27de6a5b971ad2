//! The tick: a posting's page checks itself in the browser against the public log, and says so in one sentence; whoever
//! changes the page, the log or what was seen before is found out, each by its own words.

mod lies;
mod modules;
mod receipts;

use std::path::Path;

use serde_json::json;

use crate::harness::{Browser, Finished, Site, free_port, mingqu};
use crate::township::{CADRES, Life, STATION, Server, Township, Witness};

/// The tick on a posting's page, once its check is over.
const TICK: &str = "#tick:not([aria-busy])";
const POLICY: &str = "witnesses.policy";

/// A founded township with one posted watering, the last entry of its log.
struct Scene {
    township: Township,
    life: Life,
    watering: u64,
    _witness: Option<Witness>,
}

impl Scene {
    fn set() -> Self {
        let township = Township::prepare(1);
        Self::of(township, None, CADRES[1].key)
    }

    /// The same with a log that publishes nothing without its witness.
    fn witnessed() -> Self {
        let township = Township::prepare(1);
        let witness = Witness::start(&township, "office", &township.log_vkey());
        let policy = format!("{}quorum office\n", witness.line_at(witness.site().base()));
        std::fs::write(township.data().join(POLICY), policy).unwrap();
        let file = township.data().join("mingqu.toml");
        let written = std::fs::read_to_string(&file).unwrap();
        std::fs::write(file, format!("witness_policy = \"{POLICY}\"\n{written}")).unwrap();
        Self::of(township, Some(witness), CADRES[1].key)
    }

    /// The cadre signs with the key in a file, which takes the place of the one that was enrolled if it is another.
    fn of(township: Township, witness: Option<Witness>, key: &str) -> Self {
        let server = Server::with_endpoint(free_port());
        let life = server.start(&township.data());
        township.found(&life.site);
        if key != CADRES[1].key {
            rotate(&township, &life.site, key);
        }
        township.report(&server, 12);
        let draft = township.water(&life.site, "turn-1", 1).id;
        for key in [STATION.key, key] {
            let mut command = mingqu();
            command.args(["sign", "--server", life.site.base(), "--yes"]);
            command.args(["--statement", &draft.to_string(), "--key"]);
            Finished::of(command.arg(township.key_file(key))).ended_with(0);
        }
        let status = life.site.get("/api/v1/status").answered(200).json();
        let watering = status["log_size"].as_u64().unwrap() - 1;
        Self { township, life, watering, _witness: witness }
    }

    fn site(&self) -> &Site {
        &self.life.site
    }

    /// The page of the watering on a server.
    fn page(&self, base: &str) -> String {
        format!("{base}/postings/{}", self.watering)
    }
}

/// The cadre puts a new key in the place of the old one; both sign it.
fn rotate(township: &Township, site: &Site, key: &str) {
    township.new_key(key);
    let old = CADRES[1];
    let act = json!({ "rotate": {
        "old": township.fingerprint(old.key), "new": township.public_key(key), "kept": "file",
    }});
    // The order of the named is that of the signatures: the old key before the new.
    let mut head = township.head(&[]);
    head["signers"] = [old.key, key]
        .map(|key| json!({ "role": old.role, "key": township.fingerprint(key) }))
        .into();
    let payload = json!({ "head": head, "act": act });
    township.post(site, "key", &payload, &[old.key, key], &[]);
}

/// Opens a page and reads its tick, with the first word of its kind: good, care or bad.
#[track_caller]
fn tick(browser: &Browser, page: &str) -> String {
    browser.open(page);
    let words = browser.text(TICK);
    let kind = browser.run("return document.querySelector('#tick').className", &json!([]));
    format!("{} {words}", kind.as_str().unwrap().trim_start_matches("note "))
}

#[test]
fn a_posted_watering_ticks() {
    let scene = Scene::set();
    let size = scene.watering + 1;
    for browser in [Browser::phone(), Browser::small_phone()] {
        let said = tick(&browser, &scene.page(scene.site().base()));
        let words = format!(
            "good ✓ 已核对。 这一条是公示记录 {size} 条中的第 {} 号，2 个签字",
            scene.watering
        );
        assert!(said.starts_with(&words), "{said}");
        browser.press("核对了什么");
        browser.sees("水管所 · zhang 的签字有效");
        browser.sees("第一次看到这本记录");
        browser.sees("这本记录没有见证人");
        browser.look("tick");
        let again = tick(&browser, &format!("{}?lang=en", scene.page(scene.site().base())));
        assert!(again.starts_with("good ✓ Checked."), "{again}");
        browser.press("What was checked");
        browser.sees(&format!("the log that this browser saw before (of {size} entries)"));
        // Every kind of statement that founds a district, from the genesis on.
        for index in 0..size {
            let said = tick(&browser, &format!("{}/postings/{index}", scene.site().base()));
            assert!(said.starts_with("good "), "posting {index}: {said}");
        }
    }
    scene.life.stop();
}

#[test]
fn a_key_that_took_another_ones_place_is_followed_to_the_roots() {
    let scene = Scene::of(Township::prepare(1), None, "new-phone");
    let browser = Browser::phone();
    for index in [scene.watering, scene.watering - 1] {
        let said = tick(&browser, &format!("{}/postings/{index}", scene.site().base()));
        assert!(said.starts_with("good "), "posting {index}: {said}");
    }
    scene.life.stop();
}

#[test]
fn what_a_browser_kept_before_stays() {
    let scene = Scene::set();
    let browser = Browser::phone();
    browser.open(&format!("{}/log", scene.site().base()));
    let kept = "const open = (version, upgrade) => new Promise((resolve, reject) => { \
            const request = indexedDB.open('mingqu', version); request.onupgradeneeded = upgrade; \
            request.onsuccess = () => resolve(request.result); request.onerror = () => reject(request.error); }); \
        const done = (request) => new Promise((resolve) => { request.onsuccess = () => resolve(request.result); }); ";
    let before = format!(
        "{kept} return (async () => {{ const made = await open(1, ({{ target }}) => {{ \
            target.result.createObjectStore('key', {{ keyPath: 'name' }}); \
            target.result.createObjectStore('outbox', {{ keyPath: 'id', autoIncrement: true }}); }}); \
         await done(made.transaction('key', 'readwrite').objectStore('key').put({{ name: 'own', publicKey: 'abc' }})); \
         made.close(); }})()"
    );
    browser.run(&before, &json!([]));
    let said = tick(&browser, &scene.page(scene.site().base()));
    assert!(said.starts_with("good "), "{said}");
    let after = format!(
        "{kept} return (async () => {{ const database = await open(undefined, null); \
         const key = await done(database.transaction('key').objectStore('key').get('own')); \
         const seen = await done(database.transaction('seen').objectStore('seen').get('log')); \
         database.close(); return [key.publicKey, seen.size]; }})()"
    );
    let size = (scene.watering + 1).to_string();
    assert_eq!(browser.run(&after, &json!([])), json!(["abc", size]));
    scene.life.stop();
}

#[test]
fn the_commands_on_the_page_come_to_the_same() {
    let scene = Scene::set();
    let browser = Browser::phone();
    tick(&browser, &scene.page(scene.site().base()));
    browser.press("只核对这一条");
    browser.look("commands");
    let commands = browser.run(
        "return [...document.querySelectorAll('pre.commands')].map((one) => one.textContent)",
        &json!([]),
    );
    for commands in commands.as_array().unwrap() {
        let commands = commands.as_str().unwrap();
        assert!(commands.contains(&scene.township.log_vkey()), "{commands}");
        in_a_shell(commands, &scene.township.file("")).ended_with(0);
    }
    scene.life.stop();
}

/// Runs commands as somebody who copied them does, with the built program on the search path.
fn in_a_shell(commands: &str, folder: &Path) -> Finished {
    let program = mingqu();
    let programs = Path::new(program.get_program()).parent().unwrap();
    let path = std::env::var("PATH").unwrap_or_default();
    let mut shell = std::process::Command::new("sh");
    shell.args(["-ec", commands]).current_dir(folder);
    Finished::of(shell.env("PATH", format!("{}:{path}", programs.display())))
}

#[test]
fn a_log_with_a_witness_says_so() {
    let scene = Scene::witnessed();
    let browser = Browser::phone();
    let said = tick(&browser, &scene.page(scene.site().base()));
    assert!(said.starts_with("good "), "{said}");
    browser.press("核对了什么");
    browser.sees("1 个见证人签名证明记录只增不改");
    browser.look("tick-witnessed");
    scene.life.stop();
}

#[test]
fn a_page_without_scripts_says_how_to_check() {
    let scene = Scene::set();
    let page = scene.site().get(&format!("/postings/{}", scene.watering)).answered(200).text();
    assert!(page.contains("<noscript><p>自动核对需要浏览器允许运行脚本"));
    assert!(page.contains("mingqu audit log-copy --log-key"));
    scene.life.stop();
}
