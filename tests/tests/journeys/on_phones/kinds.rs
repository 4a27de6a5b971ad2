//! Every kind of statement in plain words, and nothing in one that is neither said nor said to be unknown.

use serde_json::{Value, json};

use super::{Scene, told_otherwise};
use crate::harness::{Browser, Proxy, workspace};
use crate::township::STATION;

/// Fields that are signed and not spelt out: who else may sign, and hashes of what lies beside the log.
const NOT_SPELT_OUT: [&str; 4] =
    ["head.signers.", "evidence.reports.", "evidence.root", "signatures.sig"];

/// The statements of the document, by kind, and a registry with every scale.
fn examples() -> Vec<(String, Value)> {
    let document = std::fs::read_to_string(workspace().join("docs/formats/statements.md")).unwrap();
    let blocks = document.split("```json ").skip(1).map(|block| {
        let (name, rest) = block.split_once('\n').unwrap();
        (name.to_owned(), rest.split_once("```").unwrap().0.to_owned())
    });
    let blocks: Vec<(String, String)> = blocks.collect();
    let read = |text: &str| serde_json::from_str::<Value>(text).unwrap();
    let statements = blocks.iter().filter(|(_, text)| text.contains("\"head\""));
    let mut examples: Vec<_> = statements.map(|(kind, text)| (kind.clone(), read(text))).collect();
    let scales = read(&blocks.iter().find(|(name, _)| name == "scales").unwrap().1);
    let mut registry = examples.iter().find(|(kind, _)| kind == "registry").unwrap().1.clone();
    let plain = registry["meters"][0].clone();
    for scale in scales.as_array().unwrap() {
        let mut meter = plain.clone();
        meter["meter"]["scale"] = scale.clone();
        meter["meter"]["initial_value"] = json!(5);
        meter["meter"]["removed_at"] = json!("2016-09-01T00:00:00Z");
        meter["meter"]["final_value"] = json!(905);
        meter["meter"]["resets"] =
            json!([{ "at": "2016-06-01T00:00:00Z", "before": 70, "after": 3 }]);
        registry["meters"].as_array_mut().unwrap().push(meter);
    }
    let table = json!({ "id": "parshall-600", "source": "SL 24", "valid_from_mm": 30, "rows": [[30, 1500], [90, 8000]] });
    registry["tables"] = json!([table]);
    examples.push(("registry".to_owned(), registry));
    for (method, figures) in [
        ("minutes", json!({ "minutes": 30 })),
        ("minutes-flow", json!({ "minutes": 30, "flow_ml_per_s": 12_500 })),
        ("fixed", json!({ "weight": 3 })),
    ] {
        let mut watering = examples.iter().find(|(kind, _)| kind == "watering").unwrap().1.clone();
        watering["watering"]["method"] = json!(method);
        for share in watering["watering"]["shares"].as_array_mut().unwrap() {
            share.as_object_mut().unwrap().extend(figures.as_object().unwrap().clone());
        }
        examples.push(("watering".to_owned(), watering));
    }
    for act in [
        json!({ "rotate": { "old": "34".repeat(32), "new": "8a".repeat(32), "kept": "software" } }),
        json!({ "revoke": { "key": "34".repeat(32), "reason": "stolen" } }),
        json!({ "enrol": { "person": "c1", "role": "cadre", "village": "east", "household": "101",
            "key": "8a".repeat(32), "kept": "browser", "replaces": "34".repeat(32) } }),
    ] {
        let mut key = examples.iter().find(|(kind, _)| kind == "key").unwrap().1.clone();
        key["act"] = act;
        examples.push(("key".to_owned(), key));
    }
    examples
}

