//! `POST /api/v1/session/challenge` gives out a nonce; `POST`, `GET` and `DELETE /api/v1/session`
//! begin, show and end the session of whoever signs it; `GET /api/v1/session/statements` tells what
//! waits for them.

use axum::Json;
use axum::extract::State;
use axum::extract::rejection::JsonRejection;
use axum::http::header::SET_COOKIE;
use axum::http::{HeaderMap, HeaderName, StatusCode};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Serialize};
use service::board::{PublicKey, Timestamp};
use service::to_sign::Named;
use service::{Secret, ServiceError, Session, ToSign};

use super::problem::Problem;
use crate::origin::{NotOwn, OwnOrigin};
use crate::session_cookie;
use crate::site::Site;

#[derive(Serialize)]
pub(super) struct ChallengeBody {
    nonce: String,
    expires_at: Timestamp,
    district: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Answered {
    /// The public key in hexadecimal digits.
    key: String,
    /// The nonce of a challenge.
    nonce: String,
    /// The 64 bytes of the Ed25519 signature, in base64.
    signature: String,
}

#[derive(Serialize)]
pub(super) struct SessionBody {
    person: String,
    role: &'static str,
    village: Option<String>,
    key: String,
    expires_at: Timestamp,
}

#[derive(Serialize)]
pub(super) struct ToSignBody {
    waiting: Vec<NamedBody>,
    refused: Vec<NamedBody>,
}

#[derive(Serialize)]
struct NamedBody {
    id: i64,
    outlet_name: Option<String>,
    village_name: Option<String>,
}

impl From<Session> for SessionBody {
    fn from(Session { signer, expires_at }: Session) -> Self {
        Self {
            person: signer.person.to_string(),
            role: signer.role.code(),
            village: signer.village.map(|village| village.to_string()),
            key: signer.key.to_hex(),
            expires_at,
        }
    }
}

impl From<ToSign> for ToSignBody {
    fn from(ToSign { waiting, refused }: ToSign) -> Self {
        let bodies = |list: Vec<Named>| list.into_iter().map(NamedBody::from).collect();
        Self { waiting: bodies(waiting), refused: bodies(refused) }
    }
}

impl From<Named> for NamedBody {
    fn from(Named { statement, outlet, village }: Named) -> Self {
        Self { id: statement, outlet_name: outlet, village_name: village }
    }
}

impl From<NotOwn> for Problem {
    fn from(why: NotOwn) -> Self {
        Self::new(StatusCode::FORBIDDEN, why.to_string())
    }
}

pub(super) async fn challenge(
    State(site): State<Site>,
    origin: Result<OwnOrigin, NotOwn>,
) -> Result<Json<ChallengeBody>, Problem> {
    origin?;
    let challenge = site.service.challenge().await?;
    Ok(Json(ChallengeBody {
        nonce: challenge.nonce.to_hex(),
        expires_at: challenge.expires_at,
        district: site.service.district().to_string(),
    }))
}

type Cookie = [(HeaderName, String); 1];

pub(super) async fn begin(
    State(site): State<Site>,
    origin: Result<OwnOrigin, NotOwn>,
    answered: Result<Json<Answered>, JsonRejection>,
) -> Result<(StatusCode, Cookie, Json<SessionBody>), Problem> {
    let OwnOrigin(origin) = origin?;
    let Json(Answered { key, nonce, signature }) = answered?;
    let key = PublicKey::from_hex(&key)
        .map_err(|error| Problem::bad_request(format!("key cannot be read: {error}")))?;
    let nonce = Secret::from_hex(&nonce)
        .map_err(|error| Problem::bad_request(format!("nonce cannot be read: {error}")))?;
    let signature = STANDARD
        .decode(signature)
        .ok()
        .and_then(|bytes| bytes.try_into().ok())
        .ok_or_else(|| Problem::bad_request("signature must be 64 bytes in base64"))?;
    let begun = site.service.begin_session(&origin, &key, &nonce, &signature).await?;
    let cookie = [(SET_COOKIE, session_cookie::set(&begun.token))];
    Ok((StatusCode::CREATED, cookie, Json(begun.session.into())))
}

pub(super) async fn show(
    State(site): State<Site>,
    headers: HeaderMap,
) -> Result<Json<SessionBody>, Problem> {
    Ok(Json(of(&site, &headers).await?.into()))
}

pub(super) async fn end(
    State(site): State<Site>,
    origin: Result<OwnOrigin, NotOwn>,
    headers: HeaderMap,
) -> Result<(StatusCode, Cookie), Problem> {
    origin?;
    if let Some(token) = session_cookie::token(&headers) {
        site.service.end_session(&token).await?;
    }
    Ok((StatusCode::NO_CONTENT, [(SET_COOKIE, session_cookie::cleared())]))
}

pub(super) async fn statements(
    State(site): State<Site>,
    headers: HeaderMap,
) -> Result<Json<ToSignBody>, Problem> {
    let session = of(&site, &headers).await?;
    Ok(Json(site.service.to_sign(&session.signer).await?.into()))
}

/// The session that a request's cookie carries.
async fn of(site: &Site, headers: &HeaderMap) -> Result<Session, Problem> {
    let token = session_cookie::token(headers).ok_or(ServiceError::NoSession)?;
    Ok(site.service.session(&token).await?)
}

#[cfg(test)]
mod tests {
    use axum::body::Body;
    use axum::http::Request;
    use base64::Engine as _;
    use base64::engine::general_purpose::STANDARD;
    use disclosure::key::{PublicKey, sign};
    use serde_json::{Value, json};
    use service::Secret;
    use service::session::session_text;

