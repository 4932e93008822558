//! The futures of this crate's services.

pub use crate::require::RequireFuture;
pub use crate::service::AuthFuture;
