//! Tokens after verification, and why one could not be issued.

mod issue_error;
mod verified_token;

pub use issue_error::IssueError;
pub use verified_token::VerifiedToken;
pub(crate) use verified_token::{Reading, VerifiedPayload};
