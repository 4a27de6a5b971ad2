//! The rules of the house that no compiler checks.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::Command;

/// What each crate may use of the workspace; `ARCHITECTURE.md` draws it.
const ALLOWED_EDGES: [(&str, &[&str]); 14] = [
    ("telemetry", &[]),
    ("sheet", &[]),
    ("domain", &[]),
    ("disclosure", &["domain"]),
    ("evidence", &["telemetry", "domain", "disclosure"]),
    ("audit", &["telemetry", "domain", "disclosure", "evidence"]),
    ("store", &["telemetry", "domain", "disclosure"]),
    ("service", &["store", "telemetry", "domain", "disclosure", "evidence"]),
    ("mqtt", &["service", "telemetry"]),
    ("web", &["service", "sheet"]),
    ("witness", &["disclosure"]),
    ("firmware-sim", &["telemetry"]),
    (
        "mingqu",
        &[
            "telemetry",
            "domain",
            "disclosure",
            "audit",
            "store",
            "service",
            "mqtt",
            "web",
            "sheet",
            "witness",
            "firmware-sim",
        ],
    ),
    // It runs the programs; what its tests alone use is not restricted.
    ("mingqu-tests", &[]),
];

/// Crates that decide and compute, and what they never reach.
const PURE_CRATES: [&str; 5] = ["telemetry", "domain", "disclosure", "evidence", "audit"];
const OUTSIDE_WORLD: [&str; 9] =
    ["tokio", "sqlx", "sqlx-core", "axum", "hyper", "rumqttc", "getrandom", "ureq", "rustls"];

const MAX_FILE_LINES: usize = 500;
const LONG_FILE_LINES: usize = 400;
const NAMELESS: [&str; 5] = ["utils", "helpers", "common", "misc", "manager"];

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().to_path_buf()
}

fn cargo(arguments: &[&str]) -> String {
    let output = Command::new(env!("CARGO")).args(arguments).current_dir(root()).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

/// Name and manifest folder of every package of the workspace, with its dependencies as (name, kind, path).
fn packages() -> Vec<serde_json::Value> {
    let metadata = cargo(&["metadata", "--offline", "--no-deps", "--format-version", "1"]);
    let metadata: serde_json::Value = serde_json::from_str(&metadata).unwrap();
    metadata["packages"].as_array().unwrap().clone()
}

/// Every file below the given folders with one of the extensions.
fn files(folders: &[&str], extensions: &[&str]) -> Vec<PathBuf> {
    fn walk(folder: &Path, extensions: &[&str], found: &mut Vec<PathBuf>) {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                walk(&path, extensions, found);
            } else if path.extension().is_some_and(|e| extensions.iter().any(|known| e == *known)) {
                found.push(path);
            }
        }
    }
    let mut found = Vec::new();
    for folder in folders {
        walk(&root().join(folder), extensions, &mut found);
    }
    found.sort();
    assert!(!found.is_empty());
    found
}

fn rust_files() -> Vec<PathBuf> {
    files(&["crates", "firmware-sim", "tests"], &["rs"])
}

fn shown(path: &Path) -> String {
    path.strip_prefix(root()).unwrap().display().to_string()
}

#[test]
fn crates_use_only_what_the_architecture_draws() {
    let packages = packages();
    let names: BTreeSet<&str> = packages.iter().map(|p| p["name"].as_str().unwrap()).collect();
    let drawn: BTreeSet<&str> = ALLOWED_EDGES.iter().map(|(name, _)| *name).collect();
    assert_eq!(names, drawn, "the architecture draws other crates than the workspace has");
    for package in &packages {
        let name = package["name"].as_str().unwrap();
        let (_, allowed) = ALLOWED_EDGES.iter().find(|(drawn, _)| *drawn == name).unwrap();
        for dependency in package["dependencies"].as_array().unwrap() {
            let target = dependency["name"].as_str().unwrap();
            if !names.contains(target) {
                continue;
            }
            if dependency["kind"] == "dev" {
                println!("for its tests alone, {name} uses {target}");
            } else {
                assert!(allowed.contains(&target), "{name} must not use {target}");
            }
        }
    }
}

