//! The style sheet, the mark and the scripts, compiled in. Their addresses carry a hash of their
//! content, so that a browser may keep them for ever and still sees a new one at once.

use std::sync::LazyLock;

use axum::Router;
use axum::extract::Path;
use axum::http::StatusCode;
use axum::http::header::{CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE};
use axum::response::{IntoResponse, Response};
use axum::routing::get;

use crate::security::SCRIPTED_POLICY;
use crate::site::Site;

const STYLE: &str = include_str!("../assets/mingqu.css");
const MARK: &str = include_str!("../assets/mark.svg");

macro_rules! scripts {
    ($($name:literal)+) => {
        &[$(($name, include_str!(concat!("../assets/script/", $name)))),+]
    };
}

/// The modules, which name each other by these names: they lie under one hash, of all of them.
const SCRIPTS: &[(&str, &str)] = scripts![
    "api.js" "attachment.js" "bytes.js" "card.js" "curve.js" "database.js" "dom.js" "dsse.js"
    "enrol.js" "figures.js" "keep.js" "key.js" "kinds.js" "noble-ed25519.js" "outbox.js"
    "outbox-list.js" "parts.js" "refusal.js" "registry.js" "rules.js" "session.js" "sign.js"
    "statement.js" "text.js" "unlock.js" "waiting.js" "water.js"
];

/// Those of the outbox's page, which a phone keeps: none of them can sign.
const OUTBOX_SCRIPTS: [&str; 7] =
    ["waiting.js", "api.js", "database.js", "dom.js", "outbox.js", "outbox-list.js", "text.js"];

/// The worker that shows the outbox where there is no reception. Its address must stay, so a browser asks for it anew.
const WORKER: &str = include_str!("../assets/script/worker.js");

static STYLE_PATH: LazyLock<String> =
    LazyLock::new(|| format!("/assets/{:016x}/mingqu.css", content_hash(EMPTY_HASH, STYLE)));
static MARK_PATH: LazyLock<String> =
    LazyLock::new(|| format!("/assets/{:016x}/mark.svg", content_hash(EMPTY_HASH, MARK)));
static SCRIPT_FOLDER: LazyLock<String> = LazyLock::new(|| {
    let all = SCRIPTS.iter().fold(EMPTY_HASH, |hash, (_, text)| content_hash(hash, text));
    format!("/assets/{all:016x}/")
});

/// Where the style sheet lies.
pub(crate) fn style_path() -> &'static str {
    &STYLE_PATH
}

/// Where the mark lies.
pub(crate) fn mark_path() -> &'static str {
    &MARK_PATH
}

/// Where a script lies.
pub(crate) fn script_path(name: &str) -> String {
    format!("{}{name}", *SCRIPT_FOLDER)
}

/// Where all that the outbox's page needs lies, with spaces between.
pub(crate) fn outbox_assets() -> String {
    let scripts = OUTBOX_SCRIPTS.map(script_path);
    [style_path(), mark_path()]
        .into_iter()
        .chain(scripts.iter().map(String::as_str))
        .collect::<Vec<_>>()
        .join(" ")
}

pub(crate) fn routes() -> Router<Site> {
    Router::new().route("/assets/{hash}/{name}", get(asset)).route("/sign-worker.js", get(worker))
}

async fn worker() -> Response {
    let headers = [
        (CONTENT_TYPE, "text/javascript; charset=utf-8"),
        (CONTENT_SECURITY_POLICY, SCRIPTED_POLICY),
    ];
    (headers, WORKER).into_response()
}

async fn asset(Path((hash, name)): Path<(String, String)>) -> Response {
    let wanted = format!("/assets/{hash}/{name}");
    let script = SCRIPTS.iter().find(|(known, _)| wanted == script_path(known));
    let (media_type, body) = if wanted == style_path() {
        ("text/css; charset=utf-8", STYLE)
    } else if wanted == mark_path() {
        ("image/svg+xml", MARK)
    } else if let Some((_, text)) = script {
        ("text/javascript; charset=utf-8", *text)
    } else {
        return StatusCode::NOT_FOUND.into_response();
    };
    let headers =
        [(CONTENT_TYPE, media_type), (CACHE_CONTROL, "public, max-age=31536000, immutable")];
    (headers, body).into_response()
}

const EMPTY_HASH: u64 = 0xcbf2_9ce4_8422_2325;

