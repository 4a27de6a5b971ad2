//! `GET /api/v1/households/{household}/payments?before=`: what a household paid and owes.
//! `POST /api/v1/payments/preview`: what would come of recording payments, before anybody signs for them.

use axum::Json;
use axum::extract::rejection::{JsonRejection, PathRejection, QueryRejection};
use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use serde::{Deserialize, Serialize};
use service::board::{
    self, Fen, HouseholdNo, HouseholdPayments, PaymentLine, PaymentWay, PersonId, ReceiptNo,
    Timestamp,
};
use service::payments::PaymentPreview;
use service::request::Payment;

use super::problem::Problem;
use crate::params::{PageQuery, number};
use crate::site::Site;

#[derive(Serialize)]
pub(super) struct PaymentList {
    household: HouseholdNo,
    billed_fen: Fen,
    paid_fen: Fen,
    owed_fen: Fen,
    credit_fen: Fen,
    /// Years with a bill, the oldest first.
    years: Vec<YearBody>,
    payments: Vec<PaymentBody>,
    /// What to give as `before` for those that follow.
    older: Option<ReceiptNo>,
}

#[derive(Serialize)]
struct YearBody {
    year: i32,
    billed_fen: Fen,
    paid_fen: Fen,
    owed_fen: Fen,
}

#[derive(Serialize)]
struct PaymentBody {
    receipt: ReceiptNo,
    amount_fen: Fen,
    way: PaymentWay,
    paid_at: Timestamp,
    recorded_by: PersonId,
    recorded_at: Timestamp,
    reversed: Option<ReversalBody>,
}

#[derive(Serialize)]
struct ReversalBody {
    reason: String,
    person: PersonId,
    at: Timestamp,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Drafts {
    payments: Vec<Payment>,
}

#[derive(Serialize)]
pub(super) struct Previews {
    /// In the order of the payments.
    previews: Vec<PaymentPreview>,
}

pub(super) async fn list(
    State(site): State<Site>,
    path: Result<Path<String>, PathRejection>,
    query: Result<Query<PageQuery>, QueryRejection>,
) -> Result<Json<PaymentList>, Problem> {
    let Path(household) = path?;
    let Query(query) = query?;
    let household =
        HouseholdNo::new(household).map_err(|error| Problem::bad_request(error.to_string()))?;
    let before: Option<u64> = number(query.before.as_deref())?;
    let before = before.and_then(ReceiptNo::new);
    let money = board::household_payments(&site.service, &household, before).await?;
    let money = money
        .ok_or_else(|| Problem::new(StatusCode::NOT_FOUND, "there is no such household here"))?;
    Ok(Json(body(household, money)))
}

pub(super) async fn preview(
    State(site): State<Site>,
    drafts: Result<Json<Drafts>, JsonRejection>,
) -> Result<Json<Previews>, Problem> {
    let Json(Drafts { payments }) = drafts?;
    Ok(Json(Previews { previews: site.service.preview_payments(&payments).await? }))
}

fn body(household: HouseholdNo, money: HouseholdPayments) -> PaymentList {
    let account = &money.account;
    let year = |one: &board::YearAccount| YearBody {
        year: one.year,
        billed_fen: one.billed,
        paid_fen: one.paid,
        owed_fen: one.owed(),
    };
    PaymentList {
        household,
        billed_fen: account.billed,
        paid_fen: account.paid,
        owed_fen: account.owed(),
        credit_fen: account.credit(),
        years: account.years.iter().map(year).collect(),
        older: money.older,
        payments: money.payments.into_iter().map(Into::into).collect(),
    }
}

impl From<PaymentLine> for PaymentBody {
    fn from(line: PaymentLine) -> Self {
        Self {
            receipt: line.receipt,
            amount_fen: line.amount,
            way: line.way,
            paid_at: line.paid_at,
            recorded_by: line.recorded_by,
            recorded_at: line.recorded_at,
            reversed: line.reversal.map(|one| ReversalBody {
                reason: one.reason,
                person: one.by,
                at: one.at,
            }),
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::testing::{Town, get, page, post};

    #[tokio::test]
    async fn tells_what_was_paid_and_is_owed() {
        let town = Town::with_payments().await;
        let list = page(&town.router, "/api/v1/households/101/payments").await.json();
        assert_eq!((&list["billed_fen"], &list["paid_fen"]), (&4_374.into(), &1_005.into()));
        assert_eq!(
            (&list["owed_fen"], &list["years"][0]["owed_fen"]),
            (&3_369.into(), &3_369.into())
        );
        assert_eq!(
            (&list["payments"][0]["receipt"], &list["payments"][0]["way"]),
            (&1.into(), &"bank".into())
        );
        let text = list.to_string();
        assert!(!text.contains("TX-1") && !text.contains('张'), "{text}");
        let list = page(&town.router, "/api/v1/households/102/payments").await.json();
        assert_eq!(list["payments"][0]["reversed"]["reason"], "户号录错");
        assert_eq!(list["paid_fen"], 0);
        let older = page(&town.router, "/api/v1/households/102/payments?before=2").await.json();
        assert_eq!(older["payments"].as_array().unwrap().len(), 0);
    }

    #[tokio::test]
    async fn says_what_would_come_of_payments_and_records_none() {
        let town = Town::with_payments().await;
        let body = r#"{"payments":[
            {"household":"103","amount_fen":5,"way":"bank","paid_at":"2026-05-09T00:00:00Z","reference":"TX-9"},
            {"household":"101","amount_fen":1005,"way":"bank","paid_at":"2026-05-09T00:00:00Z","reference":"TX-1"},
            {"household":"999","amount_fen":5,"way":"cash","paid_at":"2026-05-09T00:00:00Z"}]}"#;
        for _ in 0..2 {
            let path = "/api/v1/payments/preview";
            let answer = post(&town.router, path, "application/json", body.into()).await;
            assert_eq!(answer.status, 200, "{}", answer.text());
            let previews = answer.json()["previews"].clone();
            assert_eq!(
                (&previews[0], &previews[1]["known"]["receipt"]),
                (&"new".into(), &1.into())
            );
            let reason = previews[2]["refused"]["reason"].as_str().unwrap();
            assert!(reason.contains("knows household 999"), "{reason}");
        }
    }

    #[tokio::test]
    async fn rejects_what_is_no_household_or_receipt() {
        let town = Town::busy().await;
        for (path, status) in [
            ("/api/v1/households/999/payments", 404),
            ("/api/v1/households/A/payments", 400),
            ("/api/v1/households/101/payments?before=x", 400),
        ] {
            assert_eq!(get(&town.router, path).await.status, status, "{path}");
        }
    }
}
