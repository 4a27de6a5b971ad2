//! Signed requests: who asks what, whether they may, and doing it once.

use disclosure::dsse::Envelope;
use disclosure::merkle::Hash;
use disclosure::policy::{SignatureProblem, signer_of};
use disclosure::record::RecordError;
use disclosure::statement::{Enrolment, Statement};
use domain::progress::{Progress, Step};
use domain::refusal::RefusalReason;
use domain::round::{Round, Turn};
use domain::share;
use domain::{Litres, OutletId, Timestamp, TurnId};
use serde::Serialize;
use store::{Grounds, NewRequest, NewTurn, Receipted, Refusal, StoreError};

use crate::past_turns::taken;
use crate::request::{Ask, MAX_REQUEST_BYTES, REQUEST_PAYLOAD_TYPE, Request};
use crate::{MAX_CLOCK_AHEAD_MILLIS, Service, ServiceError};

/// The longest reason or note that goes with a request, in characters.
const MAX_WORDS_CHARS: usize = 200;

/// What came of a request.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Answer {
    /// It was done.
    Done,
    /// A turn that is over is entered, now or before.
    Entered {
        /// By when its watering must be posted, signed by the log; none where the policy sets no deadline.
        submission: Option<Envelope>,
    },
    /// A statement was drawn up and waits for signatures.
    Drafted {
        /// Its id.
        statement: i64,
    },
    /// Somebody may enrol a key with this code.
    Invited {
        /// The code: shown to the invited person alone, in the fragment of `/enrol#CODE`.
        code: String,
        /// Until when.
        expires_at: Timestamp,
    },
    /// The payments are recorded, now or before.
    Receipts {
        /// Their receipt numbers, in the order of the request.
        receipts: Vec<Receipted>,
    },
    /// It was done before, and stands in the log.
    Posted {
        /// Its index.
        index: u64,
    },
}

impl Service {
    /// Does what a signed request asks. The same request again changes nothing.
    pub async fn request(&self, bytes: &[u8]) -> Result<Answer, ServiceError> {
        let envelope = Envelope::parse_up_to(bytes, MAX_REQUEST_BYTES)?;
        // A key may have been revoked through another server.
        self.catch_up().await?;
        let (request, asker) = self.read_request(&envelope)?;
        if !request.ask.allowed(asker.role) {
            return Err(ServiceError::NotAllowed { person: asker.person, role: asker.role });
        }
        // Old bytes must not undo what was decided since, whoever sends them again.
        let digest = Hash::of(&envelope.signed_bytes()).0;
        let again = self.store.is_request_kept(&digest).await?;
        let entered = |turn: &TurnId, closed_at| {
            let submission = self.turn_submission(turn, closed_at, bytes)?;
            Ok::<_, ServiceError>(Answer::Entered { submission })
        };
        let answer = match &request.ask {
            Ask::OpenRound(round) => self.open_round(round).await?,
            Ask::OpenTurn(turn) => self.open_turn(turn).await?,
            Ask::CloseTurn { turn, closed_at } => {
                self.close_turn(turn, *closed_at).await?;
                entered(turn, *closed_at)?
            }
            Ask::LogTurn { turn, closed_at, proposal } => {
                self.log_turn(turn, *closed_at, *proposal).await?;
                entered(&turn.id, *closed_at)?
            }
            Ask::AmendTurn(past) => {
                self.amend_turn(past, &asker, again).await?;
                entered(&past.turn.id, past.closed_at)?
            }
            Ask::Correct { posting, instead, reason } => {
                self.correct(*posting, instead.as_ref(), reason, again).await?
            }
            Ask::DismissProposal { proposal, reason } => {
                self.dismiss_proposal(*proposal, reason, &asker).await?
            }
            Ask::AcknowledgeAlarm { alarm, note } => {
                self.acknowledge_alarm(*alarm, note, &asker).await?
            }
            Ask::Settle { village, round } => self.settle(village, round).await?,
            Ask::CloseYear { village, year } => self.close_year(village, *year).await?,
            Ask::Holders(holders) => self.keep_holders(holders, again).await?,
            Ask::RecordPayments { payments } => {
                self.record_payments(payments, &asker, digest).await?
            }
            Ask::ReversePayment { receipt, reason } => {
                self.reverse_payment(*receipt, reason, &asker).await?
            }
            Ask::Invite(invitation) => self.invite(invitation, &asker).await?,
            Ask::Refuse { statement, reason, note } => {
                self.refuse(*statement, *reason, note.as_deref(), &asker).await?
            }
        };
        // Each of these is harmless when repeated, so it is recorded after it was done: a crash in
        // between makes the asker repeat it instead of losing it.
        self.store
            .record_request(&NewRequest {
                digest,
                person: asker.person,
                kind: request.ask.code().into(),
                received_at: self.now(),
                envelope: bytes.to_vec(),
            })
            .await?;
        Ok(answer)
    }

    fn read_request(&self, envelope: &Envelope) -> Result<(Request, Enrolment), ServiceError> {
        if envelope.payload_type != REQUEST_PAYLOAD_TYPE {
            let message = format!("use payload type {REQUEST_PAYLOAD_TYPE}");
            return Err(ServiceError::RequestMalformed(message));
        }
        let request: Request = serde_json::from_slice(&envelope.payload)
            .map_err(|error| ServiceError::RequestMalformed(error.to_string()))?;
        if request.district != *self.district() {
            let message = format!("this is district {}", self.district());
            return Err(ServiceError::RequestMalformed(message));
        }
        let [signature] = envelope.signatures.as_slice() else {
            return Err(ServiceError::OneSignature(envelope.signatures.len()));
        };
        let record = self.record();
        let asker = signer_of(record.directory(), &envelope.signed_bytes(), signature)?.clone();
        Ok((request, asker))
    }

