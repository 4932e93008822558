//! A request as the core sees it: its head, the page to return to, and what the client accepts.

mod authority;
mod head;
mod header_token;
mod loggable_path;
mod next_path;
mod paths;
mod url_path;
mod wants;

pub use authority::Authority;
pub use head::{Headers, Incoming, RequestHead};
pub(crate) use header_token::is_token;
pub use loggable_path::loggable_path;
pub use next_path::NextPath;
pub(crate) use paths::{covers, is_cookie_path};
pub(crate) use url_path::resolve_path;
pub use wants::Wants;
