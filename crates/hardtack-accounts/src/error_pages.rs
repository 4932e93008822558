//! The site's pages for requests that the core refuses.

use hardtack::csrf::CsrfError;
use hardtack::refusal::{Reason, Refused};
use hardtack::request::Wants;
use hardtack::{AuthenticatorBuilder, FailureKind, Reply};

use crate::pages::{ErrorView, Shell, error_page};
use crate::settings::SharedSettings;

/// Sets the replies to failures that do not redirect the browser, such as a wrong CSRF value. A browser gets an error
/// page that is rendered with these settings. An API client still gets the core's problem details.
pub(crate) fn with_error_pages(builder: AuthenticatorBuilder, settings: &SharedSettings) -> AuthenticatorBuilder {
    [
        FailureKind::Csrf,
        FailureKind::ClaimsRefused,
        FailureKind::Forbidden,
        FailureKind::Method,
        FailureKind::BodyNotRead,
        FailureKind::Unavailable,
        FailureKind::Internal,
    ]
    .into_iter()
    .fold(builder, |builder, kind| {
        let settings = settings.clone();
        builder.on(kind, move |refused| page_or_default(refused, &settings))
    })
}

fn page_or_default(refused: &Refused<'_>, settings: &SharedSettings) -> Reply {
    let mut reply = refused.default_reply();
    if refused.wants != Wants::Page {
        return reply;
    }
    let title = match refused.reason.kind() {
        FailureKind::Csrf if is_from_elsewhere(refused.reason) => "Nothing was changed",
        FailureKind::Csrf => "Please send the form again",
        FailureKind::ClaimsRefused | FailureKind::Forbidden => "You may not do this",
        FailureKind::Method => "Page not found",
        FailureKind::BodyNotRead => "Please send the form again",
        FailureKind::Unavailable => "Please try again shortly",
        _ => "Something went wrong",
    };
    let view = ErrorView { status: reply.status, title, explanation: refused.reason.explanation(), action: None };
    reply.body = error_page(&Shell::unknown(&settings.get()), &view).into_string();
    reply
}

fn is_from_elsewhere(reason: &Reason) -> bool {
    matches!(reason, Reason::Csrf(CsrfError::CrossSite))
}
