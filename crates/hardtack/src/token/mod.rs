//! Verified tokens, and the errors that can occur when tokens are issued.

mod issue_error;
mod verified_token;

pub use issue_error::IssueError;
pub use verified_token::VerifiedToken;
pub(crate) use verified_token::{Reading, VerifiedPayload};
