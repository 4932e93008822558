//! A table of passwords that users are not allowed to choose. It consists of the sorted prefixes of the passwords'
//! SHA-1 hashes. A password is looked up by binary search.
//!
//! A table begins with a 16-byte header: `HTPASS`, the version number 1, the length of a prefix in bytes (at most 8),
//! and the number of prefixes as a big-endian integer. The prefixes follow in ascending order, without duplicates. The
//! hashes are SHA-1 because published lists of breached passwords contain SHA-1 hashes. Collisions in SHA-1 do no harm
//! here.

mod build;
mod error;
mod line;
mod list;
mod table_file;

use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::LazyLock;

use hardtack::files::{check_trusted, check_trusted_folder, open_regular};
use sha1::{Digest, Sha1};

pub use build::TableSummary;
pub use error::PasswordTableError;
use table_file::TableFile;

/// The bytes that every table begins with: `HTPASS` and the version number.
const MAGIC: [u8; 7] = *b"HTPASS\x01";

/// The length of the header in bytes.
const HEADER: usize = 16;

/// The maximum length of a prefix, in bytes.
const MAX_PREFIX: usize = 8;

/// The common passwords that this crate contains, made by `scripts/common-passwords`.
const COMMON: &[u8] = include_bytes!("../../../data/common-passwords.bin");

/// A table of passwords that users are not allowed to choose, such as passwords from a breach. The file is not loaded
/// into memory. In a large file, each look-up reads about 30 records.
///
/// To make a table, use `hardtack passwords build FILE` or [`PasswordTable::build`]. To use the table, pass it to
/// [`PasswordRules::table`](crate::PasswordRules::table). A table stores only 8 bytes of each password's hash, so it
/// also rejects a few passwords that it does not contain. With a billion passwords in the table, this happens to about
/// one password in 18 billion.
#[derive(Debug)]
pub struct PasswordTable {
    source: Source,
    /// The length of a prefix in bytes.
    prefix: usize,
    /// The number of passwords in the table.
    len: u64,
}

#[derive(Debug)]
enum Source {
    Memory(&'static [u8]),
    File(TableFile),
}

impl PasswordTable {
    /// Opens a table. If the file is replaced later, this value still reads the old file. To use the new file, call
    /// `open` again. If the file itself changes instead, passwords can no longer be checked until the table is opened
    /// again.
    ///
    /// # Errors
    /// Returns an error if the file cannot be read, is not a regular file, or is not a table. Also returns an error if
    /// another user can change the file or its folder.
    pub fn open(path: impl AsRef<Path>) -> Result<Self, PasswordTableError> {
        let path = path.as_ref();
        let unreadable = |source| PasswordTableError::Io { path: path.to_owned(), action: "read", source };
        let file = open_trusted(path)?;
        let file = TableFile::new(path, file).map_err(unreadable)?;
        let len = file.len();
        Self::read(Source::File(file), len)
            .map_err(unreadable)?
            .map_err(|why| PasswordTableError::NotATable { path: path.to_owned(), why })
    }

