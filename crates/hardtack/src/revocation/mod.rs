//! Tracks which sessions have ended or have new claims. A cache holds this information, and a reader follows the
//! store's revocation log.

mod cache;
mod held;
mod log_reader;
mod moment;
mod sync;
#[cfg(test)]
mod tests;

pub(crate) use cache::{LogPosition, Notes, RevocationCache, SessionStatus};
pub(crate) use held::HeldSubjects;
pub(crate) use log_reader::{LogReader, LogStep};
pub(crate) use moment::Moment;
