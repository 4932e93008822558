//! The default reply to a refused request, which the application can replace. It is a redirect, a page, a problem
//! document, a response for htmx, or what Flask-JWT-Extended would send.

pub(crate) mod flask;

use super::{FailureKind, NO_STORE, Reason, Refused, Reply};
use crate::config::RefreshMode;
use crate::csrf::CsrfError;
use crate::developer_notice;
use crate::html::escaped;
use crate::jwt::TokenError;
use crate::request::Wants;

impl Refused<'_> {
    /// Returns the reply that Hardtack sends if no closure is set with
    /// [`AuthenticatorBuilder::on`](crate::AuthenticatorBuilder::on). A closure can extend this reply, or return it to
    /// some clients and its own reply to others.
    pub fn default_reply(&self) -> Reply {
        let reply = match self.wants {
            _ if self.settings.flask => flask::reply(self),
            Wants::Api => problem(self),
            Wants::Page => match destination(self) {
                Destination::Url(status, url) => Reply::redirect(status, url),
                Destination::Here => page(self),
                Destination::Itself => page_in_loop(self),
            },
            // A browser follows a redirect before htmx sees the response. htmx reads `HX-Redirect` from any response
            // that is not a redirect.
            Wants::Htmx => match destination(self) {
                Destination::Url(_, url) => Reply::new(self.reason.status()).header("hx-redirect", url),
                Destination::Here | Destination::Itself => problem(self),
            },
        };
        reply.header("cache-control", NO_STORE)
    }
}

/// Where to send a browser after a refusal.
enum Destination {
    /// The browser is redirected to this URL. With status 303, the browser opens a page there. With status 307, the
    /// browser posts its form there again.
    Url(u16, String),
    /// The browser is not redirected. The response shows the reason for the refusal.
    Here,
    /// The browser is not redirected, because the redirect would lead back to the requested URL. The next request would
    /// be refused as well, so the redirects would never end.
    Itself,
}

fn destination(refused: &Refused<'_>) -> Destination {
    let kind = refused.reason.kind();
    let url = match kind {
        // The log-in page would not say that the password was changed.
        FailureKind::Revoked if matches!(refused.reason, Reason::EndedAfterChange) => return Destination::Here,
        FailureKind::LogInRefused => refused.form_url(),
        FailureKind::NotFresh => refused.settings.urls.reauthenticate.as_str(),
        FailureKind::RefreshNeeded => &refused.settings.urls.refresh,
        FailureKind::Missing
        | FailureKind::Invalid
        | FailureKind::Expired
        | FailureKind::Revoked
        | FailureKind::UnknownUser => &refused.settings.urls.login,
        _ => return Destination::Here,
    };
    let path = refused.settings.public_path(refused.head.path());
    let replays_body = kind == FailureKind::RefreshNeeded && !refused.head.is_safe();
    if path == url && (refused.head.is_safe() || replays_body) {
        // If the page accepts requests without a token, the page is shown instead of the redirect. This is not an
        // error.
        if !refused.is_optional {
            let text = format!(
                "refused requests are redirected to {url}, but a request to {url} was refused as well; let {url} \
                 accept such requests, for example by applying .route_layer(Require::new(..)) to the other routes only"
            );
            refused.log.redirect_loop.add_at(refused.monotonic, 1, |not_logged| {
                tracing::error!(
                    event = "redirect_loop",
                    path = url,
                    code = refused.reason.code(),
                    not_logged,
                    "{text}"
                );
            });
            developer_notice::print("redirect_loop", &text);
        }
        return Destination::Itself;
    }
    let mut url = refused.next.as_ref().map_or_else(|| url.to_owned(), |next| next.append_to(url));
    let asks_for_log_out = kind == FailureKind::RefreshNeeded && path == refused.settings.urls.logout;
    if (replays_body || asks_for_log_out)
        && let Some((name, _)) = refused.settings.urls.posted_again().iter().find(|(_, own)| path == *own)
    {
        // After the refresh, the browser requests this route again. `next` cannot say this, because it names the page
        // to show after that.
        url.push(if url.contains('?') { '&' } else { '?' });
        url.push_str(name);
        url.push_str("=1");
    }
    if kind == FailureKind::RefreshNeeded && refused.is_optional && refused.next.is_some() {
        // `public=1` says that visitors can see the page too, so the page is still shown if the refresh is refused.
        url.push_str("&public=1");
    }
    let ended =
        matches!(kind, FailureKind::Invalid | FailureKind::Expired | FailureKind::Revoked | FailureKind::UnknownUser);
    // If the reason is `Replaced`, the browser has newer tokens or is about to get them.
    let goes_on = refused.reason.is_early() || matches!(refused.reason, Reason::Replaced);
    if ended && !goes_on {
        // This parameter lets the log-in page say that the session has ended.
        url.push_str(if url.contains('?') { "&ended=1" } else { "?ended=1" });
    }
    Destination::Url(if replays_body { 307 } else { 303 }, url)
}

