//! The HTML pages.
//!
//! Each page is a function from a small view to [`Markup`](maud::Markup), which escapes every value. The pages rely on
//! the handlers to check that `next` is a path on this site and that tokens are valid.
//!
//! No page needs a script, has an inline style, or loads anything from another origin, so all pages work under the
//! policies in `security_headers`. The only script, on pages with times, shows these times in the browser's time zone.

mod account;
mod confirm_email;
mod device_name;
mod done;
mod error;
mod forgot_password;
mod form;
mod home;
mod layout;
mod login;
mod logout;
mod reauthenticate;
mod refresh;
mod reset_password;
mod service;
mod sessions;
mod signup;
#[cfg(test)]
mod tests;
mod time;
mod undo_email;
mod url;
mod view;

pub(crate) use account::{AccountView, FEW_AN_HOUR, account};
pub(crate) use confirm_email::{ConfirmEmailView, confirm_email};
pub(crate) use device_name::device_name;
pub(crate) use done::{DoneView, done_page};
pub(crate) use error::{ErrorView, error_page};
pub(crate) use forgot_password::{ForgotPasswordView, forgot_password, mail_is_off};
pub(crate) use home::home;
pub(crate) use layout::with_navigation;
pub(crate) use login::login;
pub(crate) use logout::confirm_logout;
pub(crate) use reauthenticate::{ReauthenticateView, reauthenticate};
pub(crate) use refresh::continue_refresh;
pub(crate) use reset_password::{ResetPasswordView, reset_password};
pub(crate) use service::service;
pub(crate) use sessions::{ActivityRow, DevicePage, DeviceRow, sessions};
pub(crate) use signup::signup;
pub(crate) use time::{TimeText, clock};
pub(crate) use undo_email::{UndoEmailView, undo_email};
pub(crate) use view::{CredentialsView, FieldError, Notice, NoticeKind, Shell, Viewer};

/// The stylesheet, served at `/assets/site.css`, or at `/assets/hardtack.css` by `hardtack serve`.
pub(crate) const STYLESHEET: &str = include_str!("hardtack.css");

/// The script, served at `/assets/times.js`.
pub(crate) const TIMES_SCRIPT: &str = include_str!("times.js");

/// Hardtack's logo as a 32 × 32 pixel icon, served at `/favicon.ico` by `hardtack serve`.
pub(crate) const FAVICON: &[u8] = include_bytes!("favicon.ico");

/// Hardtack's logo, served at `/assets/hardtack.svg` by `hardtack serve`.
pub(crate) const MARK: &str = include_str!("hardtack.svg");
