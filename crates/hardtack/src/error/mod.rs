//! Errors that several modules share, and a wrapper that displays an error with its causes.

mod backend;
mod config;
mod json;
mod json_members;
mod with_causes;

pub use backend::BackendError;
pub use config::ConfigError;
pub use json::JsonFlaw;
pub use json_members::JsonMembers;
pub use with_causes::WithCauses;
