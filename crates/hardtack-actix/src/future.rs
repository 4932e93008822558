//! The futures of this crate's services and extractors.

pub use crate::extract::ExtractFuture;
pub use crate::require::RequireFuture;
pub use crate::service::AuthFuture;
