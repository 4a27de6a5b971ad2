//! What waits for one person's signature, and what was refused that they might have signed.

use disclosure::policy::Standing;
use disclosure::statement::{Enrolment, ExpectedSigner, Statement};
use domain::progress::Progress;
use store::StatementRow;

use crate::signing::envelope_of;
use crate::{Service, ServiceError};

/// Statements of each state that are looked at; newer ones come first.
const MAX_LOOKED_AT: u32 = 1000;
/// Refused statements of one answer: the newest.
const MAX_REFUSED: usize = 20;

/// Statements on this server, each list newest first.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ToSign {
    /// Those that the person's signature is missing on now.
    pub waiting: Vec<Named>,
    /// Those that somebody refused and that name the person's key.
    pub refused: Vec<Named>,
}

/// A statement, and the names by which the registry knows the places in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Named {
    /// Its id on this server.
    pub statement: i64,
    /// Its outlet's name.
    pub outlet: Option<String>,
    /// Its village's name.
    pub village: Option<String>,
}

impl Service {
    /// What waits for the holder of a key, by the record as it stands now.
    pub async fn to_sign(&self, signer: &Enrolment) -> Result<ToSign, ServiceError> {
        self.catch_up().await?;
        let mut found = ToSign::default();
        for state in [Progress::Awaiting, Progress::Draft] {
            for row in self.store.statements(Some(state), None, None, MAX_LOOKED_AT).await? {
                if let Some(statement) = names(&row, signer)
                    && self.waits_for(&row, &statement, signer).await?
                {
                    found.waiting.push(self.named(row.id, &statement));
                }
            }
        }
        found.waiting.sort_unstable_by_key(|named| std::cmp::Reverse(named.statement));
        let refused = Some(Progress::Refused);
        for row in self.store.statements(refused, None, None, MAX_LOOKED_AT).await? {
            if found.refused.len() == MAX_REFUSED {
                break;
            }
            if let Some(statement) = names(&row, signer) {
                found.refused.push(self.named(row.id, &statement));
            }
        }
        Ok(found)
    }

    async fn waits_for(
        &self,
        row: &StatementRow,
        statement: &Statement,
        signer: &Enrolment,
    ) -> Result<bool, ServiceError> {
        let signatures = self.store.co_signatures(row.id).await?;
        let envelope = envelope_of(row, statement, &signatures);
        // What cannot be judged any more is sent back by the next signature or draft.
        let Ok(standing) = self.record().judge(&envelope, statement) else { return Ok(false) };
        Ok(is_missing(&standing, signer, row.state))
    }

    fn named(&self, id: i64, statement: &Statement) -> Named {
        let record = self.record();
        let outlet = statement.outlet().and_then(|id| record.outlets().get(id));
        let village = statement.village().and_then(|id| record.villages().get(id));
        Named {
            statement: id,
            outlet: outlet.map(|outlet| outlet.name.clone()),
            village: village.map(|village| village.name.clone()),
        }
    }
}

/// The statement, if it names the key in its role.
fn names(row: &StatementRow, signer: &Enrolment) -> Option<Statement> {
    let statement = Statement::parse(&row.payload_type, &row.payload).ok()?;
    let expected = ExpectedSigner { role: signer.role, key: signer.key.fingerprint() };
    statement.head().signers.contains(&expected).then_some(statement)
}

/// Whether the policy still misses the role, the person has not signed, and nobody has to sign before.
fn is_missing(standing: &Standing, signer: &Enrolment, state: Progress) -> bool {
    let done = standing.signatures.iter().any(|counted| counted.person == signer.person);
    let missing = standing.missing.iter().any(|need| need.role == signer.role);
    let earlier = standing.missing.iter().any(|need| need.role < signer.role);
    missing && !done && (state != Progress::Draft || !earlier)
}
