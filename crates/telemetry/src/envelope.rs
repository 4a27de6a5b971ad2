//! The signature around a report: `COSE_Sign1` (RFC 9052 §4.2).

use alloc::vec::Vec;

use ed25519_dalek::{SIGNATURE_LENGTH, Signature, Signer, SigningKey, VerifyingKey};

use crate::cbor::{Keys, Reader, Writer};
use crate::error::{DecodeError, EncodeError, Part, VerifyError};
use crate::{ChainHash, MAX_REPORT_BYTES, MeterId, Report, payload};

/// The content type in the protected header (RFC 9052 §3.1, label 3).
pub const CONTENT_TYPE: &str = "application/vnd.mingqu.report.v1+cbor";

/// The CBOR tag of `COSE_Sign1` (RFC 9052 §2).
const COSE_SIGN1: u64 = 18;
/// `EdDSA` in the COSE algorithms registry (RFC 9053 §2.2).
const EDDSA: i64 = -8;

const ALG: i64 = 1;
const CONTENT: i64 = 3;
const KID: i64 = 4;
const HEADER_KEYS: [i64; 3] = [ALG, CONTENT, KID];

/// A bound from above for what the envelope adds to header and payload.
const ENVELOPE_BYTES: usize = 96;

/// Encodes and signs a report; the same report and key always give the same bytes (RFC 8032 is deterministic).
pub fn sign(report: &Report, key: &SigningKey) -> Result<Vec<u8>, EncodeError> {
    let header = header(&report.meter);
    let payload = payload::encode(report)?;
    let signature = key.sign(&signature_input(&header, &payload));
    let mut message = Writer::with_capacity(header.len() + payload.len() + ENVELOPE_BYTES);
    message
        .tag(COSE_SIGN1)
        .array(4)
        .bytes(&header)
        .map(0)
        .bytes(&payload)
        .bytes(&signature.to_bytes());
    let message = message.into_bytes();
    if message.len() > MAX_REPORT_BYTES {
        return Err(EncodeError::TooLong { len_bytes: message.len() });
    }
    Ok(message)
}

/// Reads a report's bytes and checks everything about them but the signature.
pub fn decode(bytes: &[u8]) -> Result<SignedReport<'_>, DecodeError> {
    if bytes.len() > MAX_REPORT_BYTES {
        return Err(DecodeError::TooLong { len_bytes: bytes.len() });
    }
    let mut reader = Reader::new(bytes);
    if reader.tag()? != Some(COSE_SIGN1) {
        return Err(DecodeError::NotTag18);
    }
    match reader.array()? {
        4 => {}
        len => return Err(DecodeError::WrongArrayLength { len }),
    }
    let header = reader.bytes()?;
    if reader.map()? != 0 {
        return Err(DecodeError::UnprotectedHeader);
    }
    let payload = reader.bytes()?;
    let signature = reader.bytes()?;
    reader.finish()?;
    let signature: &[u8; SIGNATURE_LENGTH] = signature
        .try_into()
        .map_err(|_| DecodeError::SignatureLength { len_bytes: signature.len() })?;
    let kid = decode_header(header)?;
    let report = payload::decode(payload)?;
    if kid != report.meter.as_str().as_bytes() {
        return Err(DecodeError::KeyIdMismatch);
    }
    let signature = Signature::from_bytes(signature);
    Ok(SignedReport { bytes, header, payload, signature, report })
}

/// A report that is well formed and says who signed it, which is not yet believed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SignedReport<'b> {
    bytes: &'b [u8],
    header: &'b [u8],
    payload: &'b [u8],
    signature: Signature,
    report: Report,
}

impl SignedReport<'_> {
    /// The meter that the report claims to come from: whose key is to be tried.
    pub fn meter(&self) -> &MeterId {
        &self.report.meter
    }

    /// The report, not yet believed.
    pub fn report(&self) -> &Report {
        &self.report
    }

    /// The report without its signature, for a caller that has verified [`Self::signature`] over
    /// [`Self::signature_input`] together with others.
    pub fn into_report(self) -> Report {
        self.report
    }

    /// The signature; see [`Self::signature_input`] for what it is over.
    pub fn signature(&self) -> &Signature {
        &self.signature
    }

    /// The bytes that were signed.
    pub fn signature_input(&self) -> Vec<u8> {
        signature_input(self.header, self.payload)
    }

    /// The link that the meter's next report must carry.
    pub fn chain_hash(&self) -> ChainHash {
        ChainHash::of(self.bytes)
    }

    /// Yields the report if `key` signed it.
    ///
    /// Strict verification (RFC 8032 §5.1.7 without the cofactor, canonical encodings, no small-order points): what
    /// passes here passes for every strict verifier, so it can serve as evidence.
    pub fn verify(&self, key: &VerifyingKey) -> Result<Report, VerifyError> {
        if key.is_weak() {
            return Err(VerifyError::WeakKey);
        }
        key.verify_strict(&self.signature_input(), &self.signature)
            .map_err(|_| VerifyError::BadSignature)?;
        Ok(self.report.clone())
    }
}

/// The bytes under the signature: `Sig_structure` of RFC 9052 §4.4, built here and nowhere else.
///
/// ```text
/// 84                              array of 4
///   6a 5369676e617475726531       "Signature1"
///   58 nn …                       protected header, as a byte string
///   40                            external_aad: the empty byte string
///   58 nn … | 59 nnnn …           the report's map, as a byte string
/// ```
fn signature_input(header: &[u8], payload: &[u8]) -> Vec<u8> {
    let mut input = Writer::with_capacity(header.len() + payload.len() + ENVELOPE_BYTES);
    input.array(4).text("Signature1").bytes(header).bytes(&[]).bytes(payload);
    input.into_bytes()
}

fn header(meter: &MeterId) -> Vec<u8> {
    let mut map = Writer::with_capacity(ENVELOPE_BYTES);
    map.map(3)
        .int(ALG)
        .int(EDDSA)
        .int(CONTENT)
        .text(CONTENT_TYPE)
        .int(KID)
        .bytes(meter.as_str().as_bytes());
    map.into_bytes()
}

/// Checks the protected header and yields the key id.
fn decode_header(bytes: &[u8]) -> Result<&[u8], DecodeError> {
    let mut reader = Reader::new(bytes);
    let mut keys = Keys::new(&mut reader, Part::Header, &HEADER_KEYS)?;
    keys.take(&mut reader, ALG)?;
    match reader.int()? {
        EDDSA => {}
        alg => return Err(DecodeError::WrongAlgorithm { alg }),
    }
    keys.take(&mut reader, CONTENT)?;
    if reader.text()? != CONTENT_TYPE {
        return Err(DecodeError::WrongContentType);
    }
    keys.take(&mut reader, KID)?;
    let kid = reader.bytes()?;
    keys.finish(&mut reader)?;
    reader.finish()?;
    Ok(kid)
}
