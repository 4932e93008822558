//! The site's own pages for refused requests.

use hardtack::{Builder, FailureKind, Refused, Reply, Wants};

use crate::pages::{FailureView, Shell, failure};

/// Answers people with this site's pages where there is no page to send them to. Programs get the
/// core's problem details.
pub fn with_pages(builder: Builder) -> Builder {
    [
        FailureKind::Csrf,
        FailureKind::ClaimsRefused,
        FailureKind::Method,
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
        FailureKind::Csrf => "That form could not be checked",
        FailureKind::ClaimsRefused => "Not allowed",
        FailureKind::Method => "Not that way",
        FailureKind::Unavailable => "Try again in a moment",
        _ => "Something went wrong here",
    };
    let view = FailureView { status: reply.status, title, explanation: refused.reason.advice(), action: None };
    reply.body = failure(&Shell::default(), &view).into_string();
    reply
}
