//! The futures of this crate's services and of [`Auth`](crate::Auth).

pub use crate::require::RequireFuture;
pub use crate::service::AuthFuture;
pub use hardtack::adapter::Ended;
