//! A folder as the source of an audit.

use std::path::{Path, PathBuf};

use audit::{MAX_FILE_BYTES, Source, SourceError};

/// An exported log on disk.
pub struct Folder(pub PathBuf);

impl Source for Folder {
    fn read(&self, path: &str) -> Result<Option<Vec<u8>>, SourceError> {
        let file = self.0.join(path);
        match std::fs::metadata(&file) {
            Ok(meta) if meta.len() > MAX_FILE_BYTES => Err(SourceError {
                reason: format!("it has {} bytes; at most {MAX_FILE_BYTES} are read", meta.len()),
            }),
            Ok(meta) if meta.is_file() => std::fs::read(&file).map(Some).map_err(failed),
            Ok(_) => Ok(None),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(failed(error)),
        }
    }

    fn each(&self, show: &mut dyn FnMut(&str)) -> Result<(), SourceError> {
        walk(&self.0, "", show).map_err(failed)
    }
}

#[expect(clippy::needless_pass_by_value, reason = "the form that map_err hands it in")]
fn failed(error: std::io::Error) -> SourceError {
    SourceError { reason: error.to_string() }
}

fn walk(folder: &Path, prefix: &str, show: &mut dyn FnMut(&str)) -> std::io::Result<()> {
    for entry in std::fs::read_dir(folder)? {
        let entry = entry?;
        // What a desktop leaves behind on a USB stick is no part of a log copy.
        if entry.file_name().as_encoded_bytes().starts_with(b".") {
            continue;
        }
        let name = format!("{prefix}{}", entry.file_name().to_string_lossy());
        if entry.file_type()?.is_dir() {
            walk(&entry.path(), &format!("{name}/"), show)?;
        } else {
            show(&name);
        }
    }
    Ok(())
}
