//! The `/account` page: the user's profile and password.

use maud::{Markup, html};

use super::form::{self, Field, FieldKind};
use super::layout::{Document, Width, page};
use super::time::TimeText;
use super::view::{FieldError, Shell};
use crate::settings::Page;

/// The pages that announce a confirmation link, or let a user request one, show this sentence. If too many emails to the
/// address have been requested, the site sends no link, but the pages show the same text. A different text would reveal
/// that other people have entered the address.
pub(crate) const FEW_AN_HOUR: &str =
    "One address gets only a few of these emails an hour, so you might have to wait an hour for the next one.";

/// The values that the account page shows.
pub(crate) struct AccountView<'a> {
    /// The session's CSRF token.
    pub csrf_token: &'a str,
    /// The name that the user logs in with.
    pub username: &'a str,
    /// The stored display name, or the display name that was just entered.
    pub display_name: &'a str,
    /// The stored email address, or the address that was just entered.
    pub email: &'a str,
    /// The stored email address, or an empty string if the user has none.
    pub stored_email: &'a str,
    /// Whether the user has confirmed the stored address.
    pub email_confirmed: bool,
    /// Whether the site sends email.
    pub sends_mail: bool,
    /// The value of the hidden field that identifies the form's user. The server can read it even after the session has
    /// ended.
    pub owner: &'a str,
    /// When the account was created.
    pub created: TimeText,
    /// Errors in the profile form's fields: `display_name`, `email` and `current_password`.
    pub profile_errors: &'a [FieldError<'a>],
    /// Errors in the fields `current_password` and `new_password`.
    pub password_errors: &'a [FieldError<'a>],
    /// The minimum length of a new password, in characters.
    pub min_password: u8,
}

/// Renders the profile form, the password form and the link to the user's devices.
pub(crate) fn account(shell: &Shell<'_>, view: &AccountView<'_>) -> Markup {
    let failed = !(view.profile_errors.is_empty() && view.password_errors.is_empty());
    page(
        shell,
        &Document {
            page: Page::Account,
            title: form::title(failed, "Account", "Problem: Account"),
            nav_path: Some("/account"),
            width: Width::Medium,
            has_times: true,
            main: html! {
                h1 { "Account" }
                dl.facts.plain {
                    div { dt { "User name" } dd { bdi { (view.username) } } }
                    div { dt { "Account created" } dd { (view.created.render()) } }
                    @if !view.stored_email.is_empty() {
                        div {
                            dt { "Email" }
                            dd {
                                bdi { (view.stored_email) } " "
                                @if view.email_confirmed { span.badge.good { "Confirmed" } }
                                @else { span.badge { "Not confirmed" } }
                            }
                        }
                    }
                }
                (profile(shell, view))
                (password(shell, view))
                section.card aria-labelledby="devices" {
                    h2 #devices { "Devices" }
                    p { "See where you are logged in, and log out devices that you no longer use." }
                    p.actions { a.button.quiet href=(shell.path("/account/sessions")) { "Manage devices" } }
                }
            },
            ..Document::default()
        },
    )
}

fn profile(shell: &Shell<'_>, view: &AccountView<'_>) -> Markup {
    let email_hint = form::email_hint(view.sends_mail);
    let fields = [
        Field {
            form: "settings",
            name: "display_name",
            label: "Display name",
            kind: FieldKind::DisplayName(view.display_name),
            hint: Some("Shown instead of your user name."),
        },
        Field {
            form: "settings",
            name: "email",
            label: "Email",
            kind: FieldKind::Email(view.email),
            hint: Some(email_hint),
        },
        Field {
            form: "settings",
            name: "current_password",
            label: "Current password",
            kind: FieldKind::OptionalPassword,
            hint: Some("Required only if you change the email address."),
        },
    ];
    html! {
        section.card aria-labelledby="settings" {
            h2 #settings { "Your details" }
            form method="post" action=(shell.path("/account/change_settings")) {
                (form::summary("settings", &fields, view.profile_errors))
                (form::csrf(view.csrf_token))
                (form::owner(view.owner))
                (form::username_for_password_managers(view.username))
                @for field in &fields { (form::field(field, view.profile_errors)) }
                button.button.primary type="submit" { "Save details" }
            }
            @if view.sends_mail && !view.email_confirmed && !view.stored_email.is_empty() {
                form method="post" action=(shell.path("/account/email/send")) {
                    p {
                        bdi { (view.stored_email) }
                        " is not confirmed yet. Open the link in the confirmation email. If you cannot find the email, "
                        "check your spam folder, then send it again. " (FEW_AN_HOUR)
                    }
                    (form::csrf(view.csrf_token))
                    button.button.quiet type="submit" { "Send the email again" }
                }
            }
        }
    }
}

fn password(shell: &Shell<'_>, view: &AccountView<'_>) -> Markup {
    let password_hint = form::new_password_hint(view.min_password);
    let fields = [
        Field {
            form: "password",
            name: "current_password",
            label: "Current password",
            kind: FieldKind::CurrentPassword,
            hint: None,
        },
        Field {
            form: "password",
            name: "new_password",
            label: "New password",
            kind: FieldKind::NewPassword(view.min_password),
            hint: Some(&password_hint),
        },
    ];
    html! {
        section.card aria-labelledby="password" {
            h2 #password { "Password" }
            form method="post" action=(shell.path("/account/password")) {
                (form::summary("password", &fields, view.password_errors))
                (form::csrf(view.csrf_token))
                (form::username_for_password_managers(view.username))
                @for field in &fields { (form::field(field, view.password_errors)) }
                button.button.primary type="submit" { "Change password" }
            }
        }
    }
}
