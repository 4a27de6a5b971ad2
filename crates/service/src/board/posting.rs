//! One posting whole: what it says, who signed it, what it rests on.

use disclosure::attachment::AttachmentRef;
use disclosure::dsse::Envelope;
use disclosure::key::{Fingerprint, PublicKey};
use disclosure::record::Record;
use disclosure::statement::{
    Act, BillRun, District, Enrolment, Kind, Registry, RevocationReason, Role, Statement,
    WateringFacts,
};
use domain::bill::{Bill, Charge};
use domain::share::Figure;
use domain::tariff::Tariff;
use domain::{Area, Fen, HouseholdNo, Litres, PersonId, RoundId, Timestamp, VillageId};

use super::by_the_log::{DayView, OverdueView, day, overdue};
use super::curve::{Curve, curve};
use super::district::count;
use super::places::{Named, group_name, named_outlet, named_round, named_village};
use super::roster::{Holders, RosterView, holders, roster};
use crate::{Service, ServiceError};

/// The most rows of a roster or bill run that a page lists; the whole list is in the attachment.
pub const MAX_LISTED: u32 = 1000;
/// How much of a fingerprint tells two keys apart at a glance, in hexadecimal digits.
const FINGERPRINT_START_CHARS: usize = 12;

/// What a posting's page shows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PostingView {
    /// Its index.
    pub index: u64,
    /// Its kind.
    pub kind: Kind,
    /// When it was posted.
    pub posted_at: Timestamp,
    /// When it was drawn up, as its author's clock claims.
    pub drafted_at: Timestamp,
    /// The village it concerns.
    pub village: Option<Named<VillageId>>,
    /// The round it concerns.
    pub round: Option<Named<RoundId>>,
    /// What it says.
    pub body: PostingBody,
    /// Who signed it.
    pub signatures: Vec<SignatureView>,
    /// The attachments it names.
    pub attachments: Vec<AttachmentRef>,
}

/// What a posting says, by kind.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PostingBody {
    /// A watering or a correction of one.
    Watering(Box<WateringView>),
    /// A version of the water price.
    Tariff(Tariff),
    /// A village's roster.
    Roster(RosterView),
    /// A key enrolled or revoked.
    Key(KeyView),
    /// The genesis, or a change of policy.
    District(District),
    /// Villages, outlets, meters.
    Registry(Registry),
    /// A settlement.
    BillRun(BillRunView),
    /// What was not signed in time.
    Overdue(OverdueView),
    /// A day's balance.
    Balance(DayView),
}

/// A watering with the names of its places and what became of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WateringView {
    /// What the statement says.
    pub facts: WateringFacts,
    /// The village's name.
    pub village: String,
    /// The group's name.
    pub group: String,
    /// The outlet's name.
    pub outlet: String,
    /// The outlet's canal.
    pub canal: Option<String>,
    /// The areas of the shares together.
    pub area: Area,
    /// What is noted for the shares by their method, together; none where a sum says nothing.
    pub noted: Vec<Option<u64>>,
    /// The shares together.
    pub shared: Litres,
    /// The posting that it corrects, and why.
    pub supersedes: Option<(u64, String)>,
    /// The posting that corrects it.
    pub superseded_by: Option<u64>,
    /// The settlement that bills it.
    pub billed_by: Option<u64>,
    /// What the meter counted.
    pub curve: Option<Curve>,
    /// The masked names of the shares' holders.
    pub holders: Holders,
}

/// A change of the key directory.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyView {
    /// True when the key was enrolled, false when it was revoked.
    pub enrolled: bool,
    /// Why it was revoked by this posting.
    pub reason: Option<RevocationReason>,
    /// The key of the same person in whose place it was enrolled.
    pub replaces: Option<Fingerprint>,
    /// Whose key it is.
    pub enrolment: Option<Enrolment>,
    /// The key's fingerprint.
    pub fingerprint: Fingerprint,
    /// The later posting that revoked a key enrolled here.
    pub revoked_at: Option<u64>,
}

/// A settlement, its beginning listed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BillRunView {
    /// What the statement says.
    pub statement: BillRun,
    /// How many bills there are.
    pub households: u64,
    /// The first [`MAX_LISTED`] bills.
    pub bills: Vec<BillSum>,
    /// The masked names of their holders.
    pub holders: Holders,
    /// How many more there are.
    pub more: u64,
}

