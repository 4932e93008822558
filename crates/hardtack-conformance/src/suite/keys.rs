//! Keys of every sort, and what the settings expect of a token: its issuer, its audience, its times.

use std::time::Duration;

use hardtack::authenticator::TokenBuilder;
use hardtack::config::ClaimsPolicy;
use hardtack::jwt::Algorithm;
use hardtack::{Authenticator, AuthenticatorBuilder, KeySet, SigningKey};

use super::case::Case;
use super::site::{ACCESS_LIFE, CSRF_ACCESS, REFRESH, Site, csrf_of, value_of};
use super::states::access;
use crate::client::Request;

pub(super) fn cases() -> Vec<Case> {
    let mut cases: Vec<_> = [Algorithm::HS512, Algorithm::RS256, Algorithm::EdDSA]
        .map(|algorithm| signed(algorithm, "+access +refresh"))
        .into();
    // A stored session's refresh token has to be signed alike each time; these sign differently.
    let randomised = [Algorithm::ES256, Algorithm::PS256];
    cases.extend(randomised.map(|algorithm| signed(algorithm, "+access").stateless()));
    cases.extend(expectations());
    cases.extend(leeway());
    cases
}

/// The way of a session from log-in to log-out.
fn signed(algorithm: Algorithm, renewed: &'static str) -> Case {
    let case = Case::new(format!("keys: {algorithm:?}"), move |site| async move {
        let mut alice = site.alice().await;
        site.expect("GET", &alice.get("/protected").send().await, "200");
        let csrf = csrf_of(&alice);
        site.expect("POST", &alice.post("/echo").form(&[("csrf_token", &csrf)]).send().await, "200");
        site.expire_access();
        site.expect("refreshed", &alice.get("/protected").send().await, format!("200 {renewed}"));

        let forged = elsewhere(algorithm).access_token("alice").issue().unwrap();
        told(&site, "another key", forged.as_str(), "401 bad_signature -access -refresh").await;
        let other = if algorithm == Algorithm::HS512 { Algorithm::HS256 } else { Algorithm::HS512 };
        let forged = elsewhere(other).access_token("alice").issue().unwrap();
        told(&site, "another algorithm", forged.as_str(), "401 wrong_algorithm -access -refresh").await;
        site.expect("log-out", &alice.post("/logout").csrf().send().await, "200 -access -refresh");
    });
    case.signed(algorithm)
}

fn elsewhere(algorithm: Algorithm) -> Authenticator {
    Authenticator::builder(KeySet::new(SigningKey::generate(algorithm).unwrap())).build().unwrap()
}

/// What an access token is worth, asked for and optional.
async fn told(site: &Site, what: &str, token: &str, expected: &str) {
    for path in ["/protected", "/anyone"] {
        let mut visitor = site.visitor();
        let request = access(token).iter().fold(visitor.get(path), Request::raw_cookie_header).accept_json();
        site.expect(what, &request.send().await, expected);
    }
}

