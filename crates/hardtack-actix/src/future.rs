//! The futures returned by this crate's services and extractors, and by [`Auth`](crate::Auth).

pub use crate::extract_future::ExtractFuture;
pub use crate::require::RequireFuture;
pub use crate::service::AuthFuture;
pub use hardtack::adapter::Ended;