    use crate::testing::{Answer, Person, Town, id, send};

    const ORIGIN: &str = "https://water.example";

    /// A request as a page of the site sends it.
    async fn asked(town: &Town, method: &str, path: &str, cookie: &str, body: &Value) -> Answer {
        let request = Request::builder()
            .method(method)
            .uri(path)
            .header("host", "water.example")
            .header("origin", ORIGIN)
            .header("sec-fetch-site", "same-origin")
            .header("cookie", cookie)
            .header("content-type", "application/json");
        send(&town.router, request.body(Body::from(body.to_string())).unwrap()).await
    }

    async fn nonce(town: &Town) -> String {
        let challenge = asked(town, "POST", "/api/v1/session/challenge", "", &json!({})).await;
        assert_eq!(challenge.status, 200, "{}", challenge.text());
        challenge.json()["nonce"].as_str().unwrap().to_owned()
    }

    fn answer_to(nonce: &str, origin: &str, person: &Person) -> Value {
        let key = PublicKey::of(&person.key);
        let text = session_text(origin, &id("sample"), &key, &Secret::from_hex(nonce).unwrap());
        let signature = STANDARD.encode(sign(&person.key, &text));
        json!({ "key": key.to_hex(), "nonce": nonce, "signature": signature })
    }

    /// The cookie of a session that the person began.
    async fn cookie(town: &Town, person: &Person) -> String {
        let answer = answer_to(&nonce(town).await, ORIGIN, person);
        let begun = asked(town, "POST", "/api/v1/session", "", &answer).await;
        assert_eq!(begun.status, 201, "{}", begun.text());
        let set = begun.header("set-cookie");
        assert!(
            set.ends_with("; Max-Age=1800; Path=/; Secure; HttpOnly; SameSite=Strict"),
            "{set}"
        );
        set.split(';').next().unwrap().to_owned()
    }

    #[test]
    fn the_documented_vector_verifies() {
        let page = include_str!("../../../../docs/formats/api.md");
        let block = page.split_once("```session\n").unwrap().1.split_once("```").unwrap().0;
        let answer: Value = serde_json::from_str(block).unwrap();
        let field = |name: &str| answer[name].as_str().unwrap();
        let key = PublicKey::from_hex(field("key")).unwrap();
        let nonce = Secret::from_hex(field("nonce")).unwrap();
        let signature = STANDARD.decode(field("signature")).unwrap().try_into().unwrap();
        key.verify(&session_text(ORIGIN, &id("sample"), &key, &nonce), &signature).unwrap();
    }

    #[tokio::test]
    async fn a_session_tells_whose_it_is_until_it_is_ended() {
        let town = Town::with_a_draft().await;
        let cookie = cookie(&town, &town.station).await;
        assert!(cookie.starts_with("__Host-mingqu-session="), "{cookie}");
        let shown = asked(&town, "GET", "/api/v1/session", &cookie, &json!(null)).await.json();
        assert_eq!((&shown["person"], &shown["role"]), (&json!("station-1"), &json!("station")));
        assert_eq!(shown["expires_at"], "2026-05-10T00:30:00Z");
        let ended = asked(&town, "DELETE", "/api/v1/session", &cookie, &json!(null)).await;
        assert_eq!(ended.status, 204);
        assert!(ended.header("set-cookie").contains("Max-Age=0"));
        let path = "/api/v1/session/statements";
        assert_eq!(asked(&town, "GET", path, &cookie, &json!(null)).await.status, 401);
    }

