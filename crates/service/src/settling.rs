//! Drawing up the bills of a village and round, or of the closing of its year, from what is posted.

use std::collections::BTreeMap;

use disclosure::attachment::AttachmentRef;
use disclosure::merkle::Hash;
use disclosure::record::{RecordError, Settlement};
use disclosure::statement::{BILLS_MEDIA_TYPE, BillRun, Kind, Statement, bills_to_lines};
use domain::progress::Progress;
use domain::{RoundId, VillageId};
use store::Attachment;

use crate::{Answer, Service, ServiceError};

impl Service {
    /// Drafts the bill run of a village and round: of what no run has billed as it stands now. One that waits for
    /// signatures already is left as it is.
    pub(crate) async fn settle(
        &self,
        village: &VillageId,
        round: &RoundId,
    ) -> Result<Answer, ServiceError> {
        if self.store.round(round).await?.is_none() {
            return Err(ServiceError::UnknownRound(round.clone()));
        }
        self.catch_up().await?;
        let due = self.record().settle(village, round);
        self.draft_run(village, Some(round), due).await
    }

    /// Drafts the bill run that closes a village's year.
    pub(crate) async fn close_year(
        &self,
        village: &VillageId,
        year: i32,
    ) -> Result<Answer, ServiceError> {
        self.catch_up().await?;
        let due = self.record().settle_year(village, year, self.now());
        self.draft_run(village, None, due).await
    }

    async fn draft_run(
        &self,
        village: &VillageId,
        round: Option<&RoundId>,
        due: Result<Settlement, RecordError>,
    ) -> Result<Answer, ServiceError> {
        let due = match due {
            Err(RecordError::BilledBefore { run }) => return Ok(Answer::Posted { index: run }),
            due => due?,
        };
        let bills = bills_to_lines(&due.bills)
            .map_err(|error| ServiceError::RequestMalformed(error.to_string()))?;
        let households =
            u32::try_from(due.bills.len()).map_err(|_| too_many_bills(due.bills.len()))?;
        let statement = Statement::BillRun(BillRun {
            head: self.head_for(Kind::BillRun, Some(village), &[]),
            village: village.clone(),
            round: round.cloned(),
            year: due.year,
            waterings: due.waterings,
            households,
            total_fen: due.total_fen,
            bills: AttachmentRef::of(BILLS_MEDIA_TYPE, &bills),
        });
        let digest = Hash::of(&bills);
        if let Some(statement) = self.waiting_run(&statement).await? {
            return Ok(Answer::Drafted { statement });
        }
        self.record().check(&statement, &BTreeMap::from([(digest, bills.clone())]))?;
        let new = self.new_statement(&statement, Progress::Draft)?;
        let attachment =
            Attachment { sha256: digest.0, media_type: BILLS_MEDIA_TYPE.into(), bytes: bills };
        let statement = self.store.insert_statement(&new, &[attachment], None).await?;
        Ok(Answer::Drafted { statement })
    }

    /// The same run, if it waits for signatures already. One of the village and round that was
    /// overtaken by what was posted since is sent back, so that nobody signs it in vain.
    async fn waiting_run(&self, due: &Statement) -> Result<Option<i64>, ServiceError> {
        let Statement::BillRun(due) = due else {
            return Ok(None);
        };
        let mut same = None;
        for state in [Progress::Draft, Progress::Awaiting, Progress::CoSigned] {
            let most = store::MAX_STATEMENTS_PER_READ;
            for row in self.store.statements(Some(state), Some(&due.village), None, most).await? {
                let Statement::BillRun(run) = Statement::parse(&row.payload_type, &row.payload)?
                else {
                    continue;
                };
                if (&run.round, run.year) != (&due.round, due.year) {
                    continue;
                }
                // Who may sign and when it was drawn up is no other run.
                if (BillRun { head: due.head.clone(), ..run }) == *due {
                    same = same.or(Some(row.id));
                } else {
                    self.send_back(&row, &ServiceError::Overtaken).await?;
                }
            }
        }
        Ok(same)
    }
}

fn too_many_bills(count: usize) -> ServiceError {
    ServiceError::TooLarge { what: "a bill run", limit: count.min(u32::MAX as usize) }
}
