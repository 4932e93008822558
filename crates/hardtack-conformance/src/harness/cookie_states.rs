//! The states that a browser's access cookie can be in and, for each state, the result of a request to a route that
//! requires a token.

use std::time::Duration;

use hardtack::jwt::{Algorithm, NoExtra, TokenKind};
use hardtack::testing::TestClock;
use hardtack::{Authenticator, FailureKind, KeySet, SigningKey};

use super::site::{ACCESS, Site};
use super::summary::without_prefix;
use crate::client::Client;

/// The result of a request to a route that requires an access token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// The request is accepted, and the password was typed recently.
    Fresh,
    /// The request is accepted, but the password was not typed recently.
    NotFresh,
    /// The request is refused with this failure kind and code.
    Refused(FailureKind, &'static str),
    /// The request is refused, because another session has replaced the token's session in the browser. No cookie is
    /// deleted, because the browser might already have the new session's cookies.
    Replaced,
}

/// Returns the part of a response's [summary](super::summary::summary) that lists the deleted cookies. `code` is the
/// reason why the access token was refused. If the token is not valid yet, no cookie is deleted, because the token
/// becomes valid later. For any other reason, both cookies are deleted.
pub(crate) fn deletions(code: &str) -> &'static str {
    if code == "not_yet_valid" { "" } else { " -access -refresh" }
}

/// The `Cookie` fields that a test case sends, and the CSRF value that goes with them.
pub(crate) struct Credentials {
    pub(crate) cookies: Vec<Vec<u8>>,
    pub(crate) csrf: String,
}

/// One state: its name, the `Cookie` fields that a request sends, and the outcome of that request.
pub(crate) struct CookieState {
    pub(crate) name: &'static str,
    pub(crate) cookies: fn(&Tokens) -> Vec<Vec<u8>>,
    pub(crate) outcome: Outcome,
}

/// Valid and invalid tokens of one site. All of them are access tokens, except for `refresh`.
pub(crate) struct Tokens {
    /// A fresh token.
    pub(crate) access: String,
    /// The refresh token of the session that `access` belongs to.
    pub(crate) refresh: String,
    /// The CSRF value of the session that `access` belongs to.
    pub(crate) csrf: String,
    pub(crate) not_fresh: String,
    pub(crate) expired: String,
    /// A token signed with a key that the site does not have.
    pub(crate) foreign: String,
    /// A token signed by another application on the same host. The token's header has a `kid` that the site does not
    /// know.
    pub(crate) elsewhere: String,
    pub(crate) not_yet_valid: String,
    /// A token whose session has ended.
    pub(crate) revoked: String,
    /// A token whose session was replaced by another log-in in the same browser.
    pub(crate) replaced: String,
    /// A token that was issued before its user's claims changed.
    pub(crate) outdated: String,
}

impl Tokens {
    pub(crate) async fn issue(site: &Site) -> Self {
        let fresh = |auth: &Authenticator| auth.access_token("alice").fresh().issue().unwrap().as_str().to_owned();
        let lifetime = Duration::from_secs(60);
        let expired = site.authenticator.access_token("alice").fresh().lifetime(lifetime).issue().unwrap();
        site.clock.advance(lifetime);

        let other_keys = KeySet::new(SigningKey::generate(Algorithm::HS256).unwrap());
        let foreign = Authenticator::builder(other_keys).clock(site.clock.clone()).build().unwrap();
        let other_key = SigningKey::generate(Algorithm::HS256).unwrap().with_key_id("another application");
        let elsewhere = Authenticator::builder(KeySet::new(other_key)).clock(site.clock.clone()).build().unwrap();
        let ahead = TestClock::start_at(site.authenticator.now() + Duration::from_secs(600));
        let not_yet_valid = Authenticator::builder(site.keys.clone()).clock(ahead).build().unwrap();
        let not_fresh = site.authenticator.access_token("alice").issue().unwrap();

        let revoked = access_token(&site.logged_in("carol").await);
        site.authenticator.revoke_all_sessions("carol").await.unwrap();
        let mut again = site.logged_in("dave").await;
        let replaced = access_token(&again);
        let response = again.post("/login").json(&serde_json::json!({ "sub": "dave" })).send().await;
        site.expect("second log-in", &response, "200 +access +refresh");

        let outdated = access_token(&site.logged_in("erin").await);
        let reloaded = site.authenticator.reload_claims("erin").await;
        site.expect_eq("erin's claims are reloaded", reloaded.is_ok(), true);

        let alice = site.alice().await;
        Self {
            access: access_token(&alice),
            refresh: prefixed_cookie(&alice, "refresh_token_cookie").unwrap_or_default(),
            csrf: prefixed_cookie(&alice, "csrf_access_token").unwrap_or_default(),
            not_fresh: not_fresh.as_str().to_owned(),
            expired: expired.as_str().to_owned(),
            foreign: fresh(&foreign),
            elsewhere: fresh(&elsewhere),
            not_yet_valid: fresh(&not_yet_valid),
            revoked,
            replaced,
            outdated,
        }
    }
}

fn access_token(client: &Client) -> String {
    prefixed_cookie(client, "access_token_cookie").unwrap()
}

