//! What the log says by itself: that signatures are overdue, and how far the meters had come at a day's end.
//!
//! Nobody asks for it and nobody else signs it, so it is drawn up, signed with the log's key and posted in one
//! go. What it says is judged like everybody's statements when it is posted.

use std::collections::BTreeMap;
use std::sync::PoisonError;

use disclosure::attachment::AttachmentRef;
use disclosure::dsse::pae;
use disclosure::merkle::Hash;
use disclosure::statement::{
    BALANCE_MEDIA_TYPE, Balance, DAY_MILLIS, Kind, LastReport, Origin, OutletBalance, Overdue,
    Role, Statement, Waiting, balances_to_lines,
};
use domain::progress::Progress;
use domain::registry::Outlet;
use domain::{Litres, OutletId, PersonId, Timestamp};
use store::{Attachment, StatementRow, Stream};

use crate::outlet::outlet_volume;
use crate::signing::envelope_of;
use crate::{Service, ServiceError};

/// How long after its end a day is balanced: meters that report a few times an hour have told of it by then.
pub const BALANCE_AFTER_MILLIS: i64 = 6 * 3600 * 1000;
/// The most days that are balanced in one go, after a server stood still.
const MAX_DAYS_AT_ONCE: usize = 31;
/// How often what waits is looked through for a deadline that has passed.
const LOOK_EVERY_MILLIS: i64 = 60_000;

impl Service {
    /// Posts what is overdue, and the balance of every day that is over.
    pub(crate) async fn speak_by_itself(&self) -> Result<(), ServiceError> {
        // Another task would draw up the same; whoever waits for it finds the rest.
        let _alone = self.speaking.lock().await;
        // What waits to be posted may be what would be said here.
        if !self.store.statements_ready().await?.is_empty() {
            return Ok(());
        }
        if self.is_time_to_look() {
            self.tell_overdue().await?;
        }
        for _ in 0..MAX_DAYS_AT_ONCE {
            let Some(until) = self.day_to_balance() else { return Ok(()) };
            self.balance_day(until).await?;
            // It waits for the log or its witnesses, or another server was quicker.
            if self.record().balanced_until() != Some(until) || self.retry_in().is_some() {
                return Ok(());
            }
        }
        self.tell_news([]);
        Ok(())
    }

    /// Lets the next look find what was drawn up after its deadline.
    pub(crate) fn look_for_overdue(&self) {
        *self.looked_for_overdue.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }

    fn is_time_to_look(&self) -> bool {
        let now = self.now();
        let mut last = self.looked_for_overdue.lock().unwrap_or_else(PoisonError::into_inner);
        if last.is_some_and(|last| now < last.plus_millis(LOOK_EVERY_MILLIS)) {
            return false;
        }
        *last = Some(now);
        true
    }

    async fn tell_overdue(&self) -> Result<(), ServiceError> {
        for state in [Progress::Draft, Progress::Awaiting] {
            let mut before = None;
            loop {
                let most = store::MAX_STATEMENTS_PER_READ;
                let rows = self.store.statements(Some(state), None, before, most).await?;
                let Some(last) = rows.last() else { break };
                before = Some(last.id);
                for row in rows {
                    self.tell_if_overdue(&row).await?;
                }
            }
        }
        self.post_ready().await
    }

    async fn tell_if_overdue(&self, row: &StatementRow) -> Result<(), ServiceError> {
        let statement = Statement::parse(&row.payload_type, &row.payload)?;
        let Some(waiting) = Waiting::of(statement.clone()) else { return Ok(()) };
        let now = self.now();
        let Some(due_at) = self.record().due_at(&waiting).filter(|due| *due <= now) else {
            return Ok(());
        };
        if self.record().overdue(&waiting.subject()).is_some() {
            return Ok(());
        }
        let given = self.store.co_signatures(row.id).await?;
        let envelope = envelope_of(row, &statement, &given);
        let attachments = self.stored_attachments(&statement).await?;
        let head = self.head_for(Kind::Overdue, None, &[]);
        let overdue = {
            let record = self.record();
            record.judge(&envelope, &statement).map(|standing| Overdue {
                head,
                asked: record.asked(statement.head(), &standing),
                waiting,
                signatures: envelope.signatures.clone(),
                due_at,
            })
        };
        let overdue = match overdue {
            Ok(overdue) => Statement::Overdue(overdue),
            Err(why) => return self.send_back(row, &why.into()).await,
        };
        let by_hash = attachments.iter().map(|one| (Hash(one.sha256), one.bytes.clone())).collect();
        match self.enter_own(&overdue, &by_hash, &attachments).await {
            // It does not fit the record any more, overdue or not: it is drawn up anew first.
            Err(why @ ServiceError::Record(_)) => self.send_back(row, &why).await,
            // A statement that fills an entry leaves no room for what is said about it.
            Err(why @ ServiceError::TooLarge { .. }) => {
                tracing::error!(statement = row.id, %why, "it is overdue and cannot be told so");
                Ok(())
            }
            done => done,
        }
    }

