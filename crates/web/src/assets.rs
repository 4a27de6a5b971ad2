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
    "api.js" "attachment.js" "bytes.js" "card.js" "check.js" "checkpoint.js" "cosignature.js"
    "curve.js" "database.js" "directory.js" "dom.js" "dsse.js" "ed25519.js" "enrol.js"
    "figures.js" "json.js" "keep.js" "key.js" "kinds.js" "log.js" "merkle.js" "noble-ed25519.js"
    "note.js" "outbox-list.js" "outbox.js" "parts.js" "policy.js" "proof.js" "receipt.js"
    "refusal.js" "registry.js" "rules.js" "seen.js" "session.js" "shown.js" "sign.js" "speaker.js"
    "statement.js" "text.js" "tiles.js" "unlock.js" "unsound.js" "verify-text.js" "verify.js"
    "waiting.js" "water.js" "words.js"
];

/// The script of the outbox's page, which a phone keeps with what it imports: none of it can sign.
const OUTBOX_SCRIPT: &str = "waiting.js";

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
    let scripts = imports_of(OUTBOX_SCRIPT);
    [style_path(), mark_path(), &script_path(OUTBOX_SCRIPT)]
        .into_iter()
        .chain(scripts.iter().map(String::as_str))
        .collect::<Vec<_>>()
        .join(" ")
}

/// Where the modules lie that a script imports, and those that these import in turn: a browser that is
/// told of them fetches all at once.
pub(crate) fn imports_of(name: &str) -> Vec<String> {
    let mut names = vec![name];
    let mut at = 0;
    while let Some(importing) = names.get(at) {
        let text =
            SCRIPTS.iter().find(|(known, _)| known == importing).map_or("", |(_, text)| text);
        for import in text.split("from \"./").skip(1).filter_map(|rest| rest.split('"').next()) {
            if !names.contains(&import) {
                names.push(import);
            }
        }
        at += 1;
    }
    names.iter().skip(1).map(|name| script_path(name)).collect()
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
    use service::board::{Kind, Origin, Role, ShareMethod, Source};

    use super::*;
    use crate::here::Here;
    use crate::locale::Lang;
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
    fn a_phone_keeps_nothing_that_signs() {
        let kept = outbox_assets();
        assert!(kept.contains("/waiting.js") && kept.contains("/outbox.js"), "{kept}");
        for (name, text) in SCRIPTS.iter().filter(|(name, _)| kept.contains(&script_path(name))) {
            assert!(!text.contains("crypto.subtle") && !text.contains("privateKey"), "{name}");
        }
        assert!(!WORKER.contains("import"), "the worker is whole");
    }

    #[test]
    fn a_page_names_all_modules_that_its_script_needs_at_once() {
        let imports = imports_of("verify.js");
        for name in ["check.js", "directory.js", "ed25519.js", "bytes.js"] {
            assert_eq!(imports.iter().filter(|path| **path == script_path(name)).count(), 1);
        }
        assert!(!imports.contains(&script_path("noble-ed25519.js")), "only where it is needed");
        assert!(!imports.contains(&script_path("verify.js")));
    }

    #[test]
    fn every_text_of_the_scripts_is_used() {
        const TABLES: [&str; 3] = ["text.js", "verify-text.js", "words.js"];
        let all_of = |tables: bool| -> String {
            let scripts = SCRIPTS.iter().filter(|(name, _)| TABLES.contains(name) == tables);
            scripts.map(|(_, text)| *text).collect()
        };
        let [table, others] = [true, false].map(all_of);
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
            "per_m3",
            "per_100_m3",
            "on_",
            "loss_",
            "minimum_",
            "source_",
            "state_",
            "waiting_approval",
            "key_unknown",
            "bad_",
            "receipt_holds",
            "checkpoint_holds",
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

    #[test]
    fn the_scripts_have_the_pages_words_for_codes() {
        let words = SCRIPTS.iter().find(|(name, _)| *name == "words.js").unwrap().1;
        let [zh, en] = [Lang::Zh, Lang::En].map(|lang| Here::sample(lang, "/", ""));
        let check = |name: String, zh: &str, en: &str| {
            let name = if name.contains('-') { format!("\"{name}\"") } else { name };
            let line = format!("  {name}: [\"{zh}\", \"{en}\"],\n");
            assert!(words.contains(&line), "words.js lacks {line}");
        };
        for kind in Kind::ALL {
            check(format!("kind_{}", kind.code()), zh.kind(kind), en.kind(kind));
        }
        for role in Role::ALL {
            check(format!("role_{}", role.code()), zh.role(role), en.role(role));
        }
        for (code, source) in [("surface", Source::Surface), ("ground", Source::Ground)] {
            check(format!("source_{code}"), zh.source(source), en.source(source));
        }
        for method in ShareMethod::ALL {
            check(format!("method_{}", method.code()), zh.method(method), en.method(method));
        }
        for origin in [Origin::MeterSigned, Origin::GatewayVouched, Origin::Manual] {
            let code = serde_json::to_value(origin).unwrap();
            let name = format!("origin_{}", code.as_str().unwrap());
            check(name, zh.origin(origin), en.origin(origin));
        }
        let (zh, en) = (zh.t, en.t);
        check("measured".into(), zh.plainly_measured, en.plainly_measured);
        check("estimated".into(), zh.estimated, en.estimated);
        check("posting".into(), zh.posting_at, en.posting_at);
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
