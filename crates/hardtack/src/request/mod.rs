//! What the core sees of a request: a borrowed head, what the client wants back, what a route needs.

mod head;
mod need;
mod next;
mod token;
mod wants;

pub use head::{Headers, Incoming, RequestHead};
pub use need::Need;
pub use next::NextPath;
pub use wants::Wants;

pub(crate) use token::is_token;
