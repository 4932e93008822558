//! Builds a table from a list of passwords, or from a list of their hashes. The list can be far larger than the
//! machine's memory.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::fs::File;
use std::io::{self, BufRead, BufReader, BufWriter, Read, Seek, SeekFrom, Write};
use std::path::Path;

use super::{HEADER, MAGIC, MAX_PREFIX, PasswordTable, PasswordTableError, open_trusted, prefix_of};
use crate::passwords::TypedPassword;

/// How many hash prefixes are sorted in memory at once. They take up 64 MiB.
const RUN: usize = 8 * 1024 * 1024;

/// A line of a list must be shorter than this many bytes, including the line break.
const MAX_LINE: usize = 64 * 1024;

/// The first bytes of files in the formats of gzip, bzip2, xz, zstd, zip and 7-Zip. Without this check, some lines of a
/// compressed file would be read as passwords, because they happen to be valid UTF-8.
const COMPRESSED: [&[u8]; 6] =
    [b"\x1f\x8b", b"BZh91AY&SY", b"\xfd7zXZ\0", b"\x28\xb5\x2f\xfd", b"PK\x03\x04", b"7z\xbc\xaf\x27\x1c"];

/// How many hexadecimal digits a SHA-1 hash has.
const SHA1_DIGITS: usize = 40;

/// The result of [`PasswordTable::build`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct TableSummary {
    /// How many passwords the table contains.
    pub passwords: u64,
    /// How many lines of the list were left out because they are not UTF-8 or are longer than 1024 bytes. The password
    /// rules already reject such passwords.
    pub left_out: u64,
    /// The size of the table in bytes.
    pub bytes: u64,
}

impl PasswordTable {
    /// Builds a table from a downloaded list, and writes it to a new file. The list must either contain one plain
    /// password per line, or be Have I Been Pwned's list of SHA-1 hashes, with one `SHA1:COUNT` per line.
    ///
    /// Uses 64 MiB of memory, and writes temporary files to the table's folder. The temporary files take up as much
    /// space as the table itself.
    ///
    /// # Errors
    /// Returns an error if the list cannot be read, is not a regular file, or can be changed by another user. Also
    /// returns an error if the list is compressed or contains no passwords, or if a line is not in the expected format.
    /// Finally, returns an error if the table already exists or cannot be written.
    pub fn build(list: impl AsRef<Path>, table: impl AsRef<Path>) -> Result<TableSummary, PasswordTableError> {
        Self::build_in_runs(list.as_ref(), table.as_ref(), RUN)
    }

    pub(super) fn build_in_runs(list: &Path, table: &Path, run: usize) -> Result<TableSummary, PasswordTableError> {
        let unwritable = |source| PasswordTableError::Io { path: table.to_owned(), action: "written", source };
        if table.exists() {
            return Err(PasswordTableError::Exists { path: table.to_owned() });
        }
        let folder = table.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
        let file = tempfile::Builder::new().prefix(".new-").tempfile_in(folder).map_err(unwritable)?;

        let mut runs = Runs { folder, limit: run, current: Vec::new(), written: Vec::new() };
        let left_out = List::open(list)?.read(|prefix| runs.push(prefix).map_err(unwritable))?;
        let passwords = runs.merge(file.as_file()).map_err(unwritable)?;
        if passwords == 0 {
            return Err(PasswordTableError::NoPasswords { path: list.to_owned(), left_out });
        }
        file.as_file().sync_all().map_err(unwritable)?;
        match file.persist_noclobber(table) {
            Ok(_) => Ok(TableSummary { passwords, left_out, bytes: (HEADER + MAX_PREFIX * passwords as usize) as u64 }),
            Err(refused) if refused.error.kind() == io::ErrorKind::AlreadyExists => {
                Err(PasswordTableError::Exists { path: table.to_owned() })
            }
            Err(refused) => Err(unwritable(refused.error)),
        }
    }
}

/// A list of passwords or hashes.
struct List<'a> {
    path: &'a Path,
    file: BufReader<File>,
}

/// What each line of a list contains.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Lines {
    Passwords,
    Hashes,
}

impl<'a> List<'a> {
    fn open(path: &'a Path) -> Result<Self, PasswordTableError> {
        open_trusted(path).map(|file| Self { path, file: BufReader::new(file) })
    }