/// Returns the value of the cookie with this name, whatever its prefix. The prefix depends on the cookie's path.
fn prefixed_cookie(client: &Client, name: &str) -> Option<String> {
    let cookie = client.cookies().into_iter().find(|cookie| without_prefix(&cookie.name) == name);
    cookie.map(|cookie| cookie.value.clone())
}

impl CookieState {
    pub(crate) async fn credentials(&self, site: &Site) -> Credentials {
        let tokens = Tokens::issue(site).await;
        let cookies = (self.cookies)(&tokens);
        // If the token can be decoded, send the token's own CSRF value, so that nothing but the token can be wrong with
        // the request.
        let token = cookies.first().and_then(|field| std::str::from_utf8(field).ok()?.split_once('='));
        let token = token.and_then(|(_, token)| site.authenticator.decode::<NoExtra>(token, TokenKind::Access).ok());
        let csrf = token.and_then(|token| token.claims().csrf.clone()).unwrap_or(tokens.csrf);
        Credentials { cookies, csrf }
    }
}

/// Returns a `Cookie` field with this access token.
pub(crate) fn access_cookie(token: &str) -> Vec<Vec<u8>> {
    vec![format!("{ACCESS}={token}").into_bytes()]
}

/// Returns the token with the last character of its payload changed.
fn tampered(token: &str) -> String {
    let end = token.rfind('.').unwrap();
    let other = if token.as_bytes()[end - 1] == b'A' { 'B' } else { 'A' };
    format!("{}{other}{}", &token[..end - 1], &token[end..])
}

/// Returns a token with the same claims, the header `{"alg":"none"}` and no signature.
fn unsigned(token: &str) -> String {
    let payload = token.split('.').nth(1).unwrap();
    format!("eyJhbGciOiJub25lIiwidHlwIjoiSldUIn0.{payload}.")
}

/// All states of the access cookie, for requests without a refresh cookie.
pub(crate) const COOKIE_STATES: &[CookieState] = {
    use FailureKind::{Expired, Invalid, Missing, Revoked};
    use Outcome::{Fresh, NotFresh, Refused, Replaced};
    const fn state(name: &'static str, cookies: fn(&Tokens) -> Vec<Vec<u8>>, outcome: Outcome) -> CookieState {
        CookieState { name, cookies, outcome }
    }
    &[
        state("no cookie", |_| vec![], Refused(Missing, "missing_token")),
        state("an empty cookie", |_| access_cookie(""), Refused(Missing, "missing_token")),
        state("only other cookies", |_| vec![b"theme=dark; lang=en".to_vec()], Refused(Missing, "missing_token")),
        state("a fresh token", |t| access_cookie(&t.access), Fresh),
        state("a token that is not fresh", |t| access_cookie(&t.not_fresh), NotFresh),
        state("an expired token", |t| access_cookie(&t.expired), Refused(Expired, "expired")),
        state("an outdated token", |t| access_cookie(&t.outdated), Refused(Expired, "expired")),
        state("a tampered token", |t| access_cookie(&tampered(&t.access)), Refused(Invalid, "bad_signature")),
        state("a token signed with another key", |t| access_cookie(&t.foreign), Refused(Invalid, "bad_signature")),
        // The token counts as absent, and its cookie is not deleted.
        state("a token of another application", |t| access_cookie(&t.elsewhere), Refused(Missing, "missing_token")),
        state("an unsigned token", |t| access_cookie(&unsigned(&t.access)), Refused(Invalid, "wrong_algorithm")),
        state(
            "a token without its signature",
            |t| access_cookie(t.access.rsplit_once('.').unwrap().0),
            Refused(Invalid, "not_compact"),
        ),
        state("a quoted token", |t| access_cookie(&format!("\"{}\"", t.access)), Refused(Invalid, "malformed")),
        state("garbage", |_| access_cookie("garbage"), Refused(Invalid, "not_compact")),
        state("9 KB of garbage", |_| access_cookie(&"A".repeat(9000)), Refused(Invalid, "too_large")),
        state("a refresh token in the access cookie", |t| access_cookie(&t.refresh), Refused(Invalid, "wrong_kind")),
        state("a token that is not valid yet", |t| access_cookie(&t.not_yet_valid), Refused(Invalid, "not_yet_valid")),
        state("a token of an ended session", |t| access_cookie(&t.revoked), Refused(Revoked, "revoked")),
        state("a token of a replaced session", |t| access_cookie(&t.replaced), Replaced),
        state(
            "the cookie twice in one field",
            |t| vec![format!("{ACCESS}={0}; {ACCESS}={0}", t.access).into_bytes()],
            Refused(Invalid, "duplicate_cookie"),
        ),
        state(
            "the cookie in two fields",
            |t| [access_cookie(&t.access), access_cookie(&t.not_fresh)].concat(),
            Refused(Invalid, "duplicate_cookie"),
        ),
        state(
            "a valid and an empty cookie",
            |t| vec![format!("{ACCESS}=; {ACCESS}={}", t.access).into_bytes()],
            Refused(Invalid, "duplicate_cookie"),
        ),
    ]
};
