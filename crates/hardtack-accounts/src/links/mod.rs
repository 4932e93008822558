//! Links that are sent by mail and work once: they stand for their reader's mailbox.
//!
//! The database holds a hash of each, so that a copy of it opens nothing (ASVS 5.0 V6.4.1).

mod store;
mod token;

pub(crate) use store::{DeadLink, LinkStore, Purpose};
pub(crate) use token::LinkToken;
