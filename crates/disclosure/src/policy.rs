//! Who signed, and whether that is enough: the rule that the server checks before posting and the auditor after.

use domain::{HouseholdNo, PersonId, VillageId};
use thiserror::Error;

use crate::directory::{Directory, Enrolled};
use crate::dsse::{Envelope, EnvelopeSignature, pae};
use crate::key::{Fingerprint, PublicKey};
use crate::statement::{
    Act, Enrolment, ExpectedSigner, KeyAct, Kind, Need, Policy, Role, Statement,
};

/// A signature that counts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CoSignature {
    /// The key that made it.
    pub key: Fingerprint,
    /// The role in which it counts.
    pub role: Role,
    /// The person.
    pub person: PersonId,
}

/// The signatures that count, and what is still missing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Standing {
    /// In the envelope's order.
    pub signatures: Vec<CoSignature>,
    /// Roles with the number of people still missing; empty when the policy is met.
    pub missing: Vec<Need>,
}

/// Why a signature does not count. One such signature spoils the envelope.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum SignatureProblem {
    /// The directory does not know the key.
    #[error("key {0} is not enrolled: the log knows nobody by it")]
    UnknownKey(String),
    /// The key was revoked.
    #[error("key {key} of {person} was revoked at posting {at}")]
    Revoked {
        /// The key.
        key: Fingerprint,
        /// Whose it was.
        person: PersonId,
        /// The posting that revoked it.
        at: u64,
    },
    /// The signature is not over these bytes by that key.
    #[error("the signature by key {0} is not valid for this statement")]
    Invalid(Fingerprint),
    /// The statement does not name the key in that role.
    #[error("{person} is not among the signers that this statement names")]
    NotExpected {
        /// Who signed.
        person: PersonId,
    },
    /// The policy gives that role no part in this kind.
    #[error("a {} does not sign a {} statement", role.code(), kind.code())]
    RoleHasNoPart {
        /// The role.
        role: Role,
        /// The kind.
        kind: Kind,
    },
    /// Somebody of another village.
    #[error(
        "{person} is enrolled for village {of}, and this statement concerns village {concerns}"
    )]
    OtherVillage {
        /// Who signed.
        person: PersonId,
        /// Their village.
        of: VillageId,
        /// The statement's.
        concerns: VillageId,
    },
    /// A cadre whose own household has a share.
    #[error("{person} is recused: household {household} has a share in this watering")]
    Recused {
        /// Who signed.
        person: PersonId,
        /// Their household.
        household: HouseholdNo,
    },
    /// One person signed twice.
    #[error("{0} signed twice: each signature must come from a different person")]
    SamePersonTwice(PersonId),
    /// Signatures out of the fixed order.
    #[error(
        "signatures stand in the wrong order: root, station, cadre, supervisor, household; of a rotation the old key, then the new"
    )]
    OutOfOrder,
}

/// Signatures of one envelope that were checked ahead: for each in its place the key that was tried, and whether it
/// made the signature. What is not among them is checked when it is judged.
#[derive(Debug, Clone, Default)]
pub(crate) struct CheckedAhead(pub(crate) Vec<Option<(PublicKey, bool)>>);

impl CheckedAhead {
    fn verdict(&self, place: usize, key: &PublicKey) -> Option<bool> {
        let (tried, valid) = self.0.get(place)?.as_ref()?;
        (tried == key).then_some(*valid)
    }
}

impl Standing {
    /// Whether the policy is met.
    pub fn complete(&self) -> bool {
        self.missing.is_empty()
    }
}

/// Judges every signature of an envelope by the directory and policy in force.
///
/// `statement` must be what the envelope's payload says. Fails on the first signature that does
/// not count; otherwise tells what the policy still misses.
pub fn judge(
    directory: &Directory,
    policy: &Policy,
    envelope: &Envelope,
    statement: &Statement,
) -> Result<Standing, SignatureProblem> {
    judge_checked(directory, policy, envelope, statement, &CheckedAhead::default())
}

/// The same, without checking again what was checked ahead.
pub(crate) fn judge_checked(
    directory: &Directory,
    policy: &Policy,
    envelope: &Envelope,
    statement: &Statement,
    ahead: &CheckedAhead,
) -> Result<Standing, SignatureProblem> {
    let message = pae(&envelope.payload_type, &envelope.payload);
    if let Statement::Key(KeyAct { act: Act::Rotate { old, new, .. }, .. }) = statement {
        return judge_rotation(directory, &message, envelope, statement, (old, new));
    }
    let needs = needs_of(directory, policy, statement);
    let mut signatures: Vec<CoSignature> = Vec::with_capacity(envelope.signatures.len());
    for (place, signature) in envelope.signatures.iter().enumerate() {
        let made_by = |key: &PublicKey| {
            let checked = ahead.verdict(place, key);
            checked.unwrap_or_else(|| key.verify(&message, &signature.sig).is_ok())
        };
        let counted = judge_one(directory, needs, signature, statement, made_by)?;
        if signatures.iter().any(|earlier| earlier.person == counted.person) {
            return Err(SignatureProblem::SamePersonTwice(counted.person));
        }
        if signatures.last().is_some_and(|earlier| earlier.role > counted.role) {
            return Err(SignatureProblem::OutOfOrder);
        }
        signatures.push(counted);
    }
    let missing = needs
        .iter()
        .filter_map(|need| {
            let have = signatures.iter().filter(|counted| counted.role == need.role).count();
            let count = usize::from(need.count).checked_sub(have).filter(|&count| count > 0)?;
            u8::try_from(count).ok().map(|count| Need { role: need.role, count })
        })
        .collect();
    Ok(Standing { signatures, missing })
}

