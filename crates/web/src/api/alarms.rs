//! `GET /api/v1/alarms?kind=&cleared=&before=`: what somebody at the station must look at.

use axum::Json;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, State};
use serde::Serialize;
use service::board::{
    self, AlarmFilter, AlarmKind, AlarmLine, Cause, MeterCode, OutletId, PersonId, Severity,
    Timestamp, VillageId,
};

use super::problem::Problem;
use crate::page::AlarmQuery;
use crate::site::Site;

#[derive(Serialize)]
pub(super) struct AlarmList {
    alarms: Vec<AlarmBody>,
    /// How many are open of each kind, the most urgent first.
    open: Vec<Count>,
}

#[derive(Serialize)]
struct Count {
    kind: AlarmKind,
    open: u64,
    unacknowledged: u64,
}

#[derive(Serialize)]
struct AlarmBody {
    id: i64,
    kind: AlarmKind,
    severity: Severity,
    cause: Cause,
    meter: Option<MeterCode>,
    outlet: Option<OutletId>,
    village: Option<VillageId>,
    since: Timestamp,
    last_at: Timestamp,
    times: u32,
    raised_at: Timestamp,
    cleared_at: Option<Timestamp>,
    acknowledged: Option<Acknowledged>,
}

#[derive(Serialize)]
struct Acknowledged {
    person: PersonId,
    at: Timestamp,
    note: String,
}

pub(super) async fn list(
    State(site): State<Site>,
    query: Result<Query<AlarmQuery>, QueryRejection>,
) -> Result<Json<AlarmList>, Problem> {
    let Query(query) = query?;
    let filter: AlarmFilter = query.filter().ok_or_else(|| {
        let known: Vec<&str> = AlarmKind::ALL.iter().map(|kind| kind.code()).collect();
        Problem::bad_request(format!(
            "the parameters cannot be read: kind is one of {}, cleared is 0 or 1, before is a number",
            known.join(", ")
        ))
    })?;
    let view = board::alarms(&site.service, filter).await?;
    let listed = if filter.cleared { view.cleared } else { view.open };
    let count = |one: &board::AlarmCount| Count {
        kind: one.kind,
        open: one.open,
        unacknowledged: one.unacknowledged,
    };
    Ok(Json(AlarmList {
        alarms: listed.into_iter().map(Into::into).collect(),
        open: view.counts.iter().map(count).collect(),
    }))
}

impl From<AlarmLine> for AlarmBody {
    fn from(line: AlarmLine) -> Self {
        Self {
            id: line.id,
            kind: line.kind,
            severity: line.severity,
            cause: line.cause,
            meter: line.meter,
            outlet: line.outlet.map(|outlet| outlet.id),
            village: line.village.map(|village| village.id),
            since: line.since,
            last_at: line.last_at,
            times: line.times,
            raised_at: line.raised_at,
            cleared_at: line.cleared_at,
            acknowledged: line.noted.map(|(person, at, note)| Acknowledged { person, at, note }),
        }
    }
}

#[cfg(test)]
mod tests {
    use service::board::AlarmKind;

    use crate::testing::{Town, page};

    #[tokio::test]
    async fn lists_open_and_cleared_alarms() {
        let town = Town::watched().await;
        let open = page(&town.router, "/api/v1/alarms").await.json();
        let first = &open["alarms"][0];
        assert_eq!((&first["kind"], &first["severity"]), (&"tamper".into(), &"urgent".into()));
        assert_eq!((&first["cause"], &first["meter"]), (&"tamper".into(), &"me1".into()));
        assert_eq!((&first["times"], &first["village"]), (&6.into(), &"east".into()));
        assert_eq!(open["open"][1]["kind"], "low-battery");
        town.note(AlarmKind::Tamper, "铅封完好").await;
        let cleared = page(&town.router, "/api/v1/alarms?cleared=1&kind=tamper").await.json();
        assert_eq!(cleared["alarms"][0]["acknowledged"]["note"], "铅封完好");
    }
}
