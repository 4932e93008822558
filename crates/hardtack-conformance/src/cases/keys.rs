//! Signing algorithms, and a token's issuer, audience and times.

use std::time::Duration;

use hardtack::authenticator::TokenBuilder;
use hardtack::config::ClaimsPolicy;
use hardtack::jwt::Algorithm;
use hardtack::{Authenticator, AuthenticatorBuilder, KeySet, SigningKey};

use crate::client::Request;
use crate::harness::{ACCESS_LIFETIME, CSRF_ACCESS, Case, REFRESH, Site, access_cookie, cookie_value, csrf_token};

pub(super) fn cases() -> Vec<Case> {
    let mut cases: Vec<_> = [Algorithm::HS512, Algorithm::RS256, Algorithm::EdDSA]
        .map(|algorithm| signed(algorithm, "+access +refresh"))
        .into();
    // These algorithms create randomized signatures. With a session store, refresh tokens must be reproducible, so test
    // these algorithms without a store.
    let randomised = [Algorithm::ES256, Algorithm::PS256];
    cases.extend(randomised.map(|algorithm| signed(algorithm, "+access").stateless()));
    cases.extend(issuer_and_audience());
    cases.extend(leeway());
    cases
}

/// A session from log-in to log-out, with tokens signed with one algorithm.
fn signed(algorithm: Algorithm, renewed: &'static str) -> Case {
    let case = Case::new(format!("keys: a session signed with {algorithm:?}"), move |site| async move {
        let mut alice = site.alice().await;
        site.expect("GET", &alice.get("/protected").send().await, "200");
        let csrf = csrf_token(&alice);
        site.expect("POST", &alice.post("/echo").form(&[("csrf_token", &csrf)]).send().await, "200");
        site.expire_access();
        site.expect("refreshed", &alice.get("/protected").send().await, format!("200 {renewed}"));

        let forged = with_other_key(algorithm).access_token("alice").issue().unwrap();
        expect_access(&site, "another key", forged.as_str(), "401 bad_signature -access -refresh").await;
        let other = if algorithm == Algorithm::HS512 { Algorithm::HS256 } else { Algorithm::HS512 };
        let forged = with_other_key(other).access_token("alice").issue().unwrap();
        expect_access(&site, "another algorithm", forged.as_str(), "401 wrong_algorithm -access -refresh").await;
        site.expect("log-out", &alice.post("/logout").csrf().send().await, "200 -access -refresh");
    });
    case.signed_with(algorithm)
}

fn with_other_key(algorithm: Algorithm) -> Authenticator {
    Authenticator::builder(KeySet::new(SigningKey::generate(algorithm).unwrap())).build().unwrap()
}

/// Sends an access token to two routes. The first route requires a token. On the second route, the token is optional,
/// so a client with an invalid token is treated as a visitor.
async fn expect_access(site: &Site, what: &str, token: &str, expected: &str) {
    let cookies = expected.find(" -").map_or("", |at| &expected[at..]);
    for (path, expected) in [("/protected", expected.to_owned()), ("/anyone", format!("200{cookies}"))] {
        let mut visitor = site.visitor();
        let request = access_cookie(token).iter().fold(visitor.get(path), Request::raw_cookie_header).accept_json();
        site.expect(what, &request.send().await, expected);
    }
}

