//! Explains, step by step, why a request was accepted or refused.
//!
//! An [`Explanation`] lists the checks of one verification in order. It says what each check found, and which check
//! refused the request. An explanation contains no token, signature or CSRF value. The only user data in it is the
//! subject.
//!
//! There are two ways to get explanations:
//!
//! - During development, [`AuthenticatorBuilder::explain_refusals`](crate::AuthenticatorBuilder::explain_refusals)
//!   explains the latest requests on a page.
//! - [`Authenticator::explain_cookies`](crate::Authenticator::explain_cookies) and
//!   [`Authenticator::explain_set_cookie`](crate::Authenticator::explain_set_cookie) explain header fields that were
//!   copied from a browser. The `hardtack explain` command calls these methods.
//!
//! The guide ["Why was I logged out?"](crate::guide::explain) shows how to use explanations.

mod browser;
mod cookie_field;
mod page;
mod recorder;
mod step;
mod when;

pub(crate) use browser::explain_set_cookie;
pub(crate) use cookie_field::{CookieField, Difference, quoted, resembles, without_prefix};
pub(crate) use page::{STYLE, page};
pub(crate) use recorder::{Recorder, SessionEnd};
pub use step::{Check, Explanation, Outcome, Step, Verdict};
pub(crate) use when::{ago, span, until};
