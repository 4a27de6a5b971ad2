//! Putting right what was wrong: a turn before its watering is signed by all, its posting after that.

use disclosure::record::RecordError;
use disclosure::statement::{Enrolment, Statement};
use domain::progress::Progress;
use domain::round::Turn;
use store::{Grounds, Refusal};

use crate::asking::check_words;
use crate::drafting::Superseding;
use crate::past_turns::PastTurn;
use crate::{Answer, Service, ServiceError};

impl Service {
    /// Writes a turn anew that was entered wrongly. What was drawn up from it goes back to be drawn up from the
    /// turn as it is now; a watering that everybody signed stands, and is corrected instead. A request that was done
    /// before, sent `again`, changes nothing.
    pub(crate) async fn amend_turn(
        &self,
        PastTurn { turn, closed_at }: &PastTurn,
        asker: &Enrolment,
        again: bool,
    ) -> Result<(), ServiceError> {
        let unknown = || ServiceError::UnknownTurn(turn.id.clone());
        let row = self.store.turn(&turn.id).await?.ok_or_else(unknown)?;
        let same = serde_json::from_str::<Turn>(&row.plan).is_ok_and(|known| known == *turn);
        if same && row.closed_at == Some(*closed_at) {
            return Ok(());
        }
        if again {
            return Err(ServiceError::DoneBefore);
        }
        let new = self.check_times(turn, *closed_at).await?;
        if let Some(id) = row.statement
            && let Some(drawn_up) = self.store.statement(id).await?
        {
            if !matches!(drawn_up.state, Progress::Draft | Progress::Awaiting) {
                return Err(ServiceError::SignedByAll(turn.id.clone()));
            }
            let why = Grounds::Words(format!("turn {} was amended", turn.id));
            let refusal = Refusal { by: asker.person.clone(), why };
            if !self.store.refuse_statement(id, &refusal, drawn_up.state).await? {
                return Err(ServiceError::StatementChanged(id));
            }
        }
        self.store.amend_turn(&new, *closed_at).await.map_err(ServiceError::of_race)?;
        self.tell_news([]);
        Ok(())
    }

    /// Draws up the correction of a posted watering: measured anew, of the same turn or of what it should have been. A
    /// request that was done before, sent `again`, draws up none.
    pub(crate) async fn correct(
        &self,
        posting: u64,
        instead: Option<&PastTurn>,
        reason: &str,
        again: bool,
    ) -> Result<Answer, ServiceError> {
        check_words("a correction needs a reason", reason)?;
        let posted = {
            let record = self.record();
            let found = record.watering(posting).filter(|posted| posted.superseded_by.is_none());
            found.map(|posted| posted.facts.clone())
        };
        let posted = posted.ok_or(RecordError::NothingToSupersede(posting))?;
        let (turn, end) = match instead {
            Some(PastTurn { turn, closed_at }) => {
                self.check_times(turn, *closed_at).await?;
                (turn.clone(), *closed_at)
            }
            None => (posted.turn(), posted.end),
        };
        let superseding = Superseding { index: posting, reason: reason.to_owned() };
        let draft = self.measure(turn, end, Some(superseding)).await?;
        if draft.statement.watering_facts() == Some(&posted) {
            return Err(ServiceError::NothingToCorrect(posting));
        }
        let _one_at_a_time = self.signing.lock().await;
        if let Some(id) = self.waiting_correction(posting, &draft.statement).await? {
            return Ok(Answer::Drafted { statement: id });
        }
        if again {
            return Err(ServiceError::DoneBefore);
        }
        let new = self.new_statement(&draft.statement, Progress::Draft)?;
        let statement = self.store.insert_statement(&new, &draft.evidence, None).await?;
        Ok(Answer::Drafted { statement })
    }

    /// The same correction, if it waits already; another one of the posting is in its way.
    async fn waiting_correction(
        &self,
        posting: u64,
        drawn_up: &Statement,
    ) -> Result<Option<i64>, ServiceError> {
        let village = drawn_up.village();
        for state in [Progress::Draft, Progress::Awaiting, Progress::CoSigned] {
            let most = store::MAX_STATEMENTS_PER_READ;
            for row in self.store.statements(Some(state), village, None, most).await? {
                let waits = Statement::parse(&row.payload_type, &row.payload)?;
                let Statement::Correction(correction) = &waits else { continue };
                if correction.supersedes != posting {
                    continue;
                }
                // Who may sign and when it was drawn up is no other correction.
                let same = matches!(drawn_up, Statement::Correction(new)
                    if (&new.reason, &new.watering) == (&correction.reason, &correction.watering));
                return if same {
                    Ok(Some(row.id))
                } else {
                    Err(ServiceError::CorrectionWaits { posting, statement: row.id })
                };
            }
        }
        Ok(None)
    }
}