/// A bill in short.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BillSum {
    /// Whose.
    pub household: HouseholdNo,
    /// Basic charges, fees of the year and what was short of a minimum.
    pub basic: Fen,
    /// Water within quota.
    pub metered: Fen,
    /// Water above quota (加价).
    pub over: Fen,
    /// Fees on water.
    pub fees: Fen,
    /// Subsidies and rewards, negative.
    pub given: Fen,
    /// All of it.
    pub total: Fen,
}

/// A signature on a posting, judged by what the log said before it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SignatureView {
    /// The key's fingerprint as the envelope states it.
    pub keyid: String,
    /// As what the key is enrolled; none for a key that the log does not know.
    pub role: Option<Role>,
    /// Whose key it is.
    pub person: Option<PersonId>,
    /// Whether the signature is by that key over this statement, and the key held at this index.
    pub holds: bool,
}

impl SignatureView {
    /// The beginning of the fingerprint.
    pub fn key_start(&self) -> &str {
        self.keyid.get(..FINGERPRINT_START_CHARS).unwrap_or(&self.keyid)
    }
}

/// The posting at an index; none when the published log does not reach that far.
pub async fn posting(service: &Service, index: u64) -> Result<Option<PostingView>, ServiceError> {
    let Some(entry) = published(service, index).await? else {
        return Ok(None);
    };
    let envelope = Envelope::parse(&entry.envelope)?;
    let statement = Statement::parse(&envelope.payload_type, &envelope.payload)?;
    let round = match statement.round() {
        Some(round) => Some(named_round(service.store(), round).await?),
        None => None,
    };
    let (village, signatures) = {
        let record = service.record();
        let village = statement.village().map(|village| named_village(&record, village));
        (village, signatures(&record, index, &entry.envelope)?)
    };
    Ok(Some(PostingView {
        index,
        kind: statement.kind(),
        posted_at: entry.posted_at,
        drafted_at: statement.head().drafted_at,
        village,
        round,
        signatures,
        attachments: statement.attachments().into_iter().cloned().collect(),
        body: body(service, index, statement).await?,
    }))
}

/// The exact envelope posted at an index.
pub async fn envelope(service: &Service, index: u64) -> Result<Option<Vec<u8>>, ServiceError> {
    Ok(published(service, index).await?.map(|entry| entry.envelope))
}

async fn published(service: &Service, index: u64) -> Result<Option<store::EntryRow>, ServiceError> {
    if index >= service.log().size().await? {
        return Ok(None);
    }
    Ok(service.store().entry(index).await?)
}

/// The signatures of the envelope posted at `index`. A key counts from the posting that enrols it, where only a
/// rotation and the genesis are signed with it, and to the one that revokes it.
pub(crate) fn signatures(
    record: &Record,
    index: u64,
    envelope: &[u8],
) -> Result<Vec<SignatureView>, ServiceError> {
    let envelope = Envelope::parse(envelope)?;
    let message = envelope.signed_bytes();
    let view = |signature: &disclosure::dsse::EnvelopeSignature| {
        let known = Fingerprint::from_hex(&signature.keyid)
            .ok()
            .and_then(|key| record.directory().get(&key));
        let holds = known.is_some_and(|known| {
            let in_time =
                known.enrolled_at <= index && known.revoked_at.is_none_or(|at| index <= at);
            in_time && known.enrolment.key.verify(&message, &signature.sig).is_ok()
        });
        SignatureView {
            keyid: signature.keyid.clone(),
            role: known.map(|known| known.enrolment.role),
            person: known.map(|known| known.enrolment.person.clone()),
            holds,
        }
    };
    Ok(envelope.signatures.iter().map(view).collect())
}

async fn body(
    service: &Service,
    index: u64,
    statement: Statement,
) -> Result<PostingBody, ServiceError> {
    Ok(match statement {
        Statement::District(body) => PostingBody::District(body),
        Statement::Registry(body) => PostingBody::Registry(body),
        Statement::Tariff(body) => PostingBody::Tariff(body.tariff),
        Statement::Key(body) => PostingBody::Key(key(&service.record(), body.act)),
        Statement::Roster(body) => PostingBody::Roster(roster(service, body).await?),
        Statement::BillRun(body) => PostingBody::BillRun(bill_run(service, index, body).await?),
        Statement::Overdue(body) => PostingBody::Overdue(overdue(service, index, body).await?),
        Statement::Balance(body) => PostingBody::Balance(day(service, body).await?),
        Statement::Watering(body) => {
            PostingBody::Watering(Box::new(watering(service, index, body.watering, None).await?))
        }
        Statement::Correction(body) => {
            let supersedes = Some((body.supersedes, body.reason));
            PostingBody::Watering(Box::new(
                watering(service, index, body.watering, supersedes).await?,
            ))
        }
    })
}

