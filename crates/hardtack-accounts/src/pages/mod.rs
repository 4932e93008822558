//! The pages people see: sign-up, log-in, account and devices.
//!
//! Each page is a pure function from a small view to [`Markup`](maud::Markup), which escapes
//! whatever is put into it. No page needs a script, an inline style or another origin, so all of
//! them work under
//! `default-src 'none'; style-src 'self'; img-src 'self' data:; form-action 'self'; base-uri 'none'; frame-ancestors 'none'`.
//!
//! A page shows what it is given; it decides nothing. Whether `next` is a path on this origin, and
//! whether a token is valid, was settled before a page is asked for.

mod account;
mod agent;
mod confirm;
mod failure;
mod forgot;
mod form;
mod home;
mod layout;
mod link;
mod login;
mod logout;
mod reauthenticate;
mod refresh;
mod reset;
mod service;
mod sessions;
mod signup;
#[cfg(test)]
mod tests;

pub(crate) use account::{AccountView, account};
pub(crate) use agent::device_name;
pub(crate) use confirm::confirm_email;
pub(crate) use failure::{FailureView, failure};
pub(crate) use forgot::{ForgotForm, forgot, no_mail};
pub(crate) use home::home;
pub(crate) use login::login;
pub(crate) use logout::logout_confirm;
pub(crate) use reauthenticate::{ReauthForm, reauthenticate};
pub(crate) use refresh::refresh_confirm;
pub(crate) use reset::{ResetForm, reset};
pub(crate) use service::service;
pub(crate) use sessions::{Device, Happening, sessions};
pub(crate) use signup::signup;

/// The stylesheet, served as `text/css` at `/assets/hardtack.css`.
pub(crate) const STYLESHEET: &str = include_str!("hardtack.css");

/// The mark, served as `image/svg+xml` at `/assets/hardtack.svg`.
pub(crate) const MARK: &str = include_str!("hardtack.svg");

/// Someone who is logged in.
#[derive(Clone, Copy)]
pub(crate) struct Viewer<'a> {
    /// The display name, or the user name where none is set.
    pub name: &'a str,
    /// The session's CSRF value, for the logout form that each of their pages carries.
    pub csrf_token: &'a str,
}

/// What every page has around its own content.
#[derive(Clone, Copy, Default)]
pub(crate) struct Shell<'a> {
    /// Who is logged in, if anyone.
    pub viewer: Option<Viewer<'a>>,
    /// What to tell them above the page's content, once.
    pub notice: Option<Notice<'a>>,
}

/// A sentence above the page's content.
#[derive(Clone, Copy)]
pub(crate) struct Notice<'a> {
    /// What sort of news it is.
    pub kind: NoticeKind,
    /// The sentence.
    pub text: &'a str,
}

/// What sort of news a [`Notice`] brings.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum NoticeKind {
    /// Neither good nor bad.
    Info,
    /// What was asked for is done.
    Success,
}

/// What is wrong with what was typed into one field.
#[derive(Clone, Copy)]
pub(crate) struct FieldError<'a> {
    /// The field's name; empty for the form as a whole.
    pub field: &'a str,
    /// What was wrong and what to do about it, as a sentence.
    pub text: &'a str,
}

/// The log-in and the sign-up form.
///
/// There is no password here: what was typed into one is never sent back.
pub(crate) struct CredentialsForm<'a> {
    /// The pre-session CSRF value.
    pub csrf_token: &'a str,
    /// Where to go afterwards: a path on this origin.
    pub next: Option<&'a str>,
    /// What was typed as the user name.
    pub username: &'a str,
    /// Whether "Stay logged in" is ticked.
    pub remember: bool,
    /// What was wrong with it; fields `username` and `password`.
    pub errors: &'a [FieldError<'a>],
}
