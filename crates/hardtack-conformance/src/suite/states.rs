//! The states that a browser's cookies can be in, and what each is worth.

use std::time::Duration;

use hardtack::jwt::Algorithm;
use hardtack::jwt::{NoExtra, TokenKind};
use hardtack::testing::TestClock;
use hardtack::{Authenticator, FailureKind, KeySet, SigningKey};

use super::site::{ACCESS, Site};
use super::told::bare;
use crate::client::Client;

/// What a state's cookies are worth where an access token is needed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Worth {
    /// Someone who typed the password recently.
    Fresh,
    /// Someone who did not.
    Stale,
    /// Nothing.
    Refused(FailureKind, &'static str),
    /// Nothing, because the browser has another session by now: its cookies stay.
    Replaced,
}

/// What a case sends in its `Cookie` fields, and the CSRF value that goes with it.
pub(super) struct Held {
    pub(super) cookies: Vec<Vec<u8>>,
    pub(super) csrf: String,
}

/// A name, a maker of the cookies, and their worth.
pub(super) struct State {
    pub(super) name: &'static str,
    pub(super) cookies: fn(&Tokens) -> Vec<Vec<u8>>,
    pub(super) worth: Worth,
}

/// Tokens of every sort, for one site.
pub(super) struct Tokens {
    pub(super) access: String,
    pub(super) refresh: String,
    pub(super) stale: String,
    pub(super) expired: String,
    pub(super) foreign: String,
    pub(super) early: String,
    pub(super) revoked: String,
    pub(super) replaced: String,
    pub(super) outdated: String,
    pub(super) csrf: String,
}

impl Tokens {
    pub(super) async fn of(site: &Site) -> Self {
        let issue = |authenticator: &Authenticator| {
            authenticator.access_token("alice").fresh().issue().unwrap().as_str().to_owned()
        };
        let brief = Duration::from_secs(60);
        let expired = site.authenticator.access_token("alice").fresh().lifetime(brief).issue().unwrap();
        site.clock.advance(brief);

        let elsewhere = KeySet::new(SigningKey::generate(Algorithm::HS256).unwrap());
        let foreign = Authenticator::builder(elsewhere).clock(site.clock.clone()).build().unwrap();
        let ahead = TestClock::start_at(site.authenticator.now() + Duration::from_secs(600));
        let early = Authenticator::builder(site.keys.clone()).clock(ahead).build().unwrap();
        let stale = site.authenticator.access_token("alice").issue().unwrap();

        let revoked = access_of(&site.browser_of("carol").await);
        site.authenticator.revoke_all_sessions("carol").await.unwrap();
        let mut again = site.browser_of("dave").await;
        let replaced = access_of(&again);
        let answer = again.post("/login").json(&serde_json::json!({ "sub": "dave" })).send().await;
        site.expect("logging in again", &answer, "200 +access +refresh");

        let outdated = access_of(&site.browser_of("erin").await);
        site.same("erin is outdated", site.authenticator.reload_claims("erin").await.is_ok(), true);

        let alice = site.alice().await;
        Self {
            access: access_of(&alice),
            refresh: value_under(&alice, "refresh_token_cookie").unwrap_or_default(),
            csrf: value_under(&alice, "csrf_access_token").unwrap_or_default(),
            stale: stale.as_str().to_owned(),
            expired: expired.as_str().to_owned(),
            foreign: issue(&foreign),
            early: issue(&early),
            revoked,
            replaced,
            outdated,
        }
    }
}

fn access_of(client: &Client) -> String {
    value_under(client, "access_token_cookie").unwrap()
}

/// A cookie's value, whichever prefix its path allows it.
fn value_under(client: &Client, name: &str) -> Option<String> {
    client.cookies().into_iter().find(|cookie| bare(&cookie.name) == name).map(|cookie| cookie.value.clone())
}

