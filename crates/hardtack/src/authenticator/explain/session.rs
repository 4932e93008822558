//! Explains what is known about a token's session.

use super::verified::{Verified, sentence};
use crate::clock::Timestamp;
use crate::config::RefreshMode;
use crate::event::EventKind;
use crate::explain::{SessionEnd, ago};
use crate::jwt::{Claims, TokenError};
use crate::refusal::Reason;
use crate::session::{RefreshFlaw, Session, SessionId};

/// For an accepted request, says that the session is live, or why the session was not checked.
pub(super) fn live(verified: &Verified<'_>) -> String {
    let authenticator = verified.verifier.authenticator;
    let has_session = claims(verified).is_some_and(|claims| claims.session.is_some());
    let text = match (authenticator.has_store(), has_session, verified.need.skip_revocation_check) {
        _ if !verified.main.is_present() && !verified.refresh.is_present() => {
            "There is no token, so there is no session."
        }
        (_, _, true) => "Not checked, because the route skips this check (`Need::skip_revocation_check`).",
        (false, ..) => {
            "Not checked, because no session store is set. A token is valid until it expires, even after a log-out. To \
             end sessions, set a store with `.sessions(…)`."
        }
        (true, false, _) => "The token does not belong to a session, so it is valid until it expires.",
        (true, true, _) => "The session has not ended.",
    };
    text.to_owned()
}

/// Says why the session was refused and, if this process knows, what ended the session.
pub(super) fn refused(verified: &Verified<'_>, reason: &Reason) -> String {
    let now = verified.verifier.authenticator.now();
    let what = match reason {
        Reason::Token(TokenError::Expired) => {
            return "The session's claims have changed since the token was issued, so the token counts as expired."
                .to_owned();
        }
        Reason::Refresh(flaw) => match flaw {
            RefreshFlaw::UnknownSession => {
                return "The session store does not know the refresh token's session.".to_owned();
            }
            RefreshFlaw::Reused => {
                "The refresh token was already used, and a newer one exists. A copy may be in use elsewhere, so the \
                 session was ended."
            }
            RefreshFlaw::Ahead => {
                "The refresh token is newer than its session in the store, so the store has lost writes."
            }
            RefreshFlaw::Superseded => {
                return "The user has entered the password again since the token was issued, so the token was replaced. \
                        The session continues with its new tokens."
                    .to_owned();
            }
            RefreshFlaw::SessionExpired => "The session has expired.",
            RefreshFlaw::SessionEnded => "The session was ended.",
            RefreshFlaw::Unproven | RefreshFlaw::ProofFailed => return sentence(&reason.to_string()),
        },
        Reason::Revoked => "The session was ended, or the application's blocklist contains the token.",
        Reason::Replaced => {
            "The tokens were replaced because the browser logged in again, or because the user changed the password or \
             entered it again. The request was probably sent before the response with the newer tokens arrived."
        }
        other => return sentence(&other.to_string()),
    };
    let known = [cause(verified, now), row(verified, now)];
    let known: Vec<String> = known.into_iter().flatten().collect();
    format!("{what} {}", known.join(" ")).trim_end().to_owned()
}

fn claims<'a>(verified: &'a Verified<'_>) -> Option<&'a Claims> {
    verified.main.claims.as_deref().or(verified.refresh.claims.as_deref())
}

/// Returns a sentence that says which event in this process ended the session.
fn cause(verified: &Verified<'_>, now: Timestamp) -> Option<String> {
    let claims = claims(verified)?;
    let session = SessionId::from_u128(claims.session?);
    let began = claims.auth_time.unwrap_or(claims.issued_at);
    let SessionEnd { kind, at, .. } =
        verified.verifier.authenticator.recorder()?.end_of(session, &claims.subject, began)?;
    let what = match kind {
        EventKind::LogOut => "The user logged out",
        EventKind::PasswordChanged => "The user's password was changed",
        EventKind::ReuseDetected => "A used refresh token was sent again",
        EventKind::Replaced => "The same browser logged in again",
        _ => "The application ended the session",
    };
    Some(format!("{what} {}.", ago(at, now)))
}

/// Returns a sentence that says what the session store knew about the session when the request was refused.
fn row(verified: &Verified<'_>, now: Timestamp) -> Option<String> {
    let session = SessionId::from_u128(claims(verified)?.session?);
    let text = match verified.verifier.authenticator.recorder()?.row(session)? {
        None => "The session store does not know the session.".to_owned(),
        Some(Session { revoked_at: Some(at), .. }) => {
            format!("According to the session store, the session ended {}.", ago(at, now))
        }
        Some(row) if row.absolute_expires_at <= now => {
            format!("The session reached its maximum age {} (`SessionPolicy`).", ago(row.absolute_expires_at, now))
        }
        Some(row) if row.expires_at <= now => {
            let setter = match verified.verifier.authenticator.refresh_mode() {
                RefreshMode::Sliding => "access_lifetime",
                RefreshMode::Transparent | RefreshMode::Redirect | RefreshMode::Off => "refresh_lifetime",
            };
            format!(
                "The session was last used {}. It was not used again, so it expired {} (`.{setter}(…)`).",
                ago(row.rotated_at, now),
                ago(row.expires_at, now)
            )
        }
        Some(_) => return None,
    };
    Some(text)
}
