//! The futures that this crate's services and [`Auth`](crate::Auth) return.

pub use crate::require::RequireFuture;
pub use crate::service::AuthFuture;
pub use hardtack::adapter::Ended;
