//! What the log says by itself, as a posting's page shows it.

use disclosure::statement::{Balance, ExpectedSigner, OutletBalance, Overdue, Role};
use domain::{Litres, PersonId, Timestamp};

use super::Kind;
use super::district::count;
use super::places::{Named, named_outlet};
use super::posting::{MAX_LISTED, WateringView, watering};
use crate::{Service, ServiceError};

/// A statement that was not signed in time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OverdueView {
    /// The kind of what waits.
    pub kind: Kind,
    /// When the signatures were due.
    pub due_at: Timestamp,
    /// Who had signed by then.
    pub signed: Vec<SignerView>,
    /// Who was asked and had not.
    pub asked: Vec<SignerView>,
    /// What was measured.
    pub watering: Option<Box<WateringView>>,
}

/// Somebody who signs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SignerView {
    /// As what.
    pub role: Role,
    /// Who; none for a key that the log does not know.
    pub person: Option<PersonId>,
}

/// A day's balance, its beginning listed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DayView {
    /// The day's end.
    pub until: Timestamp,
    /// How many outlets there are.
    pub outlets: u64,
    /// What they gave, as far as it can be told; none when the lines are not on this server.
    pub litres: Option<Litres>,
    /// The first [`MAX_LISTED`] outlets.
    pub entries: Vec<(Named<domain::OutletId>, OutletBalance)>,
    /// How many more there are.
    pub more: u64,
}

pub(super) async fn overdue(
    service: &Service,
    index: u64,
    body: Overdue,
) -> Result<OverdueView, ServiceError> {
    let Overdue { waiting, signatures, due_at, asked, .. } = body;
    let watering = match waiting.watering_facts() {
        Some(facts) => Some(Box::new(watering(service, index, facts.clone(), None).await?)),
        None => None,
    };
    let record = service.record();
    let view = |signer: &ExpectedSigner| {
        let known = record.directory().get(&signer.key);
        SignerView { role: signer.role, person: known.map(|known| known.enrolment.person.clone()) }
    };
    let statement = waiting.statement();
    let signed = |signer: &&ExpectedSigner| {
        signatures.iter().any(|signature| signature.keyid == signer.key.to_hex())
    };
    Ok(OverdueView {
        kind: waiting.kind(),
        due_at,
        signed: statement.head().signers.iter().filter(signed).map(view).collect(),
        asked: asked.iter().map(view).collect(),
        watering,
    })
}

pub(super) async fn day(service: &Service, body: Balance) -> Result<DayView, ServiceError> {
    let stored = service.store().attachment(body.entries.sha256.as_bytes()).await?;
    let entries =
        stored.and_then(|stored| disclosure::statement::balances_from_lines(&stored.bytes).ok());
    let listed = usize::try_from(MAX_LISTED).unwrap_or(usize::MAX);
    let record = service.record();
    Ok(DayView {
        until: body.until,
        outlets: u64::from(body.outlets),
        litres: entries
            .as_ref()
            .map(|entries| entries.iter().filter_map(|entry| entry.litres).sum()),
        more: entries.as_ref().map_or(0, |entries| count(entries.len().saturating_sub(listed))),
        entries: entries
            .into_iter()
            .flatten()
            .take(listed)
            .map(|entry| (named_outlet(&record, &entry.outlet), entry))
            .collect(),
    })
}
