//! Which sessions have ended: this process's cache, and the reader that follows the store's revocation log.

mod cache;
mod held;
mod log_reader;
mod sync;
#[cfg(test)]
mod tests;

pub(crate) use cache::{LogPosition, Notes, RevocationCache, SessionStatus};
pub(crate) use held::HeldSubjects;
pub(crate) use log_reader::{LogReader, LogStep};