/// Who must sign a statement by a policy; a statement about somebody's key goes by the rule for their role.
///
/// A rotation goes by no rule: the owner of both keys signs it.
pub fn needs_of<'p>(
    directory: &Directory,
    policy: &'p Policy,
    statement: &Statement,
) -> &'p [Need] {
    let of = match statement {
        Statement::Key(body) => directory.role_of(&body.act),
        _ => None,
    };
    policy.needs(statement.kind(), of)
}

/// A rotation is signed by the old key, which the log knows, and by the new one, which shows that somebody has it.
fn judge_rotation(
    directory: &Directory,
    message: &[u8],
    envelope: &Envelope,
    statement: &Statement,
    (old, new): (&Fingerprint, &PublicKey),
) -> Result<Standing, SignatureProblem> {
    let owner = active(directory, *old)?;
    let keys = [(*old, &owner.key), (new.fingerprint(), new)];
    let (role, person) = (owner.role, &owner.person);
    let mut signatures = Vec::with_capacity(keys.len());
    for (place, signature) in envelope.signatures.iter().enumerate() {
        let (key, public) = *keys.get(place).ok_or(SignatureProblem::OutOfOrder)?;
        if signature.keyid != key.to_hex() {
            return Err(SignatureProblem::OutOfOrder);
        }
        if !statement.head().signers.contains(&ExpectedSigner { role, key }) {
            return Err(SignatureProblem::NotExpected { person: person.clone() });
        }
        public.verify(message, &signature.sig).map_err(|_| SignatureProblem::Invalid(key))?;
        signatures.push(CoSignature { key, role, person: person.clone() });
    }
    let count = u8::try_from(keys.len() - signatures.len()).unwrap_or(u8::MAX);
    let missing = if count == 0 { Vec::new() } else { vec![Need { role, count }] };
    Ok(Standing { signatures, missing })
}

/// Whose signature over this message it is: of a key that is enrolled, not revoked, and really signed.
pub fn signer_of<'d>(
    directory: &'d Directory,
    message: &[u8],
    signature: &EnvelopeSignature,
) -> Result<&'d Enrolment, SignatureProblem> {
    let (key, enrolment) = enrolled(directory, signature)?;
    match enrolment.key.verify(message, &signature.sig) {
        Ok(()) => Ok(enrolment),
        Err(_) => Err(SignatureProblem::Invalid(key)),
    }
}

/// Whose key a signature names. The keyid only finds the entry; what counts is the key that the log enrolled under it.
fn enrolled<'d>(
    directory: &'d Directory,
    signature: &EnvelopeSignature,
) -> Result<(Fingerprint, &'d Enrolment), SignatureProblem> {
    let unknown = || SignatureProblem::UnknownKey(signature.keyid.chars().take(64).collect());
    let key = Fingerprint::from_hex(&signature.keyid).map_err(|_| unknown())?;
    Ok((key, active(directory, key)?))
}

/// The enrolment of a key that may sign now.
fn active(directory: &Directory, key: Fingerprint) -> Result<&Enrolment, SignatureProblem> {
    let known = directory.get(&key);
    let Enrolled { enrolment, revoked_at, .. } =
        known.ok_or_else(|| SignatureProblem::UnknownKey(key.to_hex()))?;
    match *revoked_at {
        None => Ok(enrolment),
        Some(at) => Err(SignatureProblem::Revoked { key, person: enrolment.person.clone(), at }),
    }
}

fn judge_one(
    directory: &Directory,
    needs: &[Need],
    signature: &EnvelopeSignature,
    statement: &Statement,
    made_by: impl Fn(&PublicKey) -> bool,
) -> Result<CoSignature, SignatureProblem> {
    let (key, enrolment) = enrolled(directory, signature)?;
    let person = enrolment.person.clone();
    let role = enrolment.role;
    if !needs.iter().any(|need| need.role == role) {
        return Err(SignatureProblem::RoleHasNoPart { role, kind: statement.kind() });
    }
    if let (Some(of), Some(concerns)) = (&enrolment.village, statement.village())
        && of != concerns
    {
        return Err(SignatureProblem::OtherVillage {
            person,
            of: of.clone(),
            concerns: concerns.clone(),
        });
    }
    if let Some(household) = &enrolment.household
        && statement.sharing_households().any(|sharing| sharing == household)
    {
        return Err(SignatureProblem::Recused { person, household: household.clone() });
    }
    if !statement.head().signers.contains(&ExpectedSigner { role, key }) {
        return Err(SignatureProblem::NotExpected { person });
    }
    if made_by(&enrolment.key) {
        Ok(CoSignature { key, role, person })
    } else {
        Err(SignatureProblem::Invalid(key))
    }
}