pub(super) async fn watering(
    service: &Service,
    index: u64,
    facts: WateringFacts,
    supersedes: Option<(u64, String)>,
) -> Result<WateringView, ServiceError> {
    let curve = curve(service, &facts).await?;
    let holders = holders(service, facts.shares.iter().map(|share| &share.household)).await?;
    let record = service.record();
    Ok(WateringView {
        village: named_village(&record, &facts.village).name,
        group: group_name(&record, &facts.village, &facts.group),
        outlet: named_outlet(&record, &facts.outlet).name,
        canal: record.outlets().get(&facts.outlet).map(|outlet| outlet.canal.clone()),
        area: facts.shares.iter().map(|share| share.area).sum(),
        noted: facts.method.figures().iter().map(|&figure| together(&facts, figure)).collect(),
        shared: facts.shares.iter().map(|share| share.litres).sum(),
        supersedes,
        superseded_by: record.watering(index).and_then(|posted| posted.superseded_by),
        billed_by: record.billed_by(index),
        curve,
        holders,
        facts,
    })
}

/// A figure of all shares together; flows at different times do not add up to anything.
fn together(facts: &WateringFacts, figure: Figure) -> Option<u64> {
    match figure {
        Figure::Minutes => facts.shares.iter().map(|share| share.minutes.map(u64::from)).sum(),
        Figure::Weight => facts.shares.iter().map(|share| share.weight.map(u64::from)).sum(),
        Figure::Flow => None,
    }
}

fn key(record: &Record, act: Act) -> KeyView {
    match act {
        Act::Enrol(enrolment) => enrolled(record, PublicKey::fingerprint(&enrolment.key)),
        Act::Rotate { new, .. } => enrolled(record, PublicKey::fingerprint(&new)),
        Act::Revoke { key, reason } => KeyView {
            enrolled: false,
            reason: Some(reason),
            replaces: None,
            enrolment: record.directory().get(&key).map(|known| known.enrolment.clone()),
            fingerprint: key,
            revoked_at: None,
        },
    }
}

fn enrolled(record: &Record, fingerprint: Fingerprint) -> KeyView {
    let known = record.directory().get(&fingerprint);
    KeyView {
        enrolled: true,
        reason: None,
        replaces: known.and_then(|known| known.enrolment.replaces),
        enrolment: known.map(|known| known.enrolment.clone()),
        fingerprint,
        revoked_at: known.and_then(|known| known.revoked_at),
    }
}

async fn bill_run(
    service: &Service,
    index: u64,
    statement: BillRun,
) -> Result<BillRunView, ServiceError> {
    let mut bills = Vec::new();
    for row in service.store().bills_of_run(index, None, MAX_LISTED).await? {
        bills.push(bill_sum(&read_bill(&row)?));
    }
    bills.sort_by(|a, b| a.household.number_order().cmp(&b.household.number_order()));
    let households = u64::from(statement.households);
    let more = if bills.is_empty() { 0 } else { households.saturating_sub(count(bills.len())) };
    let holders = holders(service, bills.iter().map(|bill| &bill.household)).await?;
    Ok(BillRunView { statement, households, bills, holders, more })
}

/// The bill that the store keeps as JSON.
pub(crate) fn read_bill(row: &store::BillRow) -> Result<Bill, ServiceError> {
    serde_json::from_str(&row.body).map_err(|error| {
        ServiceError::DamagedLog(format!(
            "the bill of household {} in posting {}: {error}",
            row.household, row.run_index
        ))
    })
}

pub(super) fn bill_sum(bill: &Bill) -> BillSum {
    let zero = Fen::ZERO;
    let (basic, metered, over, fees, given) = (zero, zero, zero, zero, zero);
    let (household, total) = (bill.household.clone(), bill.total_fen);
    let mut sum = BillSum { household, basic, metered, over, fees, given, total };
    for line in &bill.lines {
        let part = match &line.charge {
            Charge::Basic { .. } | Charge::YearlyFee { .. } | Charge::Minimum { .. } => {
                &mut sum.basic
            }
            Charge::Metered { tier: 0, .. } => &mut sum.metered,
            Charge::Metered { .. } => &mut sum.over,
            Charge::Fee { .. } => &mut sum.fees,
            Charge::Subsidy { .. } | Charge::Reward { .. } => &mut sum.given,
        };
        *part = *part + line.due();
    }
    sum
}
