//! Why a table of passwords cannot be opened, built or used.

use std::io;
use std::path::PathBuf;

use hardtack::files::UntrustedFile;

/// Why a table of passwords cannot be opened or built.
#[derive(thiserror::Error)]
#[non_exhaustive]
pub enum PasswordTableError {
    /// A file cannot be read or written.
    #[error("{} cannot be {action}", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// `read` or `written`.
        action: &'static str,
        /// The error that the operating system returned.
        source: io::Error,
    },
    /// The file is not a table of passwords, or the table in it is incomplete.
    #[error("{} {why}; make a table from a list of passwords with: hardtack passwords build FILE", path.display())]
    NotATable {
        /// The file.
        path: PathBuf,
        /// What is wrong with the file.
        why: &'static str,
    },
    /// The file has changed since the table was opened, or it cannot be read any more. Passwords can no longer be
    /// checked against it.
    #[error(
        "the password table {} {why}, so new passwords are refused; build the table again with: hardtack passwords \
         build FILE --out NEW; replace the file with mv, and restart the servers", path.display()
    )]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What is wrong with the file.
        why: &'static str,
        /// The error that the operating system returned, if there is one.
        source: Option<io::Error>,
    },
    /// Another user can change the file, and could therefore decide which passwords are refused.
    #[error(transparent)]
    Untrusted(#[from] UntrustedFile),
    /// A line in the list of passwords does not have the expected form.
    #[error("line {line} of {} {why}", path.display())]
    BadLine {
        /// The list.
        path: PathBuf,
        /// The number of the line, starting at 1.
        line: u64,
        /// What is wrong with the line, and what is expected.
        why: &'static str,
    },
    /// The list contains no passwords.
    #[error(
        "{} contains no passwords ({left_out} lines are not UTF-8 or are longer than 1024 bytes); expected a text file \
         with one password or SHA-1 hash per line", path.display()
    )]
    NoPasswords {
        /// The list.
        path: PathBuf,
        /// How many lines were left out because they are not UTF-8 or are too long.
        left_out: u64,
    },
    /// The file for the table already exists.
    #[error("{} already exists; remove the file, or choose another file with --out", path.display())]
    Exists {
        /// The file.
        path: PathBuf,
    },
}

hardtack::__debug_as_sentence!(PasswordTableError);
