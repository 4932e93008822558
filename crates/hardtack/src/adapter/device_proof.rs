//! Replies that make a browser prove that it has its device's key and then repeat the request.

use super::Exchange;
use crate::authenticator::{ARRIVED, NOTE_LIFETIME, REDIRECTED};
use crate::cookie::{SetCookies, Setting};
use crate::html::escaped;
use crate::refusal::{NO_STORE, Reason, Reply};
use crate::request::{NextPath, Wants};

impl Exchange<'_> {
    /// Returns a reply that makes the browser prove that it has its device's key. Returns `None` if a proof would not
    /// help, or if the browser was asked for a proof a moment ago. In either case, the request is refused.
    ///
    /// The reply is a redirect or a page. In either case, it deletes the browser's access cookie, because browsers send
    /// a proof only if that cookie is missing or about to expire.
    #[cold]
    pub(super) fn ask_for_proof(&self, reason: &Reason) -> Option<Reply> {
        if self.authenticator.settings().flask || self.state.is_head_sent() {
            return None;
        }
        let (reply, note) = match reason {
            Reason::ProofNeeded if self.verifier().device_note() != Some(REDIRECTED.as_bytes()) => {
                (Reply::redirect(307, self.here()?.as_str()), REDIRECTED)
            }
            reason if reason.is_unproven() && self.verifier().is_outdated() => {
                (Reply::redirect(307, self.here()?.as_str()), REDIRECTED)
            }
            reason if reason.is_unproven() && self.wants() == Wants::Page && self.verifier().is_arrival() => {
                (come_back(&self.here()?), ARRIVED)
            }
            _ => return None,
        };
        let mut cookies = self.verifier().unset_own_access_token();
        cookies.extend(self.note(note)?);
        Some(Reply { cookies, ..reply.header("cache-control", NO_STORE) })
    }

    fn note(&self, value: &str) -> Option<SetCookies> {
        let (policy, mut cookies) = (self.authenticator.cookies(), SetCookies::default());
        let setting = Setting { domain: None, max_age: Some(NOTE_LIFETIME), now: self.authenticator.now() };
        policy.set(&policy.device_proof, value, &setting, &mut cookies).ok()?;
        Some(cookies)
    }

    /// Deletes the note that says that the browser was asked for a proof, because the browser has now sent one.
    pub(super) fn delete_note(&self, cookies: &mut SetCookies) {
        let policy = self.authenticator.cookies();
        if self.verifier().device_note().is_some() {
            policy.delete(&policy.device_proof, None, cookies);
        }
    }

    /// Returns this request's path and query, or `None` if browsers must not be redirected there.
    fn here(&self) -> Option<NextPath> {
        self.authenticator.next(&self.authenticator.settings().public_path(self.head.target()))
    }
}

/// Returns a page that sends the browser to `here`, so that the request comes from this site. The URL's fragment is
/// lost, because browsers do not send the fragment to the server.
fn come_back(here: &NextPath) -> Reply {
    let page = format!(
        "<!doctype html><html lang=\"en\"><meta charset=\"utf-8\"><title>One moment</title>\
         <p>You followed a link from another site. <a href=\"{}\">Continue</a>.",
        escaped(here.as_str())
    );
    Reply::html(200, page).header("refresh", format!("0; url={}", here.as_str()))
}