/// A test case: its name, the settings of the authenticator that issues the token, the changes to the token itself, and
/// the expected response.
type Row = (
    &'static str,
    fn(AuthenticatorBuilder) -> AuthenticatorBuilder,
    fn(TokenBuilder<'_>) -> TokenBuilder<'_>,
    &'static str,
);

/// Tokens for a site that requires an issuer and one of two audiences.
fn issuer_and_audience() -> Vec<Case> {
    const ISSUER: &str = "https://site.example";
    const ROWS: &[Row] = &[
        (
            "the issuer and the first audience",
            |b| b.claims(ClaimsPolicy::default().issuer(ISSUER).audience("app")),
            |t| t,
            "200",
        ),
        (
            "the issuer and the second audience",
            |b| b.claims(ClaimsPolicy::default().issuer(ISSUER).audience("api")),
            |t| t,
            "200",
        ),
        (
            "the issuer and two audiences, one of which matches",
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
            "an audience that starts with ours",
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
    let case = |&(name, settings, token, expected): &Row| {
        let result = if expected == "200" { "accepted" } else { "refused" };
        let case = Case::new(format!("keys: a token with {name} is {result}"), move |site| async move {
            let builder = Authenticator::builder(site.keys.clone()).clock(site.clock.clone());
            let issuer = settings(builder).build().unwrap();
            let token = token(issuer.access_token("alice")).issue().unwrap();
            let deleted = if expected == "200" { "" } else { " -access -refresh" };
            expect_access(&site, name, token.as_str(), &format!("{expected}{deleted}")).await;
        });
        case.configured(|builder| {
            builder.claims(ClaimsPolicy::default().issuer(ISSUER).audience("app").audience("api"))
        })
    };
    let mut cases: Vec<_> = ROWS.iter().map(case).collect();
    let own = Case::new("keys: a session with an issuer and an audience", |site| async move {
        let mut alice = site.alice().await;
        site.expire_access();
        site.expect("refreshed", &alice.get("/protected").send().await, "200 +access +refresh");
        // A refresh token that another service issued is also refused.
        let builder = Authenticator::builder(site.keys.clone()).clock(site.clock.clone());
        let other =
            builder.claims(ClaimsPolicy::default().issuer("https://evil.example").audience("app")).build().unwrap();
        let foreign = other.refresh_token("alice").issue().unwrap();
        let pair = format!("{REFRESH}={}", foreign.as_str());
        let response = site.visitor().get("/protected").raw_cookie_header(pair).accept_json().send().await;
        site.expect("another issuer's refresh token", &response, "401 wrong_issuer -access -refresh");
    });
    cases.push(own.configured(|builder| builder.claims(ClaimsPolicy::default().issuer(ISSUER).audience("app"))));
    cases
}

/// The first and the last second of a token's lifetime.
fn leeway() -> Vec<Case> {
    async fn edges(site: Site, leeway: Duration, skew: Duration) {
        const SECOND: Duration = Duration::from_secs(1);
        let token = site.authenticator.access_token("alice").issue().unwrap();
        site.clock.advance(ACCESS_LIFETIME + leeway - SECOND);
        expect_access(&site, "one second before it expires", token.as_str(), "200").await;
        site.clock.advance(SECOND);
        let mut visitor = site.visitor();
        let at_its_end =
            access_cookie(token.as_str()).iter().fold(visitor.get("/protected"), Request::raw_cookie_header);
        site.expect("when it expires", &at_its_end.send().await, "401 expired -access -refresh");

        let ahead = hardtack::testing::TestClock::start_at(site.authenticator.now() + skew);
        let issuer = Authenticator::builder(site.keys.clone()).clock(ahead.clone()).build().unwrap();
        let early = issuer.access_token("alice").issue().unwrap();
        expect_access(&site, "issued by a clock that is ahead by as much as clocks may differ", early.as_str(), "200")
            .await;
        ahead.advance(SECOND);
        let early = issuer.access_token("alice").issue().unwrap();
        expect_access(&site, "issued by a clock that is one second further ahead", early.as_str(), "401 not_yet_valid")
            .await;
    }
    vec![
        Case::new("keys: the lifetime of a token without leeway", |site| {
            edges(site, Duration::ZERO, Duration::from_secs(3))
        }),
        Case::new("keys: the lifetime of a token with a leeway of 30 s", |site| {
            edges(site, Duration::from_secs(30), Duration::from_secs(30))
        })
        .configured(|builder| builder.claims(ClaimsPolicy::default().leeway(Duration::from_secs(30)))),
        Case::new("keys: the lifetime of a token with a clock skew of 10 s", |site| {
            edges(site, Duration::ZERO, Duration::from_secs(10))
        })
        .configured(|builder| builder.claims(ClaimsPolicy::default().clock_skew(Duration::from_secs(10)))),
        Case::new("keys: a token within the leeway is not refreshed", |site| async move {
            let mut alice = site.alice().await;
            site.expire_access();
            let (csrf, name) = (cookie_value(&alice, CSRF_ACCESS), "csrf_token");
            site.expect("GET", &alice.get("/protected").send().await, "200");
            site.expect("POST", &alice.post("/echo").form(&[(name, csrf)]).send().await, "200");
            site.expect_eq("rotations", site.store.rotations(), 0);
        })
        .configured(|builder| builder.claims(ClaimsPolicy::default().leeway(Duration::from_secs(30)))),
    ]
}
