//! Tokens after verification, and why one could not be issued.

mod issue_error;
mod verified_token;

pub use issue_error::IssueError;
pub(crate) use verified_token::VerifiedPayload;
pub use verified_token::VerifiedToken;
