//! What the log says by itself: that a signature is overdue, and how far the meters had come at a day's end.

use domain::Timestamp;

use super::{Attachments, Record, RecordError, load};
use crate::policy::Standing;
use crate::statement::{Balance, ExpectedSigner, Head, Kind, Overdue, Subject, Waiting};

const HOUR_MILLIS: i64 = 3_600_000;

impl Record {
    /// When the signatures under a statement are due by the policy in force; none where it gives no deadline.
    pub fn due_at(&self, waiting: &Waiting) -> Option<Timestamp> {
        self.due_since(waiting.kind(), waiting.since())
    }

    /// The same of a statement of this kind whose deadline runs from `since`.
    pub fn due_since(&self, kind: Kind, since: Timestamp) -> Option<Timestamp> {
        let rule = self.policy()?.rule(kind, None)?;
        let hours = i64::from(rule.within_hours?);
        Some(since.plus_millis(hours * HOUR_MILLIS))
    }

    /// The posting that told that what is due is overdue.
    pub fn overdue(&self, subject: &Subject) -> Option<u64> {
        self.overdue.get(subject).copied()
    }

    /// The end of the last day that was balanced.
    pub fn balanced_until(&self) -> Option<Timestamp> {
        self.balanced_until
    }

    /// Who of the signers that a statement names can give a signature that is missing.
    pub fn asked(&self, head: &Head, standing: &Standing) -> Vec<ExpectedSigner> {
        let missing = |signer: &&ExpectedSigner| {
            standing.missing.iter().any(|need| need.role == signer.role)
                && !standing.signatures.iter().any(|given| given.key == signer.key)
                && self.directory.get(&signer.key).is_some_and(|known| known.revoked_at.is_none())
        };
        head.signers.iter().filter(missing).cloned().collect()
    }

    pub(super) fn check_overdue(
        &self,
        body: &Overdue,
        attachments: &impl Attachments,
    ) -> Result<(), RecordError> {
        let Overdue { head, waiting, signatures, due_at, asked } = body;
        let due = self.due_at(waiting).ok_or(RecordError::NoDeadline(waiting.kind()))?;
        if *due_at != due {
            return Err(RecordError::OtherDeadline(due));
        }
        if head.drafted_at < due {
            return Err(RecordError::NotYetDue(due));
        }
        if let Some(index) = self.overdue(&waiting.subject()) {
            return Err(RecordError::OverdueBefore(index));
        }
        let statement = waiting.statement();
        self.check(&statement, attachments)?;
        let envelope = waiting.envelope(signatures.clone()).map_err(RecordError::Json)?;
        let standing = self.judge(&envelope, &statement)?;
        if standing.complete() {
            return Err(RecordError::NothingMissing);
        }
        if *asked != self.asked(statement.head(), &standing) {
            return Err(RecordError::OtherAsked);
        }
        Ok(())
    }

    pub(super) fn check_balance(
        &self,
        body: &Balance,
        attachments: &impl Attachments,
    ) -> Result<(), RecordError> {
        body.check_day(self.balanced_until)?;
        let bytes = load(&body.entries, attachments)?;
        for entry in body.read_entries(&bytes, self.outlets.keys())? {
            let stands = |code| self.meters().get(code).filter(|m| m.meter.outlet == entry.outlet);
            if let Some(stray) = entry.meters.iter().find(|last| stands(&last.meter).is_none()) {
                let (meter, outlet) = (stray.meter.clone(), entry.outlet.clone());
                return Err(RecordError::NotTheOutletsMeter(meter, outlet));
            }
        }
        Ok(())
    }
}
