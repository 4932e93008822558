//! Verified tokens, and the errors of issuing tokens.

mod issue_error;
mod verified_token;

pub use issue_error::IssueError;
pub use verified_token::VerifiedToken;
pub(crate) use verified_token::{Reading, VerifiedPayload};