#[test]
fn versions_stand_in_the_workspace_alone() {
    let of_workspace = |value: &toml::Value| value.get("workspace") == Some(&true.into());
    for package in packages() {
        let path = PathBuf::from(package["manifest_path"].as_str().unwrap());
        let manifest: toml::Table =
            std::fs::read_to_string(&path).unwrap().parse().unwrap_or_else(|e| panic!("{e}"));
        for kind in ["dependencies", "dev-dependencies", "build-dependencies"] {
            let Some(dependencies) = manifest.get(kind).and_then(toml::Value::as_table) else {
                continue;
            };
            for (name, value) in dependencies {
                // A crate that turns on a feature of itself for its own tests.
                let itself = value.get("path") == Some(&".".into());
                assert!(of_workspace(value) || itself, "{}: {kind}.{name}", shown(&path));
            }
        }
        assert!(manifest["lints"].get("workspace") == Some(&true.into()), "{}", shown(&path));
    }
}

#[test]
fn what_decides_never_reaches_the_outside_world() {
    for name in PURE_CRATES {
        let tree = cargo(&[
            "tree",
            "--offline",
            "--package",
            name,
            "--edges",
            "normal",
            "--prefix",
            "none",
            "--format",
            "{p}",
        ]);
        for line in tree.lines() {
            let reached = line.split(' ').next().unwrap();
            assert!(!OUTSIDE_WORLD.contains(&reached), "{name} reaches {reached}");
        }
    }
}

#[test]
fn files_are_short_and_named_after_what_they_hold() {
    for path in rust_files() {
        let lines = std::fs::read_to_string(&path).unwrap().lines().count();
        assert!(lines <= MAX_FILE_LINES, "{} has {lines} lines", shown(&path));
        if lines > LONG_FILE_LINES {
            println!("{} has {lines} lines: is there a concept to name?", shown(&path));
        }
        let parts: Vec<String> = path
            .strip_prefix(root())
            .unwrap()
            .iter()
            .map(|part| part.to_string_lossy().trim_end_matches(".rs").to_owned())
            .collect();
        let nameless = parts.iter().find(|part| NAMELESS.contains(&part.as_str()));
        assert_eq!(nameless, None, "{}", shown(&path));
    }
}

#[test]
fn sql_stands_in_store_alone() {
    // Put together here, so that this file does not find itself.
    let verbs = [
        ["SELECT", " "],
        ["INSERT", " INTO "],
        ["DELETE", " FROM "],
        ["UPDATE", " "],
        ["CREATE", " TABLE"],
    ];
    for path in rust_files() {
        // Tests may damage a database to see what the program says.
        if shown(&path).starts_with("crates/store/") || shown(&path).contains("/tests/") {
            continue;
        }
        let text = std::fs::read_to_string(&path).unwrap();
        for verb in verbs.map(|parts| parts.concat()) {
            assert!(!text.contains(&verb), "{} speaks SQL: {verb}", shown(&path));
        }
    }
}

#[test]
fn no_test_is_left_out() {
    let marks = ["#[ignore", "#![ignore"];
    for path in rust_files() {
        if path.ends_with("tests/tests/tidy.rs") {
            continue;
        }
        let text = std::fs::read_to_string(&path).unwrap();
        for mark in marks {
            assert!(!text.contains(mark), "{} leaves a test out", shown(&path));
        }
    }
}

#[test]
fn both_engines_have_the_same_migrations() {
    let names = |engine: &str| -> BTreeSet<String> {
        files(&[&format!("migrations/{engine}")], &["sql"])
            .iter()
            .map(|path| path.file_name().unwrap().to_string_lossy().into_owned())
            .collect()
    };
    assert_eq!(names("sqlite"), names("postgres"));
}

#[test]
fn the_tests_wait_in_one_place() {
    // A test that sleeps is slow on a good day and fails on a bad one.
    for path in files(&["tests"], &["rs"]) {
        if path.ends_with("tests/tests/tidy.rs") || path.ends_with("harness/wait.rs") {
            continue;
        }
        let text = std::fs::read_to_string(&path).unwrap();
        assert!(!text.contains("sleep("), "{} sleeps", shown(&path));
    }
}

#[test]
fn the_threat_model_names_tests_that_there_are() {
    let model = std::fs::read_to_string(root().join("docs/threat-model.md")).unwrap();
    let tests: Vec<String> =
        rust_files().iter().map(|path| std::fs::read_to_string(path).unwrap()).collect();
    let named: BTreeSet<&str> =
        model.split('`').skip(1).step_by(2).filter(|word| word.matches('_').count() >= 3).collect();
    assert!(named.len() > 30, "the table of attacks is gone");
    for name in named {
        let there = tests.iter().any(|text| text.contains(&format!("fn {name}(")));
        assert!(there, "docs/threat-model.md names the test {name}, which is not there");
    }
}
