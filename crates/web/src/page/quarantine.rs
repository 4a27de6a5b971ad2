//! `/quarantine`: refused messages, with their reasons.

use askama::Template;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, State};
use axum::response::Response;
use service::board::{self, QuarantineView};

use super::html;
use crate::here::Here;
use crate::params::{PageQuery, number};
use crate::refusal::Refusal;
use crate::site::Site;

#[derive(Template)]
#[template(path = "quarantine.html")]
struct QuarantinePage<'a> {
    here: &'a Here,
    view: QuarantineView,
}

type Paging = Result<Query<PageQuery>, QueryRejection>;

pub(crate) async fn show(
    State(site): State<Site>,
    here: Here,
    query: Paging,
) -> Result<Response, Response> {
    let view = find(&site, query).await.map_err(|refusal| refusal.page(&here))?;
    Ok(html(&here, &QuarantinePage { here: &here, view }))
}

async fn find(site: &Site, query: Paging) -> Result<QuarantineView, Refusal> {
    let Query(query) = query.map_err(|_| Refusal::BadInput)?;
    let before = number(query.before.as_deref())?;
    Ok(board::quarantine(&site.service, before).await?)
}

#[cfg(test)]
mod tests {
    use service::{Arrival, QuarantineReason, Refused};

    use crate::testing::{Town, get, page};

    #[tokio::test]
    async fn shows_reasons_and_payloads_as_digits() {
        let town = Town::busy().await;
        let zh = page(&town.router, "/quarantine").await;
        zh.shows(&[
            "拒收的上报",
            "格式不对",
            "malformed",
            "3c7363726970743e",
            "mingqu/v1/sample/me1/report",
            "25 字节",
        ]);
        assert!(!zh.text().contains("<script"));
        page(&town.router, "/quarantine?lang=en").await.shows(&["Refused reports", "25 bytes"]);
    }

    #[tokio::test]
    async fn a_long_message_stands_there_whole_as_far_as_it_is_kept() {
        let town = Town::busy().await;
        let noise = |payload: Vec<u8>| Arrival {
            topic: "mingqu/v1/sample/me1/report".into(),
            meter: "me1".into(),
            payload,
            refused: None,
            foreign: None,
        };
        let long: Vec<u8> = (0..=255).collect();
        town.service.ingest(vec![noise(long.clone()), noise(vec![0xee; 5_000])]).await.unwrap();
        let zh = page(&town.router, "/quarantine").await;
        zh.shows(&["<details>", "全部内容", &hex(&long), "保存的前 4,096 字节", "共 5,000 字节"]);
        zh.shows(&[&format!(">{}<", hex(&[0xee; 4_096]))]);
        page(&town.router, "/quarantine?lang=en").await.shows(&["The first 4,096 bytes"]);
    }

    fn hex(bytes: &[u8]) -> String {
        let digit = |nibble: u8| char::from_digit(u32::from(nibble), 16).unwrap();
        bytes.iter().flat_map(|byte| [digit(byte >> 4), digit(byte & 0xf)]).collect()
    }

    #[tokio::test]
    async fn what_was_refused_on_the_way_has_its_reason_in_words() {
        let town = Town::busy().await;
        let reasons = [
            (QuarantineReason::UnknownTopic, "不是水表的主题"),
            (QuarantineReason::BadStatus, "不是在线状态"),
            (QuarantineReason::BadPacket, "不合 MQTT 规定"),
        ];
        let batch = reasons.map(|(reason, _)| Arrival {
            topic: "a/b".into(),
            meter: "stranger".into(),
            payload: b"hello".to_vec(),
            refused: Some(Refused {
                reason,
                detail: format!("why {}", reason.code()),
                whole_bytes: None,
            }),
            foreign: None,
        });
        town.service.ingest(batch.into()).await.unwrap();
        let zh = page(&town.router, "/quarantine").await;
        for (reason, words) in reasons {
            zh.shows(&[words, reason.code(), &format!("why {}", reason.code())]);
        }
        zh.shows(&["stranger", "a/b", &hex(b"hello")]);
    }

    #[tokio::test]
    async fn an_empty_quarantine_says_so() {
        let town = Town::empty().await;
        page(&town.router, "/quarantine").await.shows(&["没有拒收过上报"]);
    }

    #[tokio::test]
    async fn rejects_a_page_that_is_no_number() {
        let town = Town::busy().await;
        assert_eq!(get(&town.router, "/quarantine?before=x").await.status, 400);
        page(&town.router, "/quarantine?before=0").await.shows(&["这一页没有内容了"]);
    }
}
