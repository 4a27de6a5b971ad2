//! What a person decides about what was seen: a proposal is no turn, an alarm is noted.

use disclosure::statement::Enrolment;
use domain::{OutletId, Timestamp};
use store::{Acknowledgement, ProposalState};

use crate::asking::check_words;
use crate::{Answer, Service, ServiceError};

impl Service {
    /// Checks that a proposal is open and of the water that a turn took.
    pub(crate) async fn check_proposal(
        &self,
        id: i64,
        outlet: &OutletId,
        opened_at: Timestamp,
        closed_at: Timestamp,
    ) -> Result<(), ServiceError> {
        let known = self.store.proposal(id).await?.ok_or(ServiceError::UnknownProposal(id))?;
        if known.state != ProposalState::Open {
            return Err(ServiceError::ProposalDecided(id));
        }
        if known.outlet != *outlet || opened_at >= known.to || closed_at <= known.from {
            return Err(ServiceError::OtherProposal {
                proposal: id,
                outlet: known.outlet,
                from: known.from,
                to: known.to,
            });
        }
        Ok(())
    }

    pub(crate) async fn dismiss_proposal(
        &self,
        id: i64,
        reason: &str,
        asker: &Enrolment,
    ) -> Result<Answer, ServiceError> {
        check_words("a dismissal needs a reason", reason)?;
        let known = self.store.proposal(id).await?.ok_or(ServiceError::UnknownProposal(id))?;
        match known.state {
            ProposalState::Open => {}
            ProposalState::Dismissed { by, reason: before, .. }
                if by == asker.person && before == reason =>
            {
                return Ok(Answer::Done);
            }
            _ => return Err(ServiceError::ProposalDecided(id)),
        }
        if !self.store.dismiss_proposal(id, &asker.person, self.now(), reason).await? {
            return Err(ServiceError::ProposalDecided(id));
        }
        Ok(Answer::Done)
    }

    /// An alarm of a state goes on until the state is over; one of an event is cleared by this.
    pub(crate) async fn acknowledge_alarm(
        &self,
        id: i64,
        note: &str,
        asker: &Enrolment,
    ) -> Result<Answer, ServiceError> {
        check_words("taking note of an alarm needs a note", note)?;
        let known = self.store.alarm(id).await?.ok_or(ServiceError::UnknownAlarm(id))?;
        if known.acknowledged.is_some_and(|noted| noted.by == asker.person && noted.note == note) {
            return Ok(Answer::Done);
        }
        let noted =
            Acknowledgement { by: asker.person.clone(), at: self.now(), note: note.to_owned() };
        let clear = known.cause.kind().is_event();
        if known.cleared_at.is_some() || !self.store.acknowledge_alarm(id, &noted, clear).await? {
            return Err(ServiceError::AlarmCleared(id));
        }
        Ok(Answer::Done)
    }
}
