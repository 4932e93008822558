//! Single-use links that are sent by email, or that an operator hands out. Using an emailed link proves that the user
//! reads mail at its address.
//!
//! [`LinkStore`] is the only code that reads or writes links; accounts and mail go through it. It stores only a
//! hash of each link's secret, so a copy of the database does not contain a working link (ASVS 5.0 V6.4.1).

mod purpose;
mod store;
mod token;

pub(crate) use purpose::LinkPurpose;
pub(crate) use store::{LinkStore, LiveLink};
pub(crate) use token::LinkToken;
