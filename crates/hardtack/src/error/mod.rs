//! Errors that no single module owns.

mod backend;
mod config;
mod with_causes;

pub use backend::BackendError;
pub use config::ConfigError;
pub use with_causes::WithCauses;