/// A name, the settings of whoever makes the token, its own audience, and what it is worth.
type Row = (
    &'static str,
    fn(AuthenticatorBuilder) -> AuthenticatorBuilder,
    fn(TokenBuilder<'_>) -> TokenBuilder<'_>,
    &'static str,
);

/// The site expects an issuer and one of two audiences.
fn expectations() -> Vec<Case> {
    const ISSUER: &str = "https://site.example";
    const ROWS: &[Row] = &[
        ("its own", |b| b.claims(ClaimsPolicy::default().issuer(ISSUER).audience("app")), |t| t, "200"),
        ("the other audience", |b| b.claims(ClaimsPolicy::default().issuer(ISSUER).audience("api")), |t| t, "200"),
        (
            "one audience of ours among others",
            |b| b.claims(ClaimsPolicy::default().issuer(ISSUER).audience("x").audience("api")),
            |t| t,
            "200",
        ),
        (
            "another audience",
            |b| b.claims(ClaimsPolicy::default().issuer(ISSUER).audience("app")),
            |t| t.audience("elsewhere"),
            "401 wrong_audience",
        ),
        (
            "an audience that begins like ours",
            |b| b.claims(ClaimsPolicy::default().issuer(ISSUER).audience("apps")),
            |t| t,
            "401 wrong_audience",
        ),
        ("no audience", |b| b.claims(ClaimsPolicy::default().issuer(ISSUER)), |t| t, "401 wrong_audience"),
        (
            "another issuer",
            |b| b.claims(ClaimsPolicy::default().issuer("https://evil.example").audience("app")),
            |t| t,
            "401 wrong_issuer",
        ),
        (
            "an issuer in capitals",
            |b| b.claims(ClaimsPolicy::default().issuer("HTTPS://SITE.EXAMPLE").audience("app")),
            |t| t,
            "401 wrong_issuer",
        ),
        ("no issuer", |b| b.claims(ClaimsPolicy::default().audience("app")), |t| t, "401 wrong_issuer"),
    ];
    let case = |&(name, settings, token, worth): &Row| {
        let case = Case::new(format!("keys: a token with {name}"), move |site| async move {
            let builder = Authenticator::builder(site.keys.clone()).clock(site.clock.clone());
            let maker = settings(builder).build().unwrap();
            let made = token(maker.access_token("alice")).issue().unwrap();
            let unset = if worth == "200" { "" } else { " -access -refresh" };
            told(&site, name, made.as_str(), &format!("{worth}{unset}")).await;
        });
        case.configured(|builder| {
            builder.claims(ClaimsPolicy::default().issuer(ISSUER).audience("app").audience("api"))
        })
    };
    let mut cases: Vec<_> = ROWS.iter().map(case).collect();
    let own = Case::new("keys: a session with issuer and audience", |site| async move {
        let mut alice = site.alice().await;
        site.expire_access();
        site.expect("refreshed", &alice.get("/protected").send().await, "200 +access +refresh");
        // A refresh token for somebody else's service is no better than an access token.
        let builder = Authenticator::builder(site.keys.clone()).clock(site.clock.clone());
        let other =
            builder.claims(ClaimsPolicy::default().issuer("https://evil.example").audience("app")).build().unwrap();
        let foreign = other.refresh_token("alice").issue().unwrap();
        let pair = format!("{REFRESH}={}", foreign.as_str());
        let answer = site.visitor().get("/protected").raw_cookie_header(pair).accept_json().send().await;
        site.expect("another issuer's refresh token", &answer, "401 wrong_issuer -access -refresh");
    });
    cases.push(own.configured(|builder| builder.claims(ClaimsPolicy::default().issuer(ISSUER).audience("app"))));
    cases
}

/// A second more or less, at either end of a token's life.
fn leeway() -> Vec<Case> {
    async fn edges(site: Site, leeway: Duration) {
        const SECOND: Duration = Duration::from_secs(1);
        let token = site.authenticator.access_token("alice").issue().unwrap();
        site.clock.advance(ACCESS_LIFE + leeway - SECOND);
        told(&site, "just before its end", token.as_str(), "200").await;
        site.clock.advance(SECOND);
        let mut visitor = site.visitor();
        let at_its_end = access(token.as_str()).iter().fold(visitor.get("/protected"), Request::raw_cookie_header);
        site.expect("at its end", &at_its_end.send().await, "401 expired -access -refresh");

        let ahead = hardtack::testing::TestClock::start_at(site.authenticator.now() + leeway);
        let maker = Authenticator::builder(site.keys.clone()).clock(ahead.clone()).build().unwrap();
        let early = maker.access_token("alice").issue().unwrap();
        told(&site, "made by a clock that is ahead", early.as_str(), "200").await;
        ahead.advance(SECOND);
        let early = maker.access_token("alice").issue().unwrap();
        told(&site, "made by one too far ahead", early.as_str(), "401 not_yet_valid -access -refresh").await;
    }
    vec![
        Case::new("keys: no leeway", |site| edges(site, Duration::ZERO)),
        Case::new("keys: a leeway of 30 s", |site| edges(site, Duration::from_secs(30)))
            .configured(|builder| builder.claims(ClaimsPolicy::default().leeway(Duration::from_secs(30)))),
        Case::new("keys: within the leeway nothing is refreshed", |site| async move {
            let mut alice = site.alice().await;
            site.expire_access();
            let (csrf, name) = (value_of(&alice, CSRF_ACCESS), "csrf_token");
            site.expect("GET", &alice.get("/protected").send().await, "200");
            site.expect("POST", &alice.post("/echo").form(&[(name, csrf)]).send().await, "200");
            site.same("nothing was refreshed", site.store.rotations(), 0);
        })
        .configured(|builder| builder.claims(ClaimsPolicy::default().leeway(Duration::from_secs(30)))),
    ]
}