    /// Returns the table of common passwords. They have eight characters or more, and are in lower case.
    pub(super) fn common() -> Result<&'static Self, &'static str> {
        static COMMON_PASSWORDS: LazyLock<Result<PasswordTable, &'static str>> = LazyLock::new(|| {
            PasswordTable::read(Source::Memory(COMMON), COMMON.len() as u64).unwrap_or(Err("cannot be read"))
        });
        COMMON_PASSWORDS.as_ref().map_err(|why| *why)
    }

    fn read(source: Source, size: u64) -> io::Result<Result<Self, &'static str>> {
        let mut header = [0; HEADER];
        if size < HEADER as u64 {
            return Ok(Err("is not a table of passwords"));
        }
        source.read_at(&mut header, 0)?;
        let [magic @ .., prefix, _, _, _, _, _, _, _, _] = header;
        let len = u64::from_be_bytes(*header.last_chunk().unwrap_or(&[0; 8]));
        let prefix = usize::from(prefix);
        if magic != MAGIC || !(1..=MAX_PREFIX).contains(&prefix) {
            return Ok(Err("is not a table of passwords"));
        }
        if len.checked_mul(prefix as u64).and_then(|bytes| bytes.checked_add(HEADER as u64)) != Some(size) {
            return Ok(Err("is not a complete table of passwords"));
        }
        if len == 0 {
            return Ok(Err("is a table without passwords"));
        }
        Ok(Ok(Self { source, prefix, len }))
    }

    /// Returns the number of passwords in the table.
    pub const fn len(&self) -> u64 {
        self.len
    }

    /// Returns whether the table contains no passwords.
    pub const fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Returns whether the table contains exactly this password.
    ///
    /// # Errors
    /// Returns [`PasswordTableError::Damaged`] if the file cannot be read, or has changed since it was opened.
    pub(super) fn contains(&self, password: &str) -> Result<bool, PasswordTableError> {
        let found = self.find(password);
        if let Source::File(file) = &self.source {
            // In a file that has changed, a password that the table contained may be missing.
            let found = found.map_err(|error| file.damaged("cannot be read", Some(error)));
            return file.check_unchanged().and(found);
        }
        // The built-in table is in memory, so reading it cannot fail.
        Ok(found.unwrap_or(false))
    }

    fn find(&self, password: &str) -> io::Result<bool> {
        let hash = prefix_of(password.as_bytes()).to_be_bytes();
        let wanted = &hash[..self.prefix];
        let (mut low, mut high) = (0, self.len);
        let mut found = [0; MAX_PREFIX];
        while low < high {
            let middle = low + (high - low) / 2;
            let record = &mut found[..self.prefix];
            self.source.read_at(record, HEADER as u64 + middle * self.prefix as u64)?;
            match (*record).cmp(wanted) {
                std::cmp::Ordering::Equal => return Ok(true),
                std::cmp::Ordering::Less => low = middle + 1,
                std::cmp::Ordering::Greater => high = middle,
            }
        }
        Ok(false)
    }
}

/// Opens a regular file that no other user can change or replace. Does not block.
fn open_trusted(path: &Path) -> Result<File, PasswordTableError> {
    let unreadable = |source| PasswordTableError::Io { path: path.to_owned(), action: "read", source };
    let file = open_regular(path).map_err(unreadable)?;
    check_trusted(path, &file.metadata().map_err(unreadable)?)?;
    for link in links_to(path) {
        check_trusted_folder(link.parent().unwrap_or(&link))?;
    }
    Ok(file)
}

/// Returns the path and, if it is a symbolic link, each path that the chain of links leads to. The last path is the
/// file itself.
fn links_to(path: &Path) -> impl Iterator<Item = PathBuf> {
    /// To resolve a path, Linux follows at most 40 symbolic links (`path_resolution(7)`).
    const MAX_LINKS: usize = 40;

    let target = |link: &PathBuf| Some(link.parent()?.join(link.read_link().ok()?));
    std::iter::successors(Some(path.to_owned()), target).take(MAX_LINKS + 1)
}

impl Source {
    /// Fills `buffer` with the bytes that start at `offset`.
    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<()> {
        match self {
            Self::Memory(bytes) => {
                let record = usize::try_from(offset).ok().and_then(|at| bytes.get(at..)?.get(..buffer.len()));
                buffer.copy_from_slice(record.ok_or(io::ErrorKind::UnexpectedEof)?);
                Ok(())
            }
            Self::File(table) => table.read_at(buffer, offset),
        }
    }
}

/// Returns the first eight bytes of a password's SHA-1 hash, as a big-endian integer.
fn prefix_of(password: &[u8]) -> u64 {
    let hash: [u8; 20] = Sha1::digest(password).into();
    u64::from_be_bytes(*hash.first_chunk().unwrap_or(&[0; 8]))
}

#[cfg(test)]
mod tests;
