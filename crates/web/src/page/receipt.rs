//! `/postings/{index}/receipt/page`: a posting's receipt for paper, with its QR code.

use askama::Template;
use axum::extract::rejection::PathRejection;
use axum::extract::{Path, State};
use axum::response::Response;
use service::board::{self, ReceiptView};

use super::html;
use crate::here::Here;
use crate::params::index;
use crate::qr::{MAX_QR_BYTES, Qr};
use crate::refusal::Refusal;
use crate::site::Site;

#[derive(Template)]
#[template(path = "receipt.html")]
struct ReceiptPage<'a> {
    here: &'a Here,
    view: ReceiptView,
    /// None when the receipt does not fit one code.
    qr: Option<Qr>,
}

pub(crate) async fn show(
    State(site): State<Site>,
    here: Here,
    path: Result<Path<String>, PathRejection>,
) -> Result<Response, Response> {
    let view = find(&site, path).await.map_err(|refusal| refusal.page(&here))?;
    let qr = Qr::of(view.receipt.as_bytes());
    Ok(html(&here, &ReceiptPage { here: &here, view, qr }))
}

async fn find(
    site: &Site,
    path: Result<Path<String>, PathRejection>,
) -> Result<ReceiptView, Refusal> {
    board::receipt(&site.service, index(path)?).await?.ok_or(Refusal::NotFound)
}

#[cfg(test)]
mod tests {
    use crate::testing::{Town, get, page};

    #[tokio::test]
    async fn prints_the_receipt_its_code_and_the_key_to_compare() {
        let town = Town::busy().await;
        let receipt = page(&town.router, "/postings/6/receipt").await;
        let paper = page(&town.router, "/postings/6/receipt/page").await;
        let escaped = receipt.text().replace('+', "&#43;");
        let whole = [receipt.text(), &escaped].iter().any(|text| paper.text().contains(*text));
        assert!(whole, "{}", paper.text());
        paper.shows(&["公示凭证", "灌水", "公示 6 号", "东村", "sample.example/log", "10 条"]);
        paper.shows(&["<svg class=\"qr\"", "/verify", "记录公钥指纹"]);
    }

    #[tokio::test]
    async fn rejects_what_is_not_posted() {
        let town = Town::busy().await;
        assert_eq!(get(&town.router, "/postings/10/receipt/page").await.status, 404);
        assert_eq!(get(&town.router, "/postings/x/receipt/page").await.status, 400);
    }
}
