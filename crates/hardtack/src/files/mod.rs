//! Checks who can change or read the files that a server trusts, and reads these files.
//!
//! A user who can change a key, a configuration file or a database can log in as anyone. Therefore, like sshd and
//! PostgreSQL, Hardtack refuses to use files that other users can change. It also checks the folders that contain keys
//! and databases, because a user who can write to a folder can replace every file in it, no matter who owns the file.

mod access;
mod read;
mod trust;

pub use access::{NotWritable, check_writable};
pub use read::{open_regular, read_at_most};
pub use trust::{
    UntrustedFile, check_trusted, check_trusted_folder, mode_if_readable_by_others, readable_secret, shell_quoted,
    untrusted_above,
};