    /// Passes the hash prefix of each password to `push`, and returns how many lines were left out.
    fn read(mut self, mut push: impl FnMut(u64) -> Result<(), PasswordTableError>) -> Result<u64, PasswordTableError> {
        let path = self.path;
        let (mut kind, mut line, mut number, mut left_out) = (None, Vec::new(), 0, 0);
        let bad_line = |line, why| PasswordTableError::BadLine { path: path.to_owned(), line, why };
        loop {
            line.clear();
            let read = self.file.by_ref().take(MAX_LINE as u64).read_until(b'\n', &mut line);
            let read =
                read.map_err(|source| PasswordTableError::Io { path: path.to_owned(), action: "read", source })?;
            if read == 0 {
                return Ok(left_out);
            }
            number += 1;
            if read == MAX_LINE {
                return Err(bad_line(number, "is longer than 64 KiB; expected one password or hash per line"));
            }
            let mut text = line.strip_suffix(b"\n").unwrap_or(&line);
            text = text.strip_suffix(b"\r").unwrap_or(text);
            if number == 1 {
                if COMPRESSED.iter().any(|magic| text.starts_with(magic)) {
                    return Err(bad_line(number, "begins like a compressed file; decompress the list first"));
                }
                text = text.strip_prefix(b"\xef\xbb\xbf").unwrap_or(text);
            }
            if text.is_empty() {
                continue;
            }
            let kind = match kind {
                Some(kind) => kind,
                None => *kind.insert(kind_of(text).map_err(|why| bad_line(number, why))?),
            };
            match kind {
                Lines::Hashes => match parse_hash(text) {
                    Some(prefix) => push(prefix)?,
                    None => return Err(bad_line(number, "is not SHA1:COUNT like the previous lines")),
                },
                Lines::Passwords => {
                    match std::str::from_utf8(text).ok().map(|text| TypedPassword::new(text.to_owned())) {
                        Some(Ok(password)) => push(prefix_of(password.normalized().as_bytes()))?,
                        Some(Err(_)) | None => left_out += 1,
                    }
                }
            }
        }
    }
}

/// Returns whether the lines of a list are passwords or hashes, judging by the first line that is not empty. If this
/// line is an unsupported hash, the error says what to download instead.
fn kind_of(line: &[u8]) -> Result<Lines, &'static str> {
    let mut parts = line.splitn(2, |byte| *byte == b':');
    let (Some(hash), Some(count)) = (parts.next(), parts.next()) else { return Ok(Lines::Passwords) };
    let counted = !count.is_empty() && count.iter().all(u8::is_ascii_digit);
    if !counted || !hash.iter().all(u8::is_ascii_hexdigit) {
        return Ok(Lines::Passwords);
    }
    match hash.len() {
        SHA1_DIGITS => Ok(Lines::Hashes),
        32 => Err("is an NTLM hash; download the list of SHA-1 hashes instead"),
        35 => Err("lacks the first five digits of a SHA-1 hash; download the list as a single file instead"),
        _ => Ok(Lines::Passwords),
    }
}

/// Parses the first eight bytes of the hash in `SHA1:COUNT`.
fn parse_hash(line: &[u8]) -> Option<u64> {
    let text = std::str::from_utf8(line).ok()?;
    let (hash, count) = text.split_once(':')?;
    let valid = hash.len() == SHA1_DIGITS && hash.bytes().all(|byte| byte.is_ascii_hexdigit());
    let counted = !count.is_empty() && count.bytes().all(|byte| byte.is_ascii_digit());
    (valid && counted).then(|| u64::from_str_radix(hash.get(..2 * MAX_PREFIX)?, 16).ok())?
}

/// Hash prefixes in sorted runs. Each complete run is in an unnamed temporary file, which disappears when the process
/// ends.
struct Runs<'a> {
    folder: &'a Path,
    limit: usize,
    current: Vec<u64>,
    written: Vec<BufReader<File>>,
}

impl Runs<'_> {
    fn push(&mut self, prefix: u64) -> io::Result<()> {
        if self.current.len() == self.limit {
            self.write()?;
        }
        self.current.push(prefix);
        Ok(())
    }

    fn sort(&mut self) {
        self.current.sort_unstable();
        self.current.dedup();
    }

    fn write(&mut self) -> io::Result<()> {
        self.sort();
        let mut out = BufWriter::new(tempfile::tempfile_in(self.folder)?);
        for prefix in self.current.drain(..) {
            out.write_all(&prefix.to_be_bytes())?;
        }
        let mut file = out.into_inner()?;
        file.seek(SeekFrom::Start(0))?;
        self.written.push(BufReader::new(file));
        Ok(())
    }

    /// Writes the table, and returns how many prefixes it has.
    fn merge(mut self, table: &File) -> io::Result<u64> {
        self.sort();
        let mut current = std::mem::take(&mut self.current).into_iter();
        let mut heads = BinaryHeap::new();
        let last = self.written.len();
        let mut next = |run: usize, written: &mut [BufReader<File>]| match written.get_mut(run) {
            Some(run) => next_prefix(run),
            None => Ok(current.next()),
        };
        for run in 0..=last {
            heads.extend(next(run, &mut self.written)?.map(|prefix| Reverse((prefix, run))));
        }
        let mut out = BufWriter::new(table);
        out.write_all(&[0; HEADER])?;
        let (mut count, mut previous) = (0_u64, None);
        while let Some(Reverse((prefix, run))) = heads.pop() {
            if previous.replace(prefix) != Some(prefix) {
                out.write_all(&prefix.to_be_bytes())?;
                count += 1;
            }
            heads.extend(next(run, &mut self.written)?.map(|prefix| Reverse((prefix, run))));
        }
        out.seek(SeekFrom::Start(0))?;
        out.write_all(&MAGIC)?;
        out.write_all(&[MAX_PREFIX as u8])?;
        out.write_all(&count.to_be_bytes())?;
        out.flush()?;
        Ok(count)
    }
}

fn next_prefix(run: &mut BufReader<File>) -> io::Result<Option<u64>> {
    if run.fill_buf()?.is_empty() {
        return Ok(None);
    }
    let mut prefix = [0; MAX_PREFIX];
    run.read_exact(&mut prefix)?;
    Ok(Some(u64::from_be_bytes(prefix)))
}