/// Returns a problem document (RFC 9457). It contains the member `msg`, which clients of Flask-JWT-Extended expect.
fn problem(refused: &Refused<'_>) -> Reply {
    let (reason, kind) = (refused.reason, refused.reason.kind());
    let status = reason.status();
    let offers_refresh = kind == FailureKind::RefreshNeeded
        || (kind == FailureKind::Expired && refused.settings.refresh == RefreshMode::Off);
    let is_refresh = refused.settings.public_path(refused.head.path()) == refused.settings.urls.refresh;
    let advice = match reason {
        // The session may continue, although this token has expired.
        Reason::Token(TokenError::Expired) if offers_refresh && !is_refresh => Reason::RefreshNeeded.advice(),
        _ => reason.advice(),
    };
    let mut body = serde_json::json!({
        "type": "about:blank",
        "title": problem_title(reason),
        "status": status,
        "detail": advice,
        "code": reason.code(),
    });
    body[refused.settings.error_key.as_str()] = advice.into();
    if offers_refresh {
        body["refresh_url"] = refused.settings.urls.refresh.clone().into();
    }
    let reply =
        Reply { body: body.to_string(), ..Reply::new(status) }.header("content-type", "application/problem+json");
    match status {
        // A 401 response must contain a challenge (RFC 9110 section 15.5.2). RFC 6750 section 3 and RFC 9470 section 3
        // define the errors in a challenge.
        401 => reply.header("www-authenticate", challenge(kind, advice)),
        403 if kind == FailureKind::Forbidden && refused.is_bearer => {
            reply.header("www-authenticate", challenge(kind, advice))
        }
        405 => reply.header("allow", "POST"),
        _ => reply.retry_after(reason),
    }
}

/// Returns the challenge. `advice` is the same text as in the body.
fn challenge(kind: FailureKind, advice: &str) -> String {
    match kind {
        FailureKind::Missing | FailureKind::LogInRefused => "Bearer".to_owned(),
        FailureKind::NotFresh => bearer_error("insufficient_user_authentication", advice),
        FailureKind::Forbidden => bearer_error("insufficient_scope", advice),
        _ => bearer_error("invalid_token", advice),
    }
}

/// Returns a `Bearer` challenge with this error. Adds `text` as the `error_description` if RFC 6750 section 3 allows
/// all of its characters there.
fn bearer_error(error: &str, text: &str) -> String {
    if text.bytes().all(|byte| matches!(byte, 0x20..=0x7e) && !matches!(byte, b'"' | b'\\')) {
        format!("Bearer error=\"{error}\", error_description=\"{text}\"")
    } else {
        format!("Bearer error=\"{error}\"")
    }
}

/// Returns a plain page, for applications that have not set a reply of their own.
fn page(refused: &Refused<'_>) -> Reply {
    page_with(refused, refused.reason.explanation())
}

/// Returns the page that is sent instead of a redirect that would loop forever.
fn page_in_loop(refused: &Refused<'_>) -> Reply {
    let reply = page_with(refused, "This page cannot be shown. Please tell the operator of this site.");
    reply.header("www-authenticate", challenge(refused.reason.kind(), refused.reason.advice()))
}

fn page_with(refused: &Refused<'_>, text: &str) -> Reply {
    let kind = refused.reason.kind();
    let body = format!(
        "<!doctype html><html lang=\"en\"><meta charset=\"utf-8\"><meta name=\"viewport\" content=\"width=device-width\">\
         <title>{title}</title><h1>{title}</h1><p>{advice}</p>",
        title = page_title(refused.reason),
        advice = escaped(text),
    );
    let reply = Reply::html(refused.reason.status(), body);
    match kind {
        FailureKind::Method => reply.header("allow", "POST"),
        _ => reply.retry_after(refused.reason),
    }
}

/// Returns the page title for a refusal.
const fn page_title(reason: &Reason) -> &'static str {
    match reason.kind() {
        FailureKind::Csrf if matches!(reason, Reason::Csrf(CsrfError::UnknownState)) => "Please start the log-in again",
        FailureKind::Csrf => "Please send the form again",
        FailureKind::Invalid | FailureKind::UnknownUser => "Not logged in",
        FailureKind::Method => "Page not found",
        _ => problem_title(reason),
    }
}

/// Returns the title of the problem document for a refusal.
const fn problem_title(reason: &Reason) -> &'static str {
    match reason {
        // The tokens in the request were replaced by newer tokens in the same browser.
        Reason::Replaced => "Session renewed",
        Reason::OutcomeUnknown(_) => "Please check your change",
        _ => title(reason.kind()),
    }
}

/// Returns the title for a kind of failure.
const fn title(kind: FailureKind) -> &'static str {
    match kind {
        FailureKind::Missing => "Log-in needed",
        FailureKind::Invalid => "Token not valid",
        FailureKind::Expired | FailureKind::RefreshNeeded => "Session expired",
        FailureKind::NotFresh => "Password needed",
        FailureKind::Revoked => "Session ended",
        FailureKind::UnknownUser => "Unknown user",
        FailureKind::ClaimsRefused | FailureKind::Forbidden => "Not allowed",
        FailureKind::Csrf => "CSRF check failed",
        FailureKind::Method => "Method not allowed",
        FailureKind::BodyNotRead => "Request not received",
        FailureKind::TooManyAttempts => "Too many attempts",
        FailureKind::LogInRefused => "Not logged in",
        FailureKind::InvalidForm => "Form not valid",
        FailureKind::Unavailable => "Try again shortly",
        FailureKind::Internal => "Log-in not completed",
    }
}