    /// The end of the next day to balance, once its meters had time to report.
    fn day_to_balance(&self) -> Option<Timestamp> {
        let record = self.record();
        let until = match record.balanced_until() {
            Some(last) => last.plus_millis(DAY_MILLIS),
            None => Balance::end_of_day(record.district()?.head.drafted_at),
        };
        (self.now() >= until.plus_millis(BALANCE_AFTER_MILLIS)).then_some(until)
    }

    async fn balance_day(&self, until: Timestamp) -> Result<(), ServiceError> {
        let outlets: Vec<Outlet> = self.record().outlets().values().cloned().collect();
        let mut last_reports = self.last_reports().await?;
        let mut entries = Vec::with_capacity(outlets.len());
        for outlet in outlets {
            let litres = self.litres_of_day(&outlet, until).await?;
            let meters = last_reports.remove(&outlet.id).unwrap_or_default();
            entries.push(OutletBalance { outlet: outlet.id, litres, meters });
        }
        // Another server may have been quicker meanwhile.
        self.catch_up().await?;
        let lines = balances_to_lines(&entries).map_err(|error| malformed(&error))?;
        let balance = Statement::Balance(Balance {
            head: self.head_for(Kind::Balance, None, &[]),
            until,
            outlets: u32::try_from(entries.len()).unwrap_or(u32::MAX),
            entries: AttachmentRef::of(BALANCE_MEDIA_TYPE, &lines),
        });
        let digest = Hash::of(&lines);
        let by_hash = BTreeMap::from([(digest, lines.clone())]);
        let attachment =
            Attachment { sha256: digest.0, media_type: BALANCE_MEDIA_TYPE.into(), bytes: lines };
        match self.enter_own(&balance, &by_hash, &[attachment]).await {
            // The registry moved on, or another server was quicker: the next look starts from there.
            Err(ServiceError::Record(why)) => {
                tracing::info!(%until, %why, "the day is balanced at the next look");
                Ok(())
            }
            done => done,
        }?;
        self.post_ready().await
    }

    /// How far the streams of the meters at each outlet had come, by outlet.
    async fn last_reports(&self) -> Result<BTreeMap<OutletId, Vec<LastReport>>, ServiceError> {
        let activity = self.store.meter_activity().await?;
        let record = self.record();
        let mut by_outlet = BTreeMap::<OutletId, Vec<LastReport>>::new();
        for of_stream in activity {
            let Some(registered) = record.meters().get(&of_stream.meter) else { continue };
            let own = match registered.origin {
                Origin::Manual => Stream::Manual,
                Origin::MeterSigned | Origin::GatewayVouched => Stream::Primary,
            };
            if of_stream.stream == own {
                let last = LastReport { meter: of_stream.meter, report: of_stream.stored_seq };
                by_outlet.entry(registered.meter.outlet.clone()).or_default().push(last);
            }
        }
        Ok(by_outlet)
    }

    async fn litres_of_day(
        &self,
        outlet: &Outlet,
        until: Timestamp,
    ) -> Result<Option<Litres>, ServiceError> {
        let from = until.plus_millis(-DAY_MILLIS);
        let volume = outlet_volume(self, &outlet.id, from, until).await?;
        Ok(volume.between(from, until, outlet.gap_tolerance_seconds).ok().map(|day| day.volume))
    }

    /// Signs a statement with the log's key and enters it as ready to be posted.
    async fn enter_own(
        &self,
        statement: &Statement,
        by_hash: &BTreeMap<Hash, Vec<u8>>,
        attachments: &[Attachment],
    ) -> Result<(), ServiceError> {
        self.record().check(statement, by_hash)?;
        let new = self.new_statement(statement, Progress::CoSigned)?;
        let message = pae(&new.payload_type, &new.payload);
        let person = PersonId::new(Role::Log.code())
            .map_err(|error| ServiceError::DamagedLog(error.to_string()))?;
        let signature = store::CoSignature {
            public_key: *self.log_key.verifier_key().key().as_bytes(),
            role: Role::Log.code().into(),
            person,
            signature: self.log_key.sign(&message),
            received_at: self.now(),
        };
        self.store.insert_signed_statement(&new, attachments, &[signature]).await?;
        Ok(())
    }

    async fn stored_attachments(
        &self,
        statement: &Statement,
    ) -> Result<Vec<Attachment>, ServiceError> {
        let mut stored = Vec::new();
        for named in statement.attachments() {
            stored.extend(self.store.attachment(named.sha256.as_bytes()).await?);
        }
        Ok(stored)
    }
}

fn malformed(error: &serde_json::Error) -> ServiceError {
    ServiceError::RequestMalformed(error.to_string())
}
