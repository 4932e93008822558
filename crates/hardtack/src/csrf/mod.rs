//! Protection against cross-site request forgery: the origin check, followed by the double-submit check.

mod double_submit;
mod origin;
mod policy;
mod pre_session;
mod token;
mod trusted_origin;

pub use double_submit::CsrfError;
pub(crate) use double_submit::check as check_double_submit;
pub(crate) use origin::{check as check_origin, same_origin_page};
pub use policy::CsrfPolicy;
pub use pre_session::PreSession;
pub(crate) use pre_session::{PreSessionKey, PreSessionKeys};
pub use token::CsrfToken;
