//! `/payments/{receipt}`: the receipt of a payment (收据), to be printed.

use askama::Template;
use axum::extract::rejection::PathRejection;
use axum::extract::{Path, State};
use axum::response::Response;
use service::board::{self, PaymentView, ReceiptNo};

use super::html;
use crate::here::Here;
use crate::refusal::Refusal;
use crate::site::Site;

#[derive(Template)]
#[template(path = "payment.html")]
struct PaymentPage<'a> {
    here: &'a Here,
    view: PaymentView,
}

pub(crate) async fn show(
    State(site): State<Site>,
    here: Here,
    path: Result<Path<String>, PathRejection>,
) -> Result<Response, Response> {
    let view = find(&site, path).await.map_err(|refusal| refusal.page(&here))?;
    Ok(html(&here, &PaymentPage { here: &here, view }))
}

async fn find(
    site: &Site,
    path: Result<Path<String>, PathRejection>,
) -> Result<PaymentView, Refusal> {
    let Path(receipt) = path.map_err(|_| Refusal::BadInput)?;
    let receipt: ReceiptNo = receipt.parse().map_err(|_| Refusal::NotFound)?;
    board::payment(&site.service, receipt).await?.ok_or(Refusal::NotFound)
}

#[cfg(test)]
mod tests {
    use crate::testing::{Town, get, page};

    #[tokio::test]
    async fn a_receipt_says_the_amount_in_figures_and_capitals() {
        let town = Town::with_payments().await;
        let zh = page(&town.router, "/payments/1").await;
        zh.shows(&["水费收据", "收据编号", "10.05 元", "壹拾元零伍分", "银行", "2026年5月9日"]);
        zh.shows(&["101", "东村", "station-1", "有效，未冲正", "class=\"slip\""]);
        for hidden in ["TX-1", "张三代缴", "张*明"] {
            assert!(!zh.text().contains(hidden), "{hidden}");
        }
        let en = page(&town.router, "/payments/2?lang=en").await;
        en.shows(&["Reversed", "户号录错", "Cash", "贰元整", "/households/102?lang=en"]);
    }

    #[tokio::test]
    async fn rejects_a_number_that_was_not_given_out() {
        let town = Town::with_payments().await;
        for (path, status) in [
            ("/payments/9", 404),
            ("/payments/0", 404),
            ("/payments/01", 404),
            ("/payments/%3Cscript%3E", 404),
            ("/payments/%FF", 400),
        ] {
            assert_eq!(get(&town.router, path).await.status, status, "{path}");
        }
    }
}
