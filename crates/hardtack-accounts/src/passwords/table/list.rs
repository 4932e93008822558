//! Reads a list of passwords or of their SHA-1 hashes.
//!
//! The first line that is not empty decides what the list contains. If this line is a SHA-1 hash, all lines must be. A
//! list with other hashes is refused, because a table of the hashes' own text would match no password.

use std::fs::File;
use std::io::{BufRead, BufReader, Read};
use std::path::Path;

use super::line::Line;
use super::{PasswordTableError, open_trusted, prefix_of};
use crate::passwords::TypedPassword;

/// A line of a list must be shorter than this many bytes, including the line break.
const MAX_LINE: usize = 64 * 1024;

/// The first bytes of files in the formats of gzip, bzip2, xz, zstd, zip and 7-Zip. Without this check, some lines of a
/// compressed file would be read as passwords, because they happen to be valid UTF-8.
const COMPRESSED: [&[u8]; 6] =
    [b"\x1f\x8b", b"BZh91AY&SY", b"\xfd7zXZ\0", b"\x28\xb5\x2f\xfd", b"PK\x03\x04", b"7z\xbc\xaf\x27\x1c"];

/// The first bytes of UTF-16 text (and of UTF-32 text).
const UTF_16: [&[u8]; 2] = [b"\xff\xfe", b"\xfe\xff"];

const IS_UTF_16: &str = "is UTF-16 text; convert the list to UTF-8 first, with: iconv -f UTF-16 -t UTF-8 LIST > NEW";

/// A list of passwords or hashes.
pub(super) struct List<'a> {
    path: &'a Path,
    file: BufReader<File>,
}

/// What each line of a list contains.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Lines {
    Passwords,
    Hashes,
}

/// The lines in a list of passwords that look like hashes. A few people use such text as their password, so a list is
/// refused only if more than half of its lines look like hashes.
#[derive(Default)]
struct Suspicious {
    lines: u64,
    suspicious: u64,
    first: Option<(u64, &'static str)>,
}

impl<'a> List<'a> {
    pub(super) fn open(path: &'a Path) -> Result<Self, PasswordTableError> {
        open_trusted(path).map(|file| Self { path, file: BufReader::new(file) })
    }

    /// Passes the hash prefix of each password to `push`, and returns how many lines were left out.
    pub(super) fn read(
        mut self,
        mut push: impl FnMut(u64) -> Result<(), PasswordTableError>,
    ) -> Result<u64, PasswordTableError> {
        let path = self.path;
        let (mut kind, mut line, mut number, mut left_out) = (None, Vec::new(), 0, 0);
        let mut suspicious = Suspicious::default();
        let bad_line = |line, why| PasswordTableError::BadLine { path: path.to_owned(), line, why };
        loop {
            line.clear();
            let read = self.file.by_ref().take(MAX_LINE as u64).read_until(b'\n', &mut line);
            let read =
                read.map_err(|source| PasswordTableError::Io { path: path.to_owned(), action: "read", source })?;
            if read == 0 {
                return suspicious.refuse_most().map_or(Ok(left_out), |(line, why)| Err(bad_line(line, why)));
            }
            number += 1;
            if read == MAX_LINE {
                return Err(bad_line(number, "is longer than 64 KiB; expected one password or hash per line"));
            }
            let mut text = line.strip_suffix(b"\n").unwrap_or(&line);
            text = text.strip_suffix(b"\r").unwrap_or(text);
            if number == 1 {
                check_format(text).map_err(|why| bad_line(number, why))?;
                text = text.strip_prefix(b"\xef\xbb\xbf").unwrap_or(text);
            }
            if text.is_empty() {
                continue;
            }
            let line = Line::read(text);
            let kind = match kind {
                Some(kind) => kind,
                None => *kind.insert(kind_of(text, &line).map_err(|why| bad_line(number, why))?),
            };
            match (kind, line) {
                (Lines::Hashes, Line::Sha1(prefix)) => push(prefix)?,
                (Lines::Hashes, _) => {
                    return Err(bad_line(number, "is not SHA1 or SHA1:COUNT like the previous lines"));
                }
                (Lines::Passwords, line) => {
                    suspicious.note(number, &line);
                    match std::str::from_utf8(text).ok().map(|text| TypedPassword::new(text.to_owned())) {
                        Some(Ok(password)) => push(prefix_of(password.normalized().as_bytes()))?,
                        Some(Err(_)) | None => left_out += 1,
                    }
                }
            }
        }
    }
}

/// Refuses files that are not UTF-8 text, judging by the first line.
fn check_format(line: &[u8]) -> Result<(), &'static str> {
    if COMPRESSED.iter().any(|magic| line.starts_with(magic)) {
        return Err("begins like a compressed file; decompress the list first");
    }
    if UTF_16.iter().any(|mark| line.starts_with(mark)) {
        return Err(IS_UTF_16);
    }
    Ok(())
}

/// Returns whether the lines of a list are passwords or hashes, judging by the first line that is not empty.
fn kind_of(text: &[u8], line: &Line) -> Result<Lines, &'static str> {
    match line {
        // UTF-16 text without a byte order mark. No password contains a NUL character.
        _ if text.contains(&0) => Err(IS_UTF_16),
        Line::Sha1(_) => Ok(Lines::Hashes),
        Line::OtherHash(why) => Err(why),
        Line::Password => Ok(Lines::Passwords),
    }
}

impl Suspicious {
    fn note(&mut self, number: u64, line: &Line) {
        self.lines += 1;
        let why = match line {
            Line::Password => return,
            Line::Sha1(_) => "is a SHA-1 hash, but the first line is not; remove the lines that are not hashes",
            Line::OtherHash(why) => why,
        };
        self.suspicious += 1;
        self.first.get_or_insert((number, why));
    }

    /// If most lines look like hashes, returns the number of the first of them, and what is wrong with it.
    fn refuse_most(self) -> Option<(u64, &'static str)> {
        self.first.filter(|_| self.suspicious > self.lines / 2)
    }
}
