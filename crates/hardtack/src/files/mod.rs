//! Files that a server trusts: checks who can change or read them, and reads them without blocking.
//!
//! A user who can write to a key, a configuration file or a database can log in as anyone, so Hardtack refuses files
//! that other users can change, as sshd and PostgreSQL do. The same is true of the folders of keys and databases: a
//! user who can write to a folder can replace every file in it, no matter who owns the file.

mod read;
mod trust;

pub use read::{open_regular, read_at_most};
pub use trust::{
    UntrustedFile, check_trusted, check_trusted_folder, mode_if_readable_by_others, shell_quoted, untrusted_above,
};
