//! The two routes for sessions that are bound to devices.

use super::Exchange;
use crate::authenticator::{Binding, BoundRefresh, TokenVerdict};
use crate::device_binding::{CHALLENGE, ID, PROOF, ended, read_value};
use crate::jwt::{Fresh, TokenKind};
use crate::refusal::{Failure, FailureKind, NO_STORE, Reason, Reply};
use crate::token::VerifiedToken;

impl Exchange<'_> {
    /// Handles a POST to [`Urls::bind`](crate::Urls::bind), which a browser sends to register its device's public key.
    /// Binds the session to the device and sets new cookies.
    ///
    /// If the session cannot be bound, for example because the log-in was more than a minute ago or the session is
    /// already bound, the reply has status 404 and sets no cookies. The session then continues as before.
    ///
    /// # Errors
    /// - The request's method is not POST, or the request comes from another site.
    /// - The store failed.
    /// - The head of the response has already been sent.
    pub async fn bind_device(&self) -> Result<Reply, Failure> {
        self.require_post()?;
        self.require_unsent_head("bind_device")?;
        self.require_same_origin()?;
        let nothing = || Ok(Reply::new(404).header("cache-control", NO_STORE));
        let tokens = match self.verifier().device_tokens().await {
            Err(reason) if reason.kind() == FailureKind::Unavailable => return Err(self.refuse(reason)),
            tokens => tokens.unwrap_or_default(),
        };
        let Some(proof) = self.single_value(PROOF) else { return nothing() };
        // Another host on the same domain might have planted a second cookie. Select the token of the session that the
        // signed challenge belongs to.
        let signed = tokens.iter().position(|token| self.authenticator.has_signed(token, &proof));
        let Some(refresh) = tokens.into_iter().nth(signed.unwrap_or_default()) else { return nothing() };
        let fresh = self.freshness_of(&refresh);
        let bound = self.authenticator.bind(&refresh, &proof, fresh, &self.verifier().client()).await;
        match bound.map_err(|reason| self.refuse(reason))? {
            Binding::Refused => nothing(),
            Binding::Bound { cookies, instructions } => {
                let reply = Reply::json(200, &instructions).header("cache-control", NO_STORE);
                Ok(Reply { cookies, ..reply })
            }
        }
    }

    /// Handles a POST to [`Urls::bound`](crate::Urls::bound), which a browser sends to refresh a bound session. Sets
    /// new cookies if the browser proves that it has the device's key.
    ///
    /// If there is no valid proof, but the request names a bound session, the reply tells the browser what to do next:
    /// - 403 with a challenge: the browser signs the challenge and posts again.
    /// - 200 with `"continue": false`: the session has ended, and the browser forgets it.
    /// - 503: the browser keeps the session and posts again later. The server sends this status if its clock is behind
    ///   another server's clock, or if the user re-entered the password after the browser sent the request.
    ///
    /// Any other 4xx status would make the browser forget the session.
    ///
    /// # Errors
    /// - The request's method is not POST.
    /// - The store failed. The browser keeps the session and posts again later.
    /// - The request does not name a bound session, and its refresh token is missing or invalid.
    /// - The head of the response has already been sent.
    pub async fn refresh_bound(&self) -> Result<Reply, Failure> {
        self.require_post()?;
        self.require_unsent_head("refresh_bound")?;
        let named = self.single_value(ID);
        let tokens = match self.verifier().device_tokens().await {
            Ok(tokens) => tokens,
            Err(reason) => return self.forget(named.as_deref(), reason),
        };
        // Another host on the same domain might have planted a second cookie, so prefer the token of the session that
        // the browser has bound.
        let is_named = |token: &VerifiedToken| token.session().map(|id| id.to_string()).as_ref() == named.as_ref();
        let at = tokens.iter().position(is_named).unwrap_or_default();
        let Some(refresh) = tokens.into_iter().nth(at) else {
            return self.forget(named.as_deref(), Reason::Missing);
        };
        let own = refresh.session().map(|id| id.to_string());
        if let Some(named) = named.as_deref().filter(|named| own.as_deref() != Some(named)) {
            // The browser has logged in again since it bound the session that the request names.
            return Ok(end_of(named));
        }
        // A script can set the header field with the proof, but not the one with the session id, so accept a proof only
        // together with a session id.
        let proof = if named.is_some() { self.single_value(PROOF) } else { None };
        let verifier = self.verifier();
        let (mark, client) = (verifier.reauthentication_mark(), verifier.client());
        match self.authenticator.refresh_bound(&refresh, proof.as_deref(), mark, &client).await {
            Ok(BoundRefresh::Refreshed { cookies, challenge }) => {
                self.state.set_authenticated();
                let mut reply = Reply { cookies, ..with_challenge(200, challenge) };
                self.delete_note(&mut reply.cookies);
                Ok(reply)
            }
            Ok(BoundRefresh::Challenged(challenge)) => Ok(with_challenge(403, challenge)),
            Ok(BoundRefresh::Superseded) => Ok(later()),
            Ok(BoundRefresh::Unbound) => Ok(end_of(own.as_deref().unwrap_or_default())),
            Err(reason) => self.forget(named.as_deref(), reason),
        }
    }

    /// Returns the response to a refresh that failed for `reason`. If the failure is temporary, the result is a 503 or
    /// an error, so that the browser keeps the session. If the failure is permanent, the response makes the browser
    /// forget the bound session that the request names; if the request names none, the result is an error.
    fn forget(&self, named: Option<&str>, reason: Reason) -> Result<Reply, Failure> {
        let passes = matches!(reason.kind(), FailureKind::Unavailable | FailureKind::Internal);
        match named {
            _ if reason.is_early() => Ok(later()),
            Some(named) if !passes => {
                let useless = self.verifier().makes_cookies_useless(&reason);
                let cookies = if useless { self.verifier().unset_own_cookies() } else { Default::default() };
                Ok(Reply { cookies, ..end_of(named) })
            }
            _ => Err(self.refuse(reason)),
        }
    }

    /// Returns the freshness of the browser's access token, or [`Fresh::No`] if the access token is missing, is not
    /// valid, or belongs to a different session than the refresh token.
    fn freshness_of(&self, refresh: &VerifiedToken) -> Fresh {
        match self.authenticator.cookie_token(&self.head, TokenKind::Access) {
            Ok(Some(TokenVerdict::Valid(access))) if access.session() == refresh.session() => access.claims().fresh,
            _ => Fresh::No,
        }
    }

    fn require_post(&self) -> Result<(), Failure> {
        if self.head.method() == "POST" { Ok(()) } else { Err(self.refuse(Reason::Method)) }
    }

    /// Returns the value of a header field. Returns `None` if the field is missing, malformed or occurs twice.
    fn single_value(&self, name: &str) -> Option<String> {
        match self.head.headers().first_two(name) {
            [Some(value), None] => read_value(value),
            _ => None,
        }
    }
}

fn end_of(session: &str) -> Reply {
    Reply::json(200, &ended(session)).header("cache-control", NO_STORE)
}

/// The response to a refresh that the browser should retry later.
fn later() -> Reply {
    Reply::new(503).header("retry-after", "5").header("cache-control", NO_STORE)
}

fn with_challenge(status: u16, challenge: String) -> Reply {
    Reply::new(status).header(CHALLENGE, challenge).header("cache-control", NO_STORE)
}