    async fn open_round(&self, round: &Round) -> Result<Answer, ServiceError> {
        round.check()?;
        match self.store.put_round(round).await {
            Ok(()) => Ok(Answer::Done),
            Err(StoreError::Conflict { .. }) => {
                Err(ServiceError::Exists { what: "round", code: round.id.to_string() })
            }
            Err(error) => Err(error.into()),
        }
    }

    async fn open_turn(&self, turn: &Turn) -> Result<Answer, ServiceError> {
        if let Some(row) = self.store.turn(&turn.id).await? {
            return if serde_json::from_str::<Turn>(&row.plan).is_ok_and(|known| known == *turn) {
                Ok(Answer::Done)
            } else {
                Err(taken(&turn.id))
            };
        }
        let new = self.check_turn(turn).await?;
        self.check_free(&turn.outlet, turn.opened_at).await?;
        self.store.open_turn(&new).await?;
        Ok(Answer::Done)
    }

    /// Checks what a turn names, and that its gate was not opened in the future or outside its round.
    pub(crate) async fn check_turn(&self, turn: &Turn) -> Result<NewTurn, ServiceError> {
        let round = self.store.round(&turn.round).await?;
        let round = round.ok_or_else(|| ServiceError::UnknownRound(turn.round.clone()))?;
        round.admits(turn.opened_at)?;
        self.check_past(turn.opened_at)?;
        {
            let record = self.record();
            record.check_turn(&turn.outlet, &turn.village, &turn.group, turn.opened_at)?;
            share::divide(Litres::ZERO, turn.method, &record.sharing(turn)?)
                .map_err(RecordError::from)?;
        }
        let plan = serde_json::to_string(turn)
            .map_err(|error| ServiceError::RequestMalformed(error.to_string()))?;
        Ok(NewTurn {
            code: turn.id.clone(),
            round: turn.round.clone(),
            outlet: turn.outlet.clone(),
            village: turn.village.clone(),
            plan,
            opened_at: turn.opened_at,
        })
    }

    /// Gates are written down after they were moved; a mistyped year would block the outlet until then.
    pub(crate) fn check_past(&self, at: Timestamp) -> Result<(), ServiceError> {
        let now = self.now();
        if at > now.plus_millis(MAX_CLOCK_AHEAD_MILLIS) {
            return Err(ServiceError::InFuture { at, now });
        }
        Ok(())
    }

    /// One outlet's water goes to one turn at a time.
    async fn check_free(&self, outlet: &OutletId, from: Timestamp) -> Result<(), ServiceError> {
        let busy = |turn: TurnId| ServiceError::OutletBusy { outlet: outlet.clone(), turn };
        if let Some(open) = self.store.open_turn_at(outlet).await? {
            return Err(busy(open.code));
        }
        match self.store.last_closed_turn(outlet).await? {
            Some(last) if last.closed_at.is_some_and(|closed| closed > from) => {
                Err(busy(last.code))
            }
            _ => Ok(()),
        }
    }

    async fn close_turn(&self, code: &TurnId, closed_at: Timestamp) -> Result<(), ServiceError> {
        let row = self.store.turn(code).await?;
        let row = row.ok_or_else(|| ServiceError::UnknownTurn(code.clone()))?;
        match row.closed_at {
            Some(at) if at == closed_at => return Ok(()),
            Some(_) => return Err(ServiceError::TurnClosed(code.clone())),
            None => {}
        }
        let turn = crate::drafting::turn_of(&row)?;
        turn.check_closing(closed_at)?;
        self.check_past(closed_at)?;
        if !self.store.close_turn(code, closed_at).await? {
            return Err(ServiceError::TurnClosed(code.clone()));
        }
        self.tell_news([]);
        Ok(())
    }

    async fn refuse(
        &self,
        id: i64,
        reason: RefusalReason,
        note: Option<&str>,
        asker: &Enrolment,
    ) -> Result<Answer, ServiceError> {
        if note.is_some() || reason.needs_note() {
            let needed = format!("a refusal for the reason {} needs a note", reason.code());
            check_words(&needed, note.unwrap_or_default())?;
        }
        let why = Grounds::Reason { reason, note: note.map(ToOwned::to_owned) };
        let refusal = Refusal { by: asker.person.clone(), why };
        let row = self.store.statement(id).await?.ok_or(ServiceError::UnknownStatement(id))?;
        if row.state == Progress::Refused && row.refusal.as_ref() == Some(&refusal) {
            return Ok(Answer::Done);
        }
        let statement = Statement::parse(&row.payload_type, &row.payload)?;
        let own_key = asker.key.fingerprint();
        if !statement.head().signers.iter().any(|signer| signer.key == own_key) {
            let person = asker.person.clone();
            return Err(SignatureProblem::NotExpected { person }.into());
        }
        row.state.after(Step::Refused)?;
        if !self.store.refuse_statement(id, &refusal, row.state).await? {
            return Err(ServiceError::StatementChanged(id));
        }
        self.tell_news([]);
        Ok(Answer::Done)
    }
}

/// Checks what a person wrote with a request.
pub(crate) fn check_words(needed: &str, words: &str) -> Result<(), ServiceError> {
    if domain::text::is_plain(words, MAX_WORDS_CHARS) {
        return Ok(());
    }
    let message = format!("{needed} of 1 to {MAX_WORDS_CHARS} visible characters on one line");
    Err(ServiceError::RequestMalformed(message))
}
