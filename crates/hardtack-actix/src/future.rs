//! The futures that this crate's services, its extractors and [`Auth`](crate::Auth) return.

pub use crate::extract_future::ExtractFuture;
pub use crate::require::RequireFuture;
pub use crate::service::AuthFuture;
pub use hardtack::adapter::Ended;