impl State {
    pub(super) async fn held(&self, site: &Site) -> Held {
        let tokens = Tokens::of(site).await;
        let cookies = (self.cookies)(&tokens);
        // The value that belongs to the token, where one can be read: so that nothing else is wrong with a request.
        let token = cookies.first().and_then(|field| std::str::from_utf8(field).ok()?.split_once('='));
        let token = token.and_then(|(_, token)| site.authenticator.decode::<NoExtra>(token, TokenKind::Access).ok());
        let csrf = token.and_then(|token| token.claims().csrf.clone()).unwrap_or(tokens.csrf);
        Held { cookies, csrf }
    }
}

pub(super) fn access(token: &str) -> Vec<Vec<u8>> {
    vec![format!("{ACCESS}={token}").into_bytes()]
}

/// The token with another last byte of its payload.
fn tampered(token: &str) -> String {
    let end = token.rfind('.').unwrap();
    let other = if token.as_bytes()[end - 1] == b'A' { 'B' } else { 'A' };
    format!("{}{other}{}", &token[..end - 1], &token[end..])
}

/// The same claims under `{"alg":"none"}`.
fn unsigned(token: &str) -> String {
    let payload = token.split('.').nth(1).unwrap();
    format!("eyJhbGciOiJub25lIiwidHlwIjoiSldUIn0.{payload}.")
}

/// Every state in which there is at most an access cookie.
pub(super) const STATES: &[State] = {
    use FailureKind::{Expired, Invalid, Missing, Revoked};
    use Worth::{Fresh, Refused, Replaced, Stale};
    const fn state(name: &'static str, cookies: fn(&Tokens) -> Vec<Vec<u8>>, worth: Worth) -> State {
        State { name, cookies, worth }
    }
    &[
        state("no cookie", |_| vec![], Refused(Missing, "missing_token")),
        state("an empty cookie", |_| access(""), Refused(Missing, "missing_token")),
        state("only other cookies", |_| vec![b"theme=dark; lang=en".to_vec()], Refused(Missing, "missing_token")),
        state("a fresh token", |t| access(&t.access), Fresh),
        state("a stale token", |t| access(&t.stale), Stale),
        state("an expired token", |t| access(&t.expired), Refused(Expired, "expired")),
        state("an outdated token", |t| access(&t.outdated), Refused(Expired, "expired")),
        state("a tampered token", |t| access(&tampered(&t.access)), Refused(Invalid, "bad_signature")),
        state("a token of another key", |t| access(&t.foreign), Refused(Invalid, "bad_signature")),
        state("an unsigned token", |t| access(&unsigned(&t.access)), Refused(Invalid, "wrong_algorithm")),
        state("a token cut short", |t| access(t.access.rsplit_once('.').unwrap().0), Refused(Invalid, "not_compact")),
        state("a quoted token", |t| access(&format!("\"{}\"", t.access)), Refused(Invalid, "malformed")),
        state("garbage", |_| access("garbage"), Refused(Invalid, "not_compact")),
        state("9 KB of garbage", |_| access(&"A".repeat(9000)), Refused(Invalid, "too_large")),
        state("a refresh token as access token", |t| access(&t.refresh), Refused(Invalid, "wrong_kind")),
        state("a token of tomorrow", |t| access(&t.early), Refused(Invalid, "not_yet_valid")),
        state("a token of an ended session", |t| access(&t.revoked), Refused(Revoked, "revoked")),
        state("a token of a replaced session", |t| access(&t.replaced), Replaced),
        state(
            "the cookie twice in one field",
            |t| vec![format!("{ACCESS}={0}; {ACCESS}={0}", t.access).into_bytes()],
            Refused(Invalid, "duplicate_cookie"),
        ),
        state(
            "the cookie in two fields",
            |t| [access(&t.access), access(&t.stale)].concat(),
            Refused(Invalid, "duplicate_cookie"),
        ),
        state(
            "a good and an empty cookie",
            |t| vec![format!("{ACCESS}=; {ACCESS}={}", t.access).into_bytes()],
            Refused(Invalid, "duplicate_cookie"),
        ),
    ]
};
