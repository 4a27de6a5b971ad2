//! What holds for every route.

use axum::http::Request;

use crate::testing::{Answer, Town, get, page, send};

const ROUTES: [&str; 46] = [
    "/",
    "/villages/east",
    "/villages/east/rounds/2026-1",
    "/postings/0",
    "/postings/6",
    "/postings/8",
    "/postings/6/receipt",
    "/postings/6/receipt/page",
    "/postings/9",
    "/postings/6/envelope",
    "/households/101",
    "/villages/east/owed",
    "/villages/east/owed?order=balance",
    "/payments/1",
    "/api/v1/households/101/payments",
    "/api/v1/villages/east/owed",
    "/search?q=zzz",
    "/search?q=101",
    "/tariff",
    "/tariff?crop=&mu=x",
    "/log",
    "/meters",
    "/meters/me1",
    "/meters/nobody",
    "/alarms",
    "/alarms?kind=tamper&cleared=1",
    "/turns",
    "/quarantine",
    "/sign",
    "/enrol",
    "/verify",
    "/checkpoint",
    "/log.vkey",
    "/witnesses.policy",
    "/tile/entries/000.p/10",
    "/api/v1/session",
    "/api/v1/status",
    "/api/v1/keys/0000000000000000000000000000000000000000000000000000000000000000",
    "/api/v1/alarms",
    "/api/v1/proposals",
    "/api/v1/tariff/explain?mu=x",
    "/api/v1/nothing",
    "/healthz",
    "/metrics",
    "/no/such/page",
    "/villages/%FF",
];

fn check_headers(path: &str, answer: &Answer) {
    let policy = answer.header("content-security-policy");
    for part in ["default-src 'none'", "style-src 'self'", "frame-ancestors 'none'"] {
        assert!(policy.contains(part), "{path}: {policy}");
    }
    assert!(!policy.contains("unsafe"), "{path}");
    assert_eq!(answer.header("x-content-type-options"), "nosniff", "{path}");
    assert_eq!(answer.header("referrer-policy"), "same-origin", "{path}");
    assert!(!answer.header("cache-control").is_empty(), "{path}");
}

#[tokio::test]
async fn every_answer_carries_the_headers() {
    let town = Town::busy().await;
    for path in ROUTES {
        let answer = get(&town.router, path).await;
        assert!(!answer.status.is_server_error(), "{path}: {}", answer.status);
        check_headers(path, &answer);
    }
    let wrong_method = Request::delete("/log").body(axum::body::Body::empty()).unwrap();
    let answer = send(&town.router, wrong_method).await;
    assert_eq!(answer.status, 405);
    check_headers("DELETE /log", &answer);
}

#[tokio::test]
async fn only_pages_that_sign_or_check_have_a_script_and_none_an_inline_style() {
    let town = Town::busy().await;
    for path in ROUTES {
        let answer = get(&town.router, path).await;
        if answer.header("content-type").starts_with("text/html") {
            let posting = path.starts_with("/postings/") && !path.ends_with("/page");
            let scripted = posting || ["/sign", "/enrol", "/verify"].contains(&path);
            let scripts = answer.text().matches("<script").count();
            assert_eq!(scripts, usize::from(scripted), "{path}");
            assert_eq!(answer.text().contains("<script type=\"module\" src=\"/assets/"), scripted);
            for inline in ["<style", " style=", " onclick", "javascript:"] {
                assert!(!answer.text().contains(inline), "{path}: {inline}");
            }
            assert!(answer.text().contains("<meta name=\"viewport\""), "{path}");
        }
    }
}

#[tokio::test]
async fn every_link_keeps_the_language_and_leads_somewhere() {
    let town = Town::busy().await;
    for path in ROUTES {
        let joint = if path.contains('?') { '&' } else { '?' };
        let answer = get(&town.router, &format!("{path}{joint}lang=en")).await;
        if !answer.header("content-type").starts_with("text/html") {
            continue;
        }
        assert_eq!(answer.header("content-language"), "en", "{path}");
        for link in links(answer.text()) {
            check_link(&town, path, &link).await;
        }
    }
}

fn links(page: &str) -> Vec<String> {
    let hrefs = page.split("href=\"").skip(1).filter_map(|rest| rest.split('"').next());
    hrefs.map(|href| href.replace("&#38;", "&")).collect()
}

async fn check_link(town: &Town, path: &str, link: &str) {
    let target = link.split('#').next().unwrap();
    let for_programs = ["/assets/", "/attachments/", "/checkpoint", "/log.vkey", "/tile/"];
    let download = target.ends_with("/receipt") || target.ends_with("/envelope");
    if !target.is_empty() && !download && !for_programs.iter().any(|p| target.starts_with(p)) {
        let kept = target.contains("lang=en") || target.contains("lang=zh");
        assert!(kept, "{path} links to {link} without the language");
    }
    // The link to the other language repeats this page's own address, which may be a refusal.
    if !target.is_empty() && !target.contains("lang=zh") {
        let answer = get(&town.router, target).await;
        assert!(answer.status.is_success(), "{path} links to {link}: {}", answer.status);
    }
}

#[tokio::test]
async fn the_browsers_language_is_used_where_none_is_chosen() {
    let town = Town::busy().await;
    let request = Request::get("/").header("accept-language", "en-GB,en;q=0.8");
    let answer = send(&town.router, request.body(axum::body::Body::empty()).unwrap()).await;
    assert_eq!(answer.header("content-language"), "en");
    assert_eq!(answer.header("vary"), "Accept-Language");
    answer.shows(&["href=\"/villages/east\"", "lang=\"zh-CN\""]);
    assert_eq!(page(&town.router, "/").await.header("content-language"), "zh-CN");
}

#[tokio::test]
async fn a_farmers_first_view_is_small() {
    const MAX_FIRST_VIEW_BYTES: usize = 60_000;
    let town = Town::busy().await;
    let household = page(&town.router, "/households/101").await;
    let style = page(&town.router, crate::assets::style_path()).await;
    assert!(style.header("cache-control").contains("immutable"));
    assert!(household.body.len() + style.body.len() < MAX_FIRST_VIEW_BYTES);
}

#[tokio::test]
async fn rejects_a_style_sheet_of_another_version() {
    let town = Town::empty().await;
    assert_eq!(get(&town.router, "/assets/0000000000000000/mingqu.css").await.status, 404);
}
