//! Single-use links that are sent by email or handed out by an operator. Using an emailed link proves that the user can
//! read mail at the address that the link was sent to.
//!
//! All code reads and writes links through [`LinkStore`]. The store keeps only a hash of each link's secret, so a copy
//! of the database contains no working links (ASVS 5.0 V6.4.1).

mod purpose;
mod store;
mod token;

pub(crate) use purpose::LinkPurpose;
pub(crate) use store::{LinkStore, LiveLink};
pub(crate) use token::LinkToken;