    #[tokio::test]
    async fn each_is_told_what_waits_for_them() {
        let town = Town::with_a_draft().await;
        let path = "/api/v1/session/statements";
        let station = cookie(&town, &town.station).await;
        let waiting = asked(&town, "GET", path, &station, &json!(null)).await.json();
        assert_eq!(waiting["waiting"].as_array().unwrap().len(), 1, "{waiting}");
        assert_eq!(waiting["waiting"][0]["outlet_name"], "一号斗口");
        assert_eq!(waiting["waiting"][0]["village_name"], "东村");
        // The station signs first.
        let cadre = cookie(&town, &town.cadre).await;
        let waiting = asked(&town, "GET", path, &cadre, &json!(null)).await.json();
        assert_eq!(waiting, json!({ "waiting": [], "refused": [] }));
    }

    #[tokio::test]
    async fn rejects_what_does_not_begin_a_session() {
        let town = Town::busy().await;
        let path = "/api/v1/session";
        let spent = answer_to(&nonce(&town).await, ORIGIN, &town.station);
        assert_eq!(asked(&town, "POST", path, "", &spent).await.status, 201);
        assert_eq!(asked(&town, "POST", path, "", &spent).await.status, 409, "spent");
        let never_given_out = answer_to(&"ab".repeat(32), ORIGIN, &town.station);
        assert_eq!(asked(&town, "POST", path, "", &never_given_out).await.status, 409);
        let elsewhere = answer_to(&nonce(&town).await, "https://evil.example", &town.station);
        assert_eq!(asked(&town, "POST", path, "", &elsewhere).await.status, 403);
        let stranger = Person::new("stranger", disclosure::statement::Role::Station, None, 77);
        let unknown = answer_to(&nonce(&town).await, ORIGIN, &stranger);
        assert_eq!(asked(&town, "POST", path, "", &unknown).await.status, 403);
        let mut borrowed = answer_to(&nonce(&town).await, ORIGIN, &town.cadre);
        borrowed["key"] = answer_to(&"ab".repeat(32), ORIGIN, &town.station)["key"].take();
        assert_eq!(asked(&town, "POST", path, "", &borrowed).await.status, 403);
        for (field, wrong) in [("key", "zz"), ("nonce", "AB"), ("signature", "AA==")] {
            let mut unreadable = answer_to(&nonce(&town).await, ORIGIN, &town.station);
            unreadable[field] = json!(wrong);
            assert_eq!(asked(&town, "POST", path, "", &unreadable).await.status, 400, "{field}");
        }
    }

    #[tokio::test]
    async fn rejects_what_another_site_sends() {
        let town = Town::busy().await;
        let cookie = cookie(&town, &town.station).await;
        for (origin, fetched) in [
            (Some("https://evil.example"), None),
            (Some("null"), None),
            (None, None),
            (Some(ORIGIN), Some("cross-site")),
            (Some(ORIGIN), Some("same-site")),
        ] {
            for (method, path) in [
                ("DELETE", "/api/v1/session"),
                ("POST", "/api/v1/session"),
                ("POST", "/api/v1/session/challenge"),
            ] {
                let mut request = Request::builder()
                    .method(method)
                    .uri(path)
                    .header("host", "water.example")
                    .header("content-type", "application/json")
                    .header("cookie", &cookie);
                for (name, value) in [("origin", origin), ("sec-fetch-site", fetched)] {
                    if let Some(value) = value {
                        request = request.header(name, value);
                    }
                }
                let answer = send(&town.router, request.body(Body::from("{}")).unwrap()).await;
                assert_eq!(answer.status, 403, "{method} {path} {origin:?} {fetched:?}");
                assert_eq!(answer.header("content-type"), "application/problem+json");
            }
        }
        let shown = asked(&town, "GET", "/api/v1/session", &cookie, &json!(null)).await;
        assert_eq!(shown.status, 200, "nothing was ended");
    }
}