/// FNV-1a, 64 bits, carried on from another: tells versions apart; nobody's security rests on it.
const fn content_hash(mut hash: u64, text: &str) -> u64 {
    let bytes = text.as_bytes();
    let mut at = 0;
    while at < bytes.len() {
        hash = (hash ^ bytes[at] as u64).wrapping_mul(0x0000_0100_0000_01b3);
        at += 1;
    }
    hash
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{Town, get, page};

    #[test]
    fn hashes_as_the_published_function_does() {
        assert_eq!(content_hash(EMPTY_HASH, ""), 0xcbf2_9ce4_8422_2325);
        assert_eq!(content_hash(EMPTY_HASH, "foobar"), 0x8594_4171_f739_67e8);
        assert_eq!(content_hash(content_hash(EMPTY_HASH, "foo"), "bar"), 0x8594_4171_f739_67e8);
    }

    #[test]
    fn the_style_sheet_asks_for_nothing_from_elsewhere() {
        for foreign in ["@import", "url(", "http:", "https:"] {
            assert!(!STYLE.contains(foreign), "{foreign}");
        }
    }

    #[test]
    fn every_script_is_served_and_imports_only_what_is() {
        let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("assets/script");
        for entry in std::fs::read_dir(folder).unwrap() {
            let name = entry.unwrap().file_name().into_string().unwrap();
            let served = name == "worker.js" || SCRIPTS.iter().any(|(known, _)| *known == name);
            assert!(served || std::path::Path::new(&name).extension().is_none_or(|e| e != "js"));
        }
        for (name, text) in SCRIPTS {
            let imports = text.split("from \"").skip(1).chain(text.split("import(\"").skip(1));
            for import in imports.filter(|_| *name != "noble-ed25519.js") {
                let import = import.split('"').next().unwrap();
                let known = SCRIPTS.iter().any(|(known, _)| import == format!("./{known}"));
                assert!(known, "{name} imports {import}");
            }
        }
    }

    #[test]
    fn a_phone_keeps_what_the_outbox_needs_and_nothing_that_signs() {
        let text = |name: &str| SCRIPTS.iter().find(|(known, _)| *known == name).unwrap().1;
        let mut needed = vec!["waiting.js"];
        let mut read = 0;
        while let Some(name) = needed.get(read).copied() {
            read += 1;
            for import in text(name).split("from \"./").skip(1) {
                let import = import.split('"').next().unwrap();
                if !needed.contains(&import) {
                    needed.push(import);
                }
            }
        }
        needed.sort_unstable();
        let mut kept = OUTBOX_SCRIPTS;
        kept.sort_unstable();
        assert_eq!(needed, kept);
        for name in kept {
            let text = text(name);
            assert!(!text.contains("crypto.subtle") && !text.contains("privateKey"), "{name}");
        }
        assert!(!WORKER.contains("import"), "the worker is whole");
    }

    #[test]
    fn every_text_of_the_scripts_is_used() {
        let table = SCRIPTS.iter().find(|(name, _)| *name == "text.js").unwrap().1;
        let others: String =
            SCRIPTS.iter().filter(|(name, _)| *name != "text.js").map(|(_, text)| *text).collect();
        // Keys that are put together from a code, such as `doubt_tamper`.
        let by_code = [
            "role_",
            "kind_",
            "doubt_",
            "origin_",
            "method_",
            "reason_",
            "refuse_",
            "kept_",
            "state_",
            "waiting_approval",
            "key_unknown",
        ];
        let keys = table.lines().filter_map(|line| line.strip_prefix("  ")?.split_once(": ["));
        for (key, _) in keys {
            let key = key.trim_matches('"');
            let built = by_code.iter().any(|prefix| key.starts_with(prefix));
            assert!(built || others.contains(&format!("\"{key}\"")), "{key} is used nowhere");
        }
    }

    #[test]
    fn the_reasons_to_refuse_for_are_those_that_are_taken() {
        let text = |name: &str| SCRIPTS.iter().find(|(known, _)| *known == name).unwrap().1;
        let codes = service::RefusalReason::ALL.map(|reason| format!("\"{}\"", reason.code()));
        let list = format!("export const REASONS = [{}];", codes.join(", "));
        assert!(text("refusal.js").contains(&list), "{list}");
        for code in service::RefusalReason::ALL.map(service::RefusalReason::code) {
            let named = [format!("  refuse_{code}: ["), format!("  \"refuse_{code}\": [")];
            assert!(named.iter().any(|key| text("text.js").contains(key)), "{code}");
        }
    }

    #[tokio::test]
    async fn scripts_are_served_for_ever_and_by_their_version() {
        let town = Town::empty().await;
        let answer = page(&town.router, &script_path("sign.js")).await;
        assert_eq!(answer.header("content-type"), "text/javascript; charset=utf-8");
        assert!(answer.header("cache-control").contains("immutable"));
        let worker = page(&town.router, "/sign-worker.js").await;
        assert_eq!(worker.header("cache-control"), "no-cache");
        assert_eq!(get(&town.router, "/assets/0000000000000000/sign.js").await.status, 404);
        assert_eq!(get(&town.router, &script_path("nothing.js")).await.status, 404);
    }
}