/// Reads a statement as the page does, whole and with every single change of it; returns what was not seen.
const READ: &str = r#"
const [kind, whole] = arguments;
const folder = document.querySelector("script[type=module]").src.replace(/[^/]*$/, "");
return (async () => {
  const { read } = await import(`${folder}statement.js`);
  const { speaker } = await import(`${folder}text.js`);
  const expected = { district: "sample", fingerprint: whole.head.signers[0].key };
  const of = (value, lang) => read(
    `application/vnd.mingqu.${kind}.v1+json`, new TextEncoder().encode(JSON.stringify(value)), expected, speaker(lang));
  const told = ({ text, ...shown }) => JSON.stringify(shown);
  const found = { strange: [], odd: [], unseenFields: [], unseenValues: [], short: of(whole, "zh").facts.filter((one) => one.short).length };
  for (const lang of ["zh", "en"]) {
    const shown = of(whole, lang);
    found.strange.push(...shown.strange, ...shown.wrong);
    const odd = /undefined|NaN|\[object|\{\d\}/.exec(told({ ...shown, attachment: null }));
    if (odd) found.odd.push(odd[0]);
  }
  const plainly = told(of(whole, "zh"));
  const walk = (value, path, changed) => {
    if (Array.isArray(value)) {
      value.forEach((one, place) => walk(one, path, (other) => changed(value.map((own, at) => (at === place ? other : own)))));
    } else if (value !== null && typeof value === "object") {
      if (of(changed({ ...value, zz: 1 }), "zh").strange.length === 0) found.unseenFields.push(path);
      for (const [name, one] of Object.entries(value)) {
        walk(one, path ? `${path}.${name}` : name, (other) => changed({ ...value, [name]: other }));
        // What should be an object or a list and is another thing is told.
        if (one !== null && typeof one === "object" && of(changed({ ...value, [name]: "zz" }), "zh").strange.length === 0) {
          found.unseenFields.push(`${path}.${name} as text`);
        }
      }
    } else {
      const other = typeof value === "number" ? value + 1 : typeof value === "boolean" ? !value
        : /^\d{4}-.*Z$/.test(value) ? value.replace(/^(...)./, (_, year) => `${year}9`) : `z${value}`;
      if (told(of(changed(other), "zh")) === plainly) found.unseenValues.push(path);
    }
  };
  walk(whole, "", (value) => value);
  return found;
})()
"#;

#[test]
fn every_kind_is_said_in_words_and_nothing_is_left_unsaid() {
    let scene = Scene::set();
    let browser = Browser::phone();
    browser.open(&format!("{}/sign", scene.site().base()));
    let examples = examples();
    let kinds: std::collections::BTreeSet<&str> =
        examples.iter().map(|(kind, _)| kind.as_str()).collect();
    assert_eq!(kinds.len(), 10, "{kinds:?}");
    for (kind, statement) in &examples {
        let found = browser.run(READ, &json!([kind, statement]));
        for complaint in ["strange", "odd", "unseenFields"] {
            assert_eq!(found[complaint], json!([]), "{kind}: {complaint}");
        }
        assert_ne!(found["short"], 0, "{kind} has a line in words");
        let unseen =
            found["unseenValues"].as_array().unwrap().iter().map(|path| path.as_str().unwrap());
        let unsaid: Vec<&str> =
            unseen.filter(|path| !NOT_SPELT_OUT.iter().any(|known| path.contains(known))).collect();
        assert_eq!(unsaid, Vec::<&str>::new(), "{kind}");
    }
    drop(browser);
    scene.life.stop();
}

#[test]
fn every_kind_fits_on_a_small_phone() {
    let scene = Scene::set();
    let proxy = Proxy::before(scene.site());
    let mut cadre = scene.cadre(Browser::small_phone(), &proxy.base());
    cadre.browser.expect_error("/attachments/");
    let fingerprint = cadre.in_the_key("return key.fingerprint").as_str().unwrap().to_owned();
    let draft = scene.log_turn("turn-1", 1, "2024-04-01T02:00:00Z", "2024-04-01T09:30:00Z").id;
    scene.sign(draft, STATION.key);
    for (place, (kind, statement)) in examples().into_iter().enumerate() {
        let mut statement = statement;
        statement["head"]["district"] = json!("qinghe");
        statement["head"]["signers"][0]["key"] = json!(fingerprint);
        let path = format!("/api/v1/statements/{draft}");
        let (payload, named) = (statement.to_string(), kind.clone());
        proxy.lies(move |asked, body| {
            (asked == path).then(|| {
                told_otherwise(body, |_, kind| {
                    *kind = format!("application/vnd.mingqu.{named}.v1+json");
                    payload.clone()
                })
            })
        });
        cadre.open();
        cadre.browser.sees("确认单");
        assert!(!cadre.browser.text(".card").contains("不认识"), "{kind}");
        cadre.browser.look(&format!("kind-{place}-{kind}"));
    }
    drop(cadre);
    scene.life.stop();
}
