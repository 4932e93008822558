//! The parts that forms are made of: hidden fields, labelled inputs, the summary of errors.

use maud::{Markup, html};

use super::FieldError;

/// The shortest password that is taken, in characters, as the hint says it.
const PASSWORD_LENGTH: u8 = 8;

/// What a field holds.
///
/// The kind settles the input's type and what browsers and password managers are told about it.
/// The kinds of password hold no value, so that none can be sent back.
#[derive(Clone, Copy)]
pub(super) enum Kind<'a> {
    /// The name that one logs in with.
    Username(&'a str),
    /// The name that others see.
    DisplayName(&'a str),
    /// An email address, or none.
    Email(&'a str),
    /// An email address.
    RequiredEmail(&'a str),
    /// The password that is in force.
    CurrentPassword,
    /// A password being chosen.
    NewPassword,
}

/// An input with its label.
#[derive(Clone, Copy)]
pub(super) struct Field<'a> {
    /// The form's name, which keeps ids apart on a page with several forms.
    pub form: &'a str,
    /// The name it is posted under.
    pub name: &'a str,
    /// What it is called.
    pub label: &'a str,
    /// What it holds.
    pub kind: Kind<'a>,
    /// Help below the label.
    pub hint: Option<&'a str>,
}

impl Field<'_> {
    fn id(&self) -> String {
        format!("{}-{}", self.form, self.name)
    }
}

/// What to ask of a new password.
pub(super) const NEW_PASSWORD_HINT: &str = "At least 8 characters. A long phrase of several words is welcome.";

/// The hidden field that proves a form came from this site.
pub(super) fn csrf(token: &str) -> Markup {
    html! { input type="hidden" name="csrf_token" value=(token); }
}

/// The hidden field that says where to go afterwards.
pub(super) fn next(path: Option<&str>) -> Markup {
    html! {
        @if let Some(path) = path { input type="hidden" name="next" value=(path); }
    }
}

/// A title that says so when the form below has errors: it is the first thing that is read out.
pub(super) fn title<'a>(failed: bool, plain: &'a str, with_errors: &'a str) -> &'a str {
    if failed { with_errors } else { plain }
}

/// Every error of a form, at its top; each leads to its field.
///
/// It takes the focus when the page loads: no script could move it there, and an alert that is part
/// of the page from the start is not read out by every screen reader.
pub(super) fn summary(form: &str, fields: &[Field<'_>], errors: &[FieldError<'_>]) -> Markup {
    let heading = format!("{form}-errors");
    html! {
        @if !errors.is_empty() {
            div.errors role="alert" aria-labelledby=(heading) tabindex="-1" autofocus {
                p.errors-title id=(heading) {
                    @if errors.len() == 1 { "There is a problem" } @else { "There are " (errors.len()) " problems" }
                }
                ul {
                    @for error in errors {
                        li {
                            @if let Some(field) = fields.iter().find(|f| f.name == error.field) {
                                a href={ "#" (field.id()) } { (error.text) }
                            } @else {
                                (error.text)
                            }
                        }
                    }
                }
            }
        }
    }
}

/// A label, its input, its hint and its errors, tied together for screen readers.
pub(super) fn field(field: &Field<'_>, errors: &[FieldError<'_>]) -> Markup {
    let id = field.id();
    let mine = || errors.iter().filter(|e| e.field == field.name);
    let failed = mine().next().is_some();
    let described = match (field.hint, failed) {
        (Some(_), true) => Some(format!("{id}-hint {id}-error")),
        (Some(_), false) => Some(format!("{id}-hint")),
        (None, true) => Some(format!("{id}-error")),
        (None, false) => None,
    };
    let (input, autocomplete, value) = match field.kind {
        Kind::Username(value) => ("text", "username", Some(value)),
        Kind::DisplayName(value) => ("text", "nickname", Some(value)),
        Kind::Email(value) | Kind::RequiredEmail(value) => ("email", "email", Some(value)),
        Kind::CurrentPassword => ("password", "current-password", None),
        Kind::NewPassword => ("password", "new-password", None),
    };
    let exact = matches!(field.kind, Kind::Username(_) | Kind::Email(_) | Kind::RequiredEmail(_));
    let required = !matches!(field.kind, Kind::DisplayName(_) | Kind::Email(_));
    let minimum = matches!(field.kind, Kind::NewPassword).then_some(PASSWORD_LENGTH);
    html! {
        div.field.failed[failed] {
            label for=(id) { (field.label) }
            @if let Some(hint) = field.hint { p.hint id={ (id) "-hint" } { (hint) } }
            @if failed {
                div.error id={ (id) "-error" } {
                    @for error in mine() { p { (error.text) } }
                }
            }
            input type=(input) id=(id) name=(field.name) value=[value]
                autocomplete=(autocomplete) autocapitalize=[exact.then_some("none")]
                spellcheck=[exact.then_some("false")] minlength=[minimum]
                aria-describedby=[described] aria-invalid=[failed.then_some("true")]
                required[required];
        }
    }
}

/// Whether the cookies outlive the browser.
pub(super) fn remember(form: &str, ticked: bool) -> Markup {
    let id = format!("{form}-remember");
    html! {
        div.field.tick {
            input type="checkbox" id=(id) name="remember" value="true" checked[ticked] aria-describedby={ (id) "-hint" };
            label for=(id) { "Stay logged in" }
            p.hint id={ (id) "-hint" } { "Also when you close the browser. Not on a device that others use." }
        }
    }
}

/// Whose password is asked for, where the form itself does not ask: password managers file a password
/// under it. It has no name and is not posted, since the session says who it is.
pub(super) fn username_for_password_managers(username: &str) -> Markup {
    html! { input type="text" value=(username) autocomplete="username" readonly hidden; }
}
