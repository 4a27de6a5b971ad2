//! What is owed for something that was handed in, signed by the log so that it can be held against it.

use disclosure::dsse::Envelope;
use disclosure::merkle::Hash;
use disclosure::statement::{Kind, Statement};
use disclosure::submission::{Owed, Submission};
use domain::progress::Progress;
use domain::{Timestamp, TurnId};

use crate::{Service, ServiceError};

/// How long a posting may take once nothing is missing, or once its deadline has passed.
pub const POST_WITHIN_MILLIS: i64 = 24 * 3600 * 1000;

impl Service {
    /// The receipt for what was handed in about a statement; none where nothing is owed: it was refused, or its
    /// kind has no deadline and signatures are missing.
    pub async fn submission(
        &self,
        statement: i64,
        handed_in: &[u8],
    ) -> Result<Option<Envelope>, ServiceError> {
        let Some(row) = self.store.statement(statement).await? else { return Ok(None) };
        match row.state {
            Progress::CoSigned | Progress::Posted | Progress::Corrected => {
                let owed = Owed::Statement(Hash(row.payload_sha256));
                self.receipt(handed_in, owed, self.now().plus_millis(POST_WITHIN_MILLIS)).map(Some)
            }
            Progress::Draft | Progress::Awaiting => {
                match Statement::parse(&row.payload_type, &row.payload)? {
                    Statement::Watering(body) => {
                        let facts = body.watering;
                        self.turn_submission(&facts.turn, facts.end, handed_in)
                    }
                    _ => Ok(None),
                }
            }
            Progress::Refused => Ok(None),
        }
    }

    /// The receipt for what was handed in about a turn that is over; none where the policy sets no deadline.
    pub(crate) fn turn_submission(
        &self,
        turn: &TurnId,
        end: Timestamp,
        handed_in: &[u8],
    ) -> Result<Option<Envelope>, ServiceError> {
        let Some(due_at) = self.record().due_since(Kind::Watering, end) else { return Ok(None) };
        // A turn may be entered long after it was over.
        let by = due_at.max(self.now()).plus_millis(POST_WITHIN_MILLIS);
        self.receipt(handed_in, Owed::Turn(turn.clone()), by).map(Some)
    }

    fn receipt(
        &self,
        handed_in: &[u8],
        owed: Owed,
        by: Timestamp,
    ) -> Result<Envelope, ServiceError> {
        let submission = Submission {
            district: self.district().clone(),
            received: Hash::of(handed_in),
            received_at: self.now(),
            owed,
            by,
        };
        let mut envelope = submission
            .to_envelope()
            .map_err(|error| ServiceError::RequestMalformed(error.to_string()))?;
        let signature = self.log_key.sign(&envelope.signed_bytes());
        envelope.add_signature(*self.log_key.verifier_key().key(), signature)?;
        Ok(envelope)
    }
}
