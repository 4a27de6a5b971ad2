//! Somebody between the log and the browser, or the log's own server, shows something else.

use disclosure::bundle::{BundleId, decode};
use disclosure::checkpoint::Checkpoint;
use disclosure::merkle::{Hash, leaf_hash, root_of};
use disclosure::note::VerifierKey;
use ed25519_dalek::SigningKey;
use ed25519_dalek::pkcs8::DecodePrivateKey;
use serde_json::json;

use super::{Scene, tick};
use crate::harness::{Browser, Proxy};

/// What is shown instead of an answer, and by which words the page says what failed.
struct Lie {
    name: &'static str,
    change: fn(&str, String) -> Option<String>,
    says: &'static str,
}

/// The same with one piece of its text changed.
fn changed(text: &str, from: &str, to: &str) -> Option<String> {
    text.contains(from).then(|| text.replacen(from, to, 1))
}

const LIES: [Lie; 10] = [
    Lie {
        name: "volume",
        change: |_, body| changed(&body, "data-as=\"tenths\">", "data-as=\"tenths\">9"),
        says: "本页显示的数字与所签的内容不同。斗口水量",
    },
    Lie {
        name: "share",
        change: |_, body| changed(&body, ".litres\" data-as=\"m3\">", ".litres\" data-as=\"m3\">9"),
        says: "本页显示的数字与所签的内容不同。10101",
    },
    Lie {
        name: "time",
        change: |_, body| changed(&body, "data-as=\"minute\">2024", "data-as=\"minute\">2023"),
        says: "本页显示的数字与所签的内容不同。起止时间：本页写 2023年4月1日 10:00",
    },
    Lie {
        name: "signer",
        change: |_, body| changed(&body, "signatures.1.person\">", "signatures.1.person\">no-"),
        says: "本页显示的数字与所签的内容不同。村社干部：本页写 no-",
    },
    Lie {
        name: "unmarked",
        change: |_, body| {
            changed(&body, "data-said=\"watering.volume_litres\" data-as=\"m3\"", "")
                .map(|body| body.replace("data-said=\"watering.volume_litres\"", ""))
        },
        says: "本页显示的数字与所签的内容不同。watering.volume_litres：本页写 没有",
    },
    Lie {
        name: "checkpoint",
        change: |path, body| {
            (path == "/checkpoint").then(|| changed(&body, "\n1", "\n2")).flatten()
        },
        says: "检查点的签名不对",
    },
    Lie {
        name: "policy",
        change: |path, body| {
            let witness =
                "witness.example.com/w1+e8498172+BD1AF8PoQ4lakrcKp00bfrycmCzPLsSWjMDNVfEq9GYM";
            let asked = format!("witness w {witness}\nquorum w\n");
            (path == "/witnesses.policy").then(|| body.replace("quorum none\n", &asked))
        },
        says: "见证人的签名不够：只有 0 个",
    },
    Lie {
        name: "key",
        change: |path, _| {
            let other = "example.com/water+6256a055+AddamAGCsQq31Uv+08lkBzoO4XLz2qYjJa8CGmj3B1Ea\n";
            (path == "/log.vkey").then(|| other.to_owned())
        },
        says: "记录的钥匙换了",
    },
    Lie {
        name: "enrolment",
        change: |path, _| {
            path.starts_with("/api/v1/keys/")
                .then(|| r#"{"enrolled_at":0,"revoked_at":null}"#.into())
        },
        says: "没有登记在公示记录里",
    },
    Lie {
        name: "revoked",
        change: |path, _| {
            path.starts_with("/api/v1/keys/").then(|| r#"{"enrolled_at":1,"revoked_at":2}"#.into())
        },
        says: "在此之前已经注销",
    },
];

/// Puts a lie about text before the server.
fn lies(proxy: &Proxy, change: fn(&str, String) -> Option<String>) {
    proxy.lies(move |path, body| {
        let text = String::from_utf8(body.to_vec()).ok()?;
        Some(change(path, text)?.into_bytes())
    });
}

#[test]
fn each_lie_is_told_by_its_own_words() {
    let scene = Scene::set();
    let proxy = Proxy::before(scene.site());
    let browser = Browser::small_phone();
    let page = scene.page(&proxy.base());
    let honest = tick(&browser, &page);
    assert!(honest.starts_with("good "), "{honest}");
    for Lie { name, change, says } in LIES {
        lies(&proxy, change);
        let said = tick(&browser, &page);
        assert!(said.starts_with("bad ✗ 没有通过核对，请不要相信本页。"), "{name}: {said}");
        assert!(said.contains(says), "{name}: {said}");
        browser.look(&format!("lie-{name}"));
    }
    lies(&proxy, |_, _| None);
    let honest = tick(&browser, &page);
    assert!(honest.starts_with("good "), "nothing of the lies is remembered: {honest}");
    scene.life.stop();
}

#[test]
fn changed_bytes_are_not_in_the_log() {
    let scene = Scene::set();
    let proxy = Proxy::before(scene.site());
    let page = scene.page(&proxy.base());
    let says = format!("第 {} 号的原文不在检查点所签的记录里", scene.watering);
    let browser = Browser::phone();
    for (name, changes) in [("envelope", "/envelope"), ("tile", "/tile/0/")] {
        proxy.lies(move |path, body| {
            let mut body = body.to_vec();
            *body.get_mut(100).filter(|_| path.contains(changes))? ^= 1;
            Some(body)
        });
        let said = tick(&browser, &page);
        assert!(said.starts_with("bad ") && said.contains(&says), "{name}: {said}");
        browser.look(&format!("changed-{name}"));
    }
    scene.life.stop();
}

#[test]
fn what_is_not_given_is_no_tick() {
    let scene = Scene::set();
    let proxy = Proxy::before(scene.site());
    let mut browser = Browser::phone();
    browser.expect_error("/postings/");
    // A log that says that it is longer than it is has no tiles of that length.
    browser.expect_error("/tile/");
    let log = Forged::of(&scene);
    let longer = log.checkpoint(&log.entries, log.entries.len() + 1);
    proxy.lies(move |path, _| (path == "/checkpoint").then(|| longer.clone()));
    let said = tick(&browser, &scene.page(&proxy.base()));
    assert!(said.starts_with("care 没有核对成。 服务器没有给出核对要用的文件"), "{said}");
    browser.look("not-given");
    scene.life.stop();
}

/// Other histories, signed by the log's own key.
struct Forged {
    key: SigningKey,
    origin: String,
    entries: Vec<Vec<u8>>,
}

impl Forged {
    fn of(scene: &Scene) -> Self {
        let pem = std::fs::read_to_string(scene.township.data().join("log.key")).unwrap();
        let size = scene.watering + 1;
        let bundle = BundleId::in_log(0, size).unwrap();
        let bytes = scene.site().get(&format!("/{}", bundle.path())).answered(200).body;
        let vkey = VerifierKey::parse(&scene.township.log_vkey()).unwrap();
        Self {
            key: SigningKey::from_pkcs8_pem(&pem).unwrap(),
            origin: vkey.name().to_string(),
            entries: decode(&bytes).unwrap().into_iter().map(<[u8]>::to_vec).collect(),
        }
    }

    /// A checkpoint over these entries that claims this size.
    fn checkpoint(&self, entries: &[Vec<u8>], size: usize) -> Vec<u8> {
        let root = root_of(&leaves(entries));
        let size = u64::try_from(size).unwrap();
        Checkpoint::new(self.origin.clone(), size, root).sign(&self.key).unwrap()
    }

    /// Has a server show this history.
    fn shows(&self, proxy: &Proxy, entries: &[Vec<u8>]) {
        let checkpoint = self.checkpoint(entries, entries.len());
        let tile: Vec<u8> = leaves(entries).iter().flat_map(|leaf| *leaf.as_bytes()).collect();
        proxy.lies(move |path, _| match path {
            "/checkpoint" => Some(checkpoint.clone()),
            tiles if tiles.starts_with("/tile/0/") => Some(tile.clone()),
            _ => None,
        });
    }
}

fn leaves(entries: &[Vec<u8>]) -> Vec<Hash> {
    entries.iter().map(|entry| leaf_hash(entry)).collect()
}

#[test]
fn another_history_on_a_later_visit_is_a_split_view() {
    let scene = Scene::set();
    let proxy = Proxy::before(scene.site());
    let browser = Browser::small_phone();
    let first = format!("{}/postings/0", proxy.base());
    let honest = tick(&browser, &first);
    assert!(honest.starts_with("good "), "{honest}");
    let log = Forged::of(&scene);
    let count = log.entries.len();

    log.shows(&proxy, &log.entries[..count - 1]);
    let said = tick(&browser, &first);
    let shrunk = format!("记录变短了：这个浏览器上次看到 {count} 条，现在只有 {} 条", count - 1);
    assert!(said.starts_with("bad ") && said.contains(&shrunk), "{said}");
    browser.look("split-shrunk");

    let mut rewritten = log.entries.clone();
    rewritten[count - 1] = b"another watering".to_vec();
    let mut longer = rewritten.clone();
    longer.push(b"one more".to_vec());
    for (name, entries) in [("rewritten", rewritten), ("forked", longer)] {
        log.shows(&proxy, &entries);
        let said = tick(&browser, &first);
        let forked = format!("记录分叉了：前 {count} 条与这个浏览器上次看到的不是同一本");
        assert!(said.starts_with("bad ") && said.contains(&forked), "{name}: {said}");
        assert!(said.contains("这个浏览器记住的"), "{name}: {said}");
        browser.look(&format!("split-{name}"));
        // Who sees it for the first time has nothing to hold it against: that is what witnesses are for.
        let stranger = Browser::phone();
        let said = tick(&stranger, &first);
        assert!(said.starts_with("good "), "{name}: {said}");
    }

    proxy.lies(|_, _| None);
    let honest = tick(&browser, &first);
    assert!(honest.starts_with("good "), "what was seen is still what counts: {honest}");

    // Who knows the reason begins anew.
    log.shows(&proxy, &log.entries[..count - 1]);
    let said = tick(&browser, &first);
    assert!(said.contains(&shrunk), "{said}");
    browser.press("如果另有缘故");
    browser.look("forget");
    browser.press("忘掉以前记住的");
    browser.until(
        "a tick",
        "return document.querySelector('#tick').className === 'note good'",
        &json!([]),
    );
    scene.life.stop();
}

#[test]
fn other_witnesses_than_last_time_are_told_until_somebody_asked_why() {
    let scene = Scene::witnessed();
    let proxy = Proxy::before(scene.site());
    let browser = Browser::small_phone();
    let page = scene.page(&proxy.base());
    let honest = tick(&browser, &page);
    assert!(honest.starts_with("good "), "{honest}");
    lies(&proxy, |path, body| {
        (path == "/witnesses.policy").then(|| body.replace("quorum office", "quorum none"))
    });
    for _ in 0..2 {
        let said = tick(&browser, &page);
        assert!(said.starts_with("care ✓ 已核对。"), "{said}");
        assert!(said.contains("见证人名单与这个浏览器记住的不同"), "{said}");
    }
    browser.look("other-witnesses");
    browser.press("问明了，记住新名单");
    let good = "return document.querySelector('#tick').className === 'note good'";
    browser.until("a tick with the new list", good, &json!([]));
    scene.life.stop();
}

#[test]
fn a_checkpoint_without_its_witness_is_told() {
    let scene = Scene::witnessed();
    let proxy = Proxy::before(scene.site());
    let browser = Browser::phone();
    lies(&proxy, |path, body| {
        let kept = body.lines().filter(|line| !line.starts_with("— office "));
        (path == "/checkpoint").then(|| kept.flat_map(|line| [line, "\n"]).collect())
    });
    let said = tick(&browser, &scene.page(&proxy.base()));
    assert!(said.starts_with("bad ") && said.contains("见证人的签名不够：只有 0 个"), "{said}");
    browser.look("without-witness");
    scene.life.stop();
}
