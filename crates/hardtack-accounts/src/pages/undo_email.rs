//! The page `/email/undo`.

use maud::{Markup, html};

use super::form::{self, Field, FieldKind};
use super::layout::{Document, Width, page};
use super::view::{FieldError, Shell};
use crate::settings::Page;

/// The values that the page shows.
pub(crate) struct UndoEmailView<'a> {
    /// The CSRF token for a visitor who is not logged in.
    pub csrf_token: &'a str,
    /// The value of the form's hidden field `link`, which identifies the emailed link without containing its token.
    pub form_key: &'a str,
    /// The user whose address was changed.
    pub username: &'a str,
    /// The address to restore.
    pub address: &'a str,
    /// The minimum length of the new password, in characters.
    pub min_password: u8,
    /// Errors of `new_password`.
    pub errors: &'a [FieldError<'a>],
}

/// Renders the form, which posts `new_password`, `csrf_token` and `link`. Opening the page must not change anything,
/// because mail scanners open the links in emails. The change is made only when someone presses the button, which mail
/// scanners do not do.
pub(crate) fn undo_email(shell: &Shell<'_>, view: &UndoEmailView<'_>) -> Markup {
    let hint = form::new_password_hint(view.min_password);
    let fields = [Field {
        form: "undo",
        name: "new_password",
        label: "New password (optional)",
        kind: FieldKind::OptionalNewPassword(view.min_password),
        hint: Some(&hint),
    }];
    page(
        shell,
        &Document {
            page: Page::UndoEmail,
            title: form::title(
                !view.errors.is_empty(),
                "Restore your email address",
                "Problem: Restore your email address",
            ),
            nav_path: None,
            width: Width::Narrow,
            main: html! {
                div.card {
                    h1 { "Restore your email address" }
                    p { "This changes the email address for the account " bdi.name { (view.username) } " back to " bdi.name { (view.address) } " and logs out all devices." }
                    p { "If you changed the address yourself and want to keep the new one, close this page." }
                    p {
                        "If someone else changed the address, that person knows your password, so choose a new password. "
                        "If you leave the field empty, your password stays the same."
                    }
                    form method="post" action=(shell.path("/email/undo")) {
                        (form::summary("undo", &fields, view.errors))
                        (form::csrf(view.csrf_token))
                        (form::link(view.form_key))
                        (form::username_for_password_managers(view.username))
                        @for field in &fields { (form::field(field, view.errors)) }
                        button.button.primary.full type="submit" { "Restore this address" }
                    }
                }
            },
            ..Document::default()
        },
    )
}
