//! An archive file: a gzip-compressed CBOR sequence (RFC 8742), a report an item.
//!
//! `docs/storage.md` describes it to the byte.

use std::fs::File;
use std::io::{self, BufWriter, Read, Write};
use std::path::{Path, PathBuf};

use anyhow::{Context, bail};
use disclosure::merkle::Hash;
use domain::{MeterCode, Timestamp};
use flate2::Compression;
use flate2::read::GzDecoder;
use flate2::write::GzEncoder;
use minicbor::decode::{Decoder, Error as DecodeError};
use minicbor::encode::Encoder;
use sha2::{Digest, Sha256};
use store::{ArchivedReport, Stream, StreamId};

/// The longest item that is read: an envelope of readings by hand and what stands beside it.
const MAX_ITEM_BYTES: usize = 1024 * 1024;
/// Bytes taken from a file at once.
const READ_BYTES: usize = 64 * 1024;
/// Fields of an item.
const FIELDS: u64 = 7;

/// What a whole file is known by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Sealed {
    /// Its length.
    pub bytes: u64,
    /// SHA-256 of it.
    pub sha256: Hash,
}

/// A file that is being written.
pub struct Writer<W: Write>(GzEncoder<Counted<W>>);

impl<W: Write> Writer<W> {
    /// Begins a file.
    pub fn new(into: W) -> Self {
        let counted = Counted { into, bytes: 0, sha256: Sha256::new() };
        Self(GzEncoder::new(counted, Compression::default()))
    }

    /// Writes one report.
    pub fn push(&mut self, stream: &StreamId, report: &ArchivedReport) -> anyhow::Result<()> {
        let mut item = Encoder::new(Vec::with_capacity(report.bytes.len() + 96));
        item.array(FIELDS)?
            .str(stream.meter.as_str())?
            .str(stream.stream.code())?
            .u64(report.seq)?
            .i64(report.first_at.millis())?
            .i64(report.last_at.millis())?
            .i64(report.received_at.millis())?
            .bytes(&report.bytes)?;
        Ok(self.0.write_all(item.writer())?)
    }

    /// Ends the file; what was written to is handed back.
    pub fn finish(self) -> io::Result<(W, Sealed)> {
        let counted = self.0.finish()?;
        let sha256 = Hash(counted.sha256.finalize().into());
        Ok((counted.into, Sealed { bytes: counted.bytes, sha256 }))
    }
}

/// A file on disk that has no name yet.
pub struct NewFile {
    path: PathBuf,
    writer: Writer<BufWriter<File>>,
}

impl NewFile {
    /// Begins a file beside its later name; one that an earlier run left there is overwritten.
    pub fn create(path: PathBuf) -> anyhow::Result<Self> {
        let file = File::create(beside(&path))
            .with_context(|| format!("cannot write {}", path.display()))?;
        Ok(Self { path, writer: Writer::new(BufWriter::new(file)) })
    }

    /// Writes one report.
    pub fn push(&mut self, stream: &StreamId, report: &ArchivedReport) -> anyhow::Result<()> {
        let path = self.path.display();
        self.writer.push(stream, report).with_context(|| format!("cannot write {path}"))
    }

    /// Ends the file: when this returns, all of it is on disk under its name.
    pub fn seal(self) -> anyhow::Result<Sealed> {
        let told = || format!("cannot write {}", self.path.display());
        let (buffered, sealed) = self.writer.finish().with_context(told)?;
        let file = buffered.into_inner().map_err(io::IntoInnerError::into_error);
        file.and_then(|file| file.sync_all()).with_context(told)?;
        name(&self.path).with_context(told)?;
        Ok(sealed)
    }
}

/// What a file is known by.
pub fn seal_of(file: File) -> io::Result<Sealed> {
    let mut counted = Counted { into: io::sink(), bytes: 0, sha256: Sha256::new() };
    io::copy(&mut io::BufReader::new(file), &mut counted)?;
    Ok(Sealed { bytes: counted.bytes, sha256: Hash(counted.sha256.finalize().into()) })
}

/// Where a file stands until it is whole.
pub fn beside(path: &Path) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(".new");
    name.into()
}

/// Gives a file that is on disk its name, durably.
pub fn name(path: &Path) -> io::Result<()> {
    std::fs::rename(beside(path), path)?;
    path.parent().map_or(Ok(()), sync_folder)
}

/// Makes the names in a folder durable.
pub fn sync_folder(folder: &Path) -> io::Result<()> {
    File::open(folder)?.sync_all()
}

/// The reports of a file, in its order.
pub struct Reader<R: Read> {
    from: GzDecoder<R>,
    gathered: Vec<u8>,
    /// How much of `gathered` was read as items.
    used: usize,
    ended: bool,
}

impl<R: Read> Reader<R> {
    /// Reads a file from its beginning.
    pub fn new(from: R) -> Self {
        Self { from: GzDecoder::new(from), gathered: Vec::new(), used: 0, ended: false }
    }

    /// The next report; none at the end.
    pub fn next(&mut self) -> anyhow::Result<Option<(StreamId, ArchivedReport)>> {
        loop {
            let left = self.gathered.get(self.used..).unwrap_or_default();
            if !left.is_empty() {
                let mut decoder = Decoder::new(left);
                match item(&mut decoder) {
                    Ok(read) => {
                        self.used += decoder.position();
                        return Ok(Some(read?));
                    }
                    Err(error) if error.is_end_of_input() && !self.ended => {}
                    Err(error) => {
                        return Err(error).context("the file is not an archive of reports");
                    }
                }
            } else if self.ended {
                return Ok(None);
            }
            self.gather()?;
        }
    }

    fn gather(&mut self) -> anyhow::Result<()> {
        self.gathered.drain(..self.used);
        self.used = 0;
        if self.gathered.len() > MAX_ITEM_BYTES {
            bail!(
                "the file is not an archive of reports: an item has more than {MAX_ITEM_BYTES} bytes"
            );
        }
        let more = u64::try_from(READ_BYTES)?;
        let read = self.from.by_ref().take(more).read_to_end(&mut self.gathered)?;
        self.ended = read == 0;
        Ok(())
    }
}

/// One item's values, which may yet be out of range.
fn item(
    decoder: &mut Decoder<'_>,
) -> Result<anyhow::Result<(StreamId, ArchivedReport)>, DecodeError> {
    if decoder.array()? != Some(FIELDS) {
        return Err(DecodeError::message("an item has seven fields"));
    }
    let (meter, stream) = (decoder.str()?, decoder.str()?);
    let (seq, first_at, last_at, received_at) =
        (decoder.u64()?, decoder.i64()?, decoder.i64()?, decoder.i64()?);
    let bytes = decoder.bytes()?.to_vec();
    let parse = || {
        let stream_id = StreamId {
            meter: MeterCode::new(meter)?,
            stream: Stream::from_code(stream)
                .with_context(|| format!("stream {stream:?} is not known"))?,
        };
        let report = ArchivedReport {
            seq,
            first_at: Timestamp::from_millis(first_at)?,
            last_at: Timestamp::from_millis(last_at)?,
            received_at: Timestamp::from_millis(received_at)?,
            bytes,
        };
        Ok((stream_id, report))
    };
    Ok(parse())
}

/// Hashes and counts what goes through.
struct Counted<W> {
    into: W,
    bytes: u64,
    sha256: Sha256,
}

impl<W: Write> Write for Counted<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.into.write(bytes)?;
        self.sha256.update(bytes.get(..written).unwrap_or_default());
        self.bytes += u64::try_from(written).unwrap_or_default();
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.into.flush()
    }
}
