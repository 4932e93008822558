//! Types for authors of web framework adapters.
//!
//! Applications use an adapter instead, such as `hardtack-axum` or `hardtack-actix`. The guide
//! [`adapters`](crate::guide::adapters) explains how to write an adapter.
//!
//! - [`Incoming`] and [`Headers`]: implement these traits for the framework's request type. [`RequestHead`] borrows a
//!   request of that type.
//! - [`RequestState`]: create one for each request in the adapter's layer, and keep it in the request's extensions.
//! - [`BodyPeek`]: reads the beginning of a request body before the handler runs. [`Exchange::body_peek`] returns a
//!   `BodyPeek` if the request cannot be verified without the body.
//! - [`Exchange`]: a handler's operations on one request: verify, log in, log out, refresh.
//! - [`Authenticator::needs_background_work`](crate::Authenticator::needs_background_work): call this method for each
//!   request. If it returns `true`, spawn [`Authenticator::background_work`](crate::Authenticator::background_work).
//! - [`Ended`]: the future that `Auth::ended` returns. A handler awaits it to know when to end a stream.
//! - [`CLEAR_CACHE`]: the value of the `Clear-Site-Data` header in a response that ends the browser's session. The
//!   adapter adds this header if [`SetCookies::clears_cache`](crate::SetCookies::clears_cache) returns `true`.
//! - [`REGISTRATION`]: the name of the response header that asks the browser to bind the session to its device. The
//!   adapter adds this header if [`SetCookies::registration`](crate::SetCookies::registration) returns a value.
//! - [`ResponseChanges`]: the cookies and caching rules that the layer adds to the response.
//! - [`LogLimit`]: limits how many log lines are written about an event that clients can trigger as often as they like.

mod client_info;
mod device_binding;
mod device_proof;
mod exchange;
mod external;
mod forward;
mod password_form;
mod pre_session;
mod refresh_route;
mod refuse;
mod session;

pub use crate::authenticator::{Ended, RequestState, ResponseChanges};
pub use crate::body::{BodyPeek, Peeked};
pub use crate::cookie::{CLEAR_CACHE, REGISTRATION};
pub use crate::log_limit::LogLimit;
pub use crate::refusal::NO_STORE;
pub use crate::request::{Headers, Incoming, RequestHead};
pub use client_info::ClientInfo;
pub use exchange::{Exchange, PendingVerification, Verification};
pub use password_form::{Credentials, PasswordForm, TypedName, log_out_page};
