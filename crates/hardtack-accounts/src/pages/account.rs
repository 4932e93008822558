//! `/account`: the settings and the password.

use maud::{Markup, html};

use super::form::{self, Field, Kind};
use super::layout::{Page, Width, page};
use super::{FieldError, Shell};

/// Someone's account, as they see it.
pub(crate) struct AccountView<'a> {
    /// The session's CSRF value.
    pub csrf_token: &'a str,
    /// The name they log in with.
    pub username: &'a str,
    /// The name others see, or what was typed as one.
    pub display_name: &'a str,
    /// The email address, or what was typed as one.
    pub email: &'a str,
    /// The stored address, if a letter can be sent to confirm it.
    pub to_confirm: Option<&'a str>,
    /// The day the account was made, for people to read.
    pub created: &'a str,
    /// What is wrong with `display_name` or `email`.
    pub settings_errors: &'a [FieldError<'a>],
    /// What is wrong with `current_password` or `new_password`.
    pub password_errors: &'a [FieldError<'a>],
}

/// The settings form, the password form, and the way to the devices.
pub(crate) fn account(shell: &Shell<'_>, view: &AccountView<'_>) -> Markup {
    let failed = !(view.settings_errors.is_empty() && view.password_errors.is_empty());
    page(
        shell,
        &Page {
            title: form::title(failed, "Account", "Problem: Account"),
            here: Some("/account"),
            width: Width::Medium,
            continue_to: None,
            main: html! {
                h1 { "Account" }
                dl.facts.plain {
                    div { dt { "User name" } dd { bdi { (view.username) } } }
                    div { dt { "Since" } dd { (view.created) } }
                }
                (settings(view))
                (password(view))
                section.card aria-labelledby="devices" {
                    h2 #devices { "Devices" }
                    p { "See where you are logged in, and log out any device that you no longer use." }
                    p.actions { a.button.quiet href="/account/sessions" { "Manage devices" } }
                }
            },
        },
    )
}

fn settings(view: &AccountView<'_>) -> Markup {
    let fields = [
        Field {
            form: "settings",
            name: "display_name",
            label: "Display name",
            kind: Kind::DisplayName(view.display_name),
            hint: Some("Shown instead of your user name."),
        },
        Field { form: "settings", name: "email", label: "Email", kind: Kind::Email(view.email), hint: None },
    ];
    html! {
        section.card aria-labelledby="settings" {
            h2 #settings { "Your details" }
            form method="post" action="/account/change_settings" {
                (form::summary("settings", &fields, view.settings_errors))
                (form::csrf(view.csrf_token))
                @for field in &fields { (form::field(field, view.settings_errors)) }
                button.button.primary type="submit" { "Save details" }
            }
            @if let Some(address) = view.to_confirm {
                form method="post" action="/account/email/send" {
                    p { bdi { (address) } " is not confirmed yet: open the link in the letter that we sent." }
                    (form::csrf(view.csrf_token))
                    button.button.quiet type="submit" { "Send the letter again" }
                }
            }
        }
    }
}

fn password(view: &AccountView<'_>) -> Markup {
    let fields = [
        Field {
            form: "password",
            name: "current_password",
            label: "Current password",
            kind: Kind::CurrentPassword,
            hint: None,
        },
        Field {
            form: "password",
            name: "new_password",
            label: "New password",
            kind: Kind::NewPassword,
            hint: Some(form::NEW_PASSWORD_HINT),
        },
    ];
    html! {
        section.card aria-labelledby="password" {
            h2 #password { "Password" }
            form method="post" action="/account/password" {
                (form::summary("password", &fields, view.password_errors))
                (form::csrf(view.csrf_token))
                (form::username_for_password_managers(view.username))
                @for field in &fields { (form::field(field, view.password_errors)) }
                button.button.primary type="submit" { "Change password" }
            }
        }
    }
}
