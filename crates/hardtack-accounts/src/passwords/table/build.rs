//! Builds a table from a list of passwords, or from a list of their hashes. The list can be far larger than the
//! machine's memory.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::fs::File;
use std::io::{self, BufRead, BufReader, BufWriter, Read, Seek, SeekFrom, Write};
use std::path::Path;

use super::list::List;
use super::{HEADER, MAGIC, MAX_PREFIX, PasswordTable, PasswordTableError};

/// How many hash prefixes are sorted in memory at once. They take up 64 MiB.
const RUN: usize = 8 * 1024 * 1024;

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
    /// Builds a table from a downloaded list, and writes it to a new file. The list must be UTF-8 text. Each line must
    /// contain either a plain password or a SHA-1 hash. A hash can be followed by a colon and a number (`SHA1:COUNT`),
    /// as in Have I Been Pwned's list.
    ///
    /// Uses 64 MiB of memory, and writes temporary files to the table's folder. The temporary files take up as much
    /// space as the table itself.
    ///
    /// # Errors
    /// Returns an error if the list cannot be read, is not a regular file, or can be changed by another user. Also
    /// returns an error if the list is compressed, is UTF-16 text or contains no passwords, or if its first line or
    /// most of its lines look like other hashes. If the first line is a SHA-1 hash, all lines must be. Finally, returns
    /// an error if the table already exists or cannot be written.
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
