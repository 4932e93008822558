//! The parts of a form: hidden fields, labeled inputs and the error summary.

use maud::{Markup, html};

use super::view::FieldError;

/// The kind of an input. It determines the attributes `type` and `autocomplete`; the latter tells browsers and password
/// managers what to fill in. The kinds for passwords hold no value, so a password cannot be sent back to the browser.
#[derive(Clone, Copy)]
pub(super) enum FieldKind<'a> {
    /// The name that a user logs in with.
    Username(&'a str),
    /// The name that pages show.
    DisplayName(&'a str),
    /// An optional email address.
    Email(&'a str),
    /// A required email address.
    RequiredEmail(&'a str),
    /// The current password.
    CurrentPassword,
    /// The current password, which the user may leave out for some changes.
    OptionalPassword,
    /// A new password, with its minimum length in characters.
    NewPassword(u8),
    /// An optional new password, with its minimum length in characters.
    OptionalNewPassword(u8),
}

/// An input with its label.
#[derive(Clone, Copy)]
pub(super) struct Field<'a> {
    /// The form's name, which keeps the ids of inputs unique on a page with several forms.
    pub form: &'a str,
    /// The input's `name` attribute.
    pub name: &'a str,
    /// The text of the label.
    pub label: &'a str,
    /// The kind of input, with its value.
    pub kind: FieldKind<'a>,
    /// A hint below the label.
    pub hint: Option<&'a str>,
}

impl Field<'_> {
    fn id(&self) -> String {
        format!("{}-{}", self.form, self.name)
    }
}

/// Returns the hint for a new password.
pub(super) fn new_password_hint(min: u8) -> String {
    format!("At least {min} characters. A phrase of several words works well.")
}

/// Returns a hint that says what an email address is used for.
pub(super) const fn email_hint(sends_mail: bool) -> &'static str {
    if sends_mail {
        "Once you confirm this address, we use it to help you if you forget your password, and to tell you about changes \
         to your account."
    } else {
        "The people who run this site can use the address to contact you. The site itself does not send email."
    }
}

/// Renders the hidden field with the CSRF token.
pub(super) fn csrf(token: &str) -> Markup {
    html! { input type="hidden" name="csrf_token" value=(token); }
}

/// Renders the hidden field `link`, which ties the form to the emailed link.
pub(super) fn link(form_key: &str) -> Markup {
    html! { input type="hidden" name="link" value=(form_key); }
}

/// Renders the hidden field that names the form's user. The server can read the field even after the session has ended.
pub(super) fn owner(owner: &str) -> Markup {
    html! { input type="hidden" name="owner" value=(owner); }
}

/// Renders the hidden field with the path of the page to which the user is sent after submitting the form.
pub(super) fn next(path: Option<&str>) -> Markup {
    html! {
        @if let Some(path) = path { input type="hidden" name="next" value=(path); }
    }
}

/// Returns the title of the page: `with_errors` if the form has errors, and `plain` otherwise. Screen readers announce
/// the title first, so it should mention the errors.
pub(super) fn title<'a>(failed: bool, plain: &'a str, with_errors: &'a str) -> &'a str {
    if failed { with_errors } else { plain }
}

/// Renders the list of a form's errors, each linked to its field.
///
/// The list gets focus when the page loads. Otherwise, some screen readers would not announce it, because they ignore
/// an alert that is already on the page when it loads.
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

/// Renders a label with its input, hint and errors, and connects them through attributes for screen readers.
pub(super) fn field(field: &Field<'_>, errors: &[FieldError<'_>]) -> Markup {
    let id = field.id();
    let own_errors = || errors.iter().filter(|e| e.field == field.name);
    let failed = own_errors().next().is_some();
    let described = match (field.hint, failed) {
        (Some(_), true) => Some(format!("{id}-hint {id}-error")),
        (Some(_), false) => Some(format!("{id}-hint")),
        (None, true) => Some(format!("{id}-error")),
        (None, false) => None,
    };
    let (input, autocomplete, value) = match field.kind {
        FieldKind::Username(value) => ("text", "username", Some(value)),
        FieldKind::DisplayName(value) => ("text", "nickname", Some(value)),
        FieldKind::Email(value) | FieldKind::RequiredEmail(value) => ("email", "email", Some(value)),
        FieldKind::CurrentPassword | FieldKind::OptionalPassword => ("password", "current-password", None),
        FieldKind::NewPassword(_) | FieldKind::OptionalNewPassword(_) => ("password", "new-password", None),
    };
    let exact = matches!(field.kind, FieldKind::Username(_) | FieldKind::Email(_) | FieldKind::RequiredEmail(_));
    let required = !matches!(
        field.kind,
        FieldKind::DisplayName(_)
            | FieldKind::Email(_)
            | FieldKind::OptionalPassword
            | FieldKind::OptionalNewPassword(_)
    );
    let minimum = match field.kind {
        FieldKind::NewPassword(min) | FieldKind::OptionalNewPassword(min) => Some(min),
        _ => None,
    };
    html! {
        div.field.failed[failed] {
            label for=(id) { (field.label) }
            @if let Some(hint) = field.hint { p.hint id={ (id) "-hint" } { (hint) } }
            @if failed {
                div.error id={ (id) "-error" } {
                    @for error in own_errors() { p { (error.text) } }
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

/// Renders the checkbox "Stay logged in", which makes the cookies persistent.
pub(super) fn remember(form: &str, is_checked: bool) -> Markup {
    let id = format!("{form}-remember");
    html! {
        div.field.tick {
            input type="checkbox" id=(id) name="remember" value="true" checked[is_checked] aria-describedby={ (id) "-hint" };
            label for=(id) { "Stay logged in" }
            p.hint id={ (id) "-hint" } {
                "You stay logged in even after you close the browser. Leave this unchecked on a shared device."
            }
        }
    }
}

/// Renders a hidden user name in a form that asks only for a password, so that password managers store the password
/// under the right user name. The input has no `name`, so browsers do not post it; the session identifies the user.
pub(super) fn username_for_password_managers(username: &str) -> Markup {
    html! { input type="text" value=(username) autocomplete="username" readonly hidden; }
}
