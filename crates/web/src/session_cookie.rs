//! The cookie that carries a session's token.

use axum::http::HeaderMap;
use axum::http::header::COOKIE;
use service::Secret;
use service::session::SESSION_SECONDS;

/// With this prefix a browser takes it from this very host alone, over HTTPS (or from localhost).
const NAME: &str = "__Host-mingqu-session";
const ATTRIBUTES: &str = "Path=/; Secure; HttpOnly; SameSite=Strict";
/// More cookies than this no browser keeps for one site.
const MAX_COOKIES: usize = 64;

/// The header that hands the cookie out.
pub(crate) fn set(token: &Secret) -> String {
    format!("{NAME}={}; Max-Age={SESSION_SECONDS}; {ATTRIBUTES}", token.to_hex())
}

/// The header that takes it back.
pub(crate) fn cleared() -> String {
    format!("{NAME}=; Max-Age=0; {ATTRIBUTES}")
}

/// The token in a request's cookies.
pub(crate) fn token(headers: &HeaderMap) -> Option<Secret> {
    let lines = headers.get_all(COOKIE).iter().filter_map(|line| line.to_str().ok());
    lines
        .flat_map(|line| line.split(';'))
        .take(MAX_COOKIES)
        .find_map(|pair| pair.trim().strip_prefix(NAME)?.strip_prefix('='))
        .and_then(|value| Secret::from_hex(value).ok())
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;

    use super::*;

    fn cookies(line: &str) -> HeaderMap {
        HeaderMap::from_iter([(COOKIE, HeaderValue::from_str(line).unwrap())])
    }

    #[test]
    fn a_token_comes_back_as_it_was_handed_out() {
        let token = Secret::from_hex(&"0f".repeat(32)).unwrap();
        let handed_out = set(&token);
        let pair = handed_out.split(';').next().unwrap();
        assert_eq!(super::token(&cookies(&format!("a=b; {pair}; c=d"))), Some(token));
        for attribute in ["Secure", "HttpOnly", "SameSite=Strict", "Path=/"] {
            assert!(handed_out.contains(attribute) && cleared().contains(attribute));
        }
    }

    #[test]
    fn rejects_what_is_no_token() {
        let good = "0f".repeat(32);
        for line in [
            String::new(),
            format!("mingqu-session={good}"),
            format!("{NAME}=0f"),
            format!("{NAME}={}", good.to_uppercase()),
            format!("{NAME}2={good}"),
        ] {
            assert_eq!(token(&cookies(&line)), None, "{line}");
        }
    }
}
