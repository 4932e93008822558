//! The site's pages for requests that the core refuses.

use hardtack::refusal::Refused;
use hardtack::request::Wants;
use hardtack::{AuthenticatorBuilder, FailureKind, Reply};

use crate::pages::{ErrorView, Shell, error_page};

/// Responds to browsers with this site's error pages wherever the core does not redirect them. Programs get the
/// core's problem details.
pub(crate) fn with_error_pages(builder: AuthenticatorBuilder) -> AuthenticatorBuilder {
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
    .fold(builder, |builder, kind| builder.on(kind, page_or_default))
}

fn page_or_default(refused: &Refused<'_>) -> Reply {
    let mut reply = refused.default_reply();
    if refused.wants != Wants::Page {
        return reply;
    }
    let title = match refused.reason.kind() {
        FailureKind::Csrf => "This form could not be verified",
        FailureKind::ClaimsRefused | FailureKind::Forbidden => "Access denied",
        FailureKind::Method => "Method not allowed",
        FailureKind::BodyNotRead => "Not everything arrived",
        FailureKind::Unavailable => "Temporarily unavailable",
        _ => "Something went wrong",
    };
    let view = ErrorView { status: reply.status, title, explanation: refused.reason.advice(), action: None };
    reply.body = error_page(&Shell::default(), &view).into_string();
    reply
}
