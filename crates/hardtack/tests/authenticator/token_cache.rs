//! The cache of verified tokens must not change the result of a verification: only verified tokens enter it, and
//! everything that can change between two requests is checked for each.

use hardtack::config::ClaimsPolicy;
use hardtack::jwt::NoExtra;
use hardtack::jwt::{Algorithm, TokenKind};
use hardtack::{KeySet, Need, SigningKey};
use proptest::prelude::*;

use crate::support::{Browser, Request, Site, key, page, seconds};

/// Returns a site and a browser whose access token is in the cache.
fn warm() -> (Site, Browser) {
    let site = Site::new();
    let mut alice = site.browser_of("alice");
    for _ in 0..3 {
        assert_eq!(site.visit(&mut alice).token().subject(), "alice");
    }
    (site, alice)
}

/// Sends another access token, and returns the code of the refusal.
fn visit_with(site: &Site, browser: &Browser, token: &str) -> &'static str {
    site.visit(&mut browser.replacing("access_token_cookie", token)).code
}

#[test]
fn s10_s20_what_differs_from_a_remembered_token_in_any_byte_is_refused() {
    let (site, alice) = warm();
    let token = alice.access().to_owned();
    for index in 0..token.len() {
        let mut forged = token.clone().into_bytes();
        forged[index] = if forged[index] == b'A' { b'B' } else { b'A' };
        let forged = String::from_utf8(forged).unwrap();
        assert_ne!(visit_with(&site, &alice, &forged), "", "{index}");
        // Skip the empty cookie: it counts as absent, so the layer would refresh.
        assert!(index == 0 || !visit_with(&site, &alice, &token[..index]).is_empty(), "{index}");
    }
    let (signed, signature) = token.rsplit_once('.').unwrap();
    for forged in [format!("{token}A"), format!("{token}="), format!("{token}.{signature}"), format!("{signed}.")] {
        assert_ne!(visit_with(&site, &alice, &forged), "", "{forged}");
        // A refused token is not cached.
        assert_ne!(visit_with(&site, &alice, &forged), "", "{forged}");
    }
    assert_eq!(visit_with(&site, &alice, &token), "");
}

#[test]
fn s11_the_same_payload_under_another_signature_is_refused() {
    let (site, alice) = warm();
    let payload = site.auth.decode::<NoExtra>(alice.access(), TokenKind::Access).unwrap().payload().to_vec();
    let other = KeySet::new(key()).sign(&payload).unwrap();
    let bob = site.browser_of("bob");
    let (signed, _) = alice.access().rsplit_once('.').unwrap();
    let (_, bobs_signature) = bob.access().rsplit_once('.').unwrap();
    for forged in [other, format!("{signed}.{bobs_signature}")] {
        assert_eq!(visit_with(&site, &alice, &forged), "bad_signature");
    }
}

#[test]
fn s16_a_remembered_token_expires_to_the_second() {
    let site = Site::stateless(|builder| builder.refresh_mode(hardtack::RefreshMode::Off));
    let token = site.auth.access_token("alice").issue().unwrap().as_str().to_owned();
    let read = || site.auth.decode::<NoExtra>(&token, TokenKind::Access).map(|_| ()).map_err(|error| error.code());
    assert_eq!(read(), Ok(()));
    site.advance(899);
    assert_eq!(read(), Ok(()));
    site.advance(1);
    assert_eq!((read(), read()), (Err("expired"), Err("expired")));
}

#[test]
fn s15_a_remembered_token_is_not_valid_before_its_time() {
    let clock = hardtack::testing::TestClock::start_at(crate::support::NOW + seconds(100));
    let keys = KeySet::new(key());
    let later = Site::with_keys(keys.clone(), |builder| builder.clock(clock));
    let token = later.auth.access_token("alice").issue().unwrap();
    assert!(later.auth.decode::<NoExtra>(token.as_str(), TokenKind::Access).is_ok());
    let site = Site::with_keys(keys, |builder| builder);
    let read = || site.auth.decode::<NoExtra>(token.as_str(), TokenKind::Access).map(|_| ());
    assert!(read().is_err() && read().is_err());
    site.advance(100);
    assert!(read().is_ok());
}

#[test]
fn s14_a_remembered_token_is_of_its_own_kind_only() {
    let (site, alice) = warm();
    assert_eq!(visit_with(&site, &alice, alice.refresh()), "wrong_kind");
    let swapped = alice.replacing("refresh_token_cookie", alice.access());
    let response = site.send(&mut swapped.clone(), Request::get("/"), page(Need::refresh()));
    assert_eq!(response.code, "wrong_kind");
    for _ in 0..2 {
        assert!(site.auth.decode::<NoExtra>(alice.refresh(), TokenKind::Refresh).is_ok());
        assert!(site.auth.decode::<NoExtra>(alice.refresh(), TokenKind::Access).is_err());
    }
}

#[test]
fn s23_another_engine_remembers_nothing_of_this_ones_keys() {
    let (old, new) = (key().with_key_id("old"), key().with_key_id("new"));
    let both = KeySet::new(new.clone()).also_verify(old.verifying_key()).unwrap();
    let site = |keys| Site::stateless_over(keys);
    let (before, during, after) = (site(KeySet::new(old)), site(both), site(KeySet::new(new)));
    let token = before.auth.access_token("alice").issue().unwrap();
    let read = |site: &Site| site.auth.decode::<NoExtra>(token.as_str(), TokenKind::Access).is_ok();
    assert!(read(&before) && read(&before));
    assert!(read(&during) && read(&during));
    assert!(!read(&after) && !read(&after));
}

#[test]
fn s17_another_audience_is_judged_although_the_signature_is_remembered() {
    let keys = KeySet::new(key());
    let ours = Site::with_keys(keys.clone(), |builder| builder.claims(ClaimsPolicy::default().audience("app")));
    let token = ours.auth.access_token("alice").issue().unwrap();
    let foreign = ours.auth.access_token("alice").audience("other").issue().unwrap();
    for _ in 0..2 {
        assert!(ours.auth.decode::<NoExtra>(token.as_str(), TokenKind::Access).is_ok());
        assert!(ours.auth.decode::<NoExtra>(foreign.as_str(), TokenKind::Access).is_err());
    }
}

#[test]
fn s28_a_remembered_token_of_an_ended_session_is_refused() {
    let (site, mut alice) = warm();
    let stolen = alice.clone();
    site.log_out(&mut alice);
    assert!(site.visit(&mut stolen.clone()).is_refused(401, "revoked"));
    assert!(site.visit(&mut stolen.clone()).is_refused(401, "revoked"));
}

#[test]
fn s43_s46_csrf_and_freshness_are_judged_on_every_request() {
    let site = Site::new();
    let mut alice = Browser::default();
    let options = hardtack::LogIn::new("alice").freshness(hardtack::authenticator::Freshness::For(seconds(60)));
    site.send(&mut alice, Request::post("/login").json(), crate::support::log_in(options));
    let fresh = |site: &Site, alice: &Browser| {
        site.send(&mut alice.clone(), Request::get("/"), page(Need::access().fresh())).code
    };
    assert_eq!((site.change(&mut alice).code, fresh(&site, &alice)), ("", ""));
    let bare = site.send(&mut alice.clone(), Request::post("/page"), page(Need::access()));
    assert_eq!(bare.code, "csrf_missing");
    let wrong = Request::post("/page").csrf("0123456789012345678901");
    assert_eq!(site.send(&mut alice.clone(), wrong, page(Need::access())).code, "csrf_mismatch");
    site.advance(61);
    assert_eq!(fresh(&site, &alice), "insufficient_user_authentication");
    assert_eq!(site.visit(&mut alice).code, "");
}

#[test]
fn many_good_and_forged_tokens_change_no_verdict() {
    let site = Site::stateless(|builder| builder.token_cache(8));
    let good = site.auth.access_token("alice").issue().unwrap();
    let read =
        |token: &str| site.auth.decode::<NoExtra>(token, TokenKind::Access).map(|token| token.subject().to_owned());
    for number in 0..500 {
        let other = site.auth.access_token(number.to_string()).issue().unwrap();
        assert_eq!(read(other.as_str()).unwrap(), number.to_string());
        let forged = format!("{}A", other.as_str());
        assert!(read(&forged).is_err() && read(&forged).is_err());
        assert_eq!(read(good.as_str()).unwrap(), "alice");
    }
}

/// A change to a token before it is sent.
#[derive(Clone, Debug)]
enum Change {
    None,
    Byte(prop::sample::Index, u8),
    Cut(prop::sample::Index),
    Header(&'static str),
    OtherKey,
}

fn change() -> impl Strategy<Value = Change> {
    prop_oneof![
        3 => Just(Change::None),
        3 => (any::<prop::sample::Index>(), any::<u8>()).prop_map(|(at, byte)| Change::Byte(at, byte)),
        1 => any::<prop::sample::Index>().prop_map(Change::Cut),
        1 => prop::sample::select(vec![
            r#"{"typ":"JWT","alg":"HS256"}"#, r#"{"alg":"none"}"#, r#"{"alg":"HS512","typ":"JWT"}"#,
            r#"{"alg":"HS256","crit":["exp"]}"#, r#" {"alg":"HS256"}"#, r#"{"alg":"HS256","kid":"x"}"#,
        ]).prop_map(Change::Header),
        1 => Just(Change::OtherKey),
    ]
}

/// A payload with good and bad members.
fn payload() -> impl Strategy<Value = String> {
    let member = prop_oneof![
        Just(r#""sub":"alice""#),
        Just(r#""sub":"Zo\u00eb""#),
        Just(r#""sub":7"#),
        Just(r#""iat":1800000000"#),
        Just(r#""iat":1.8e9"#),
        Just(r#""iat":1800000009"#),
        Just(r#""jti":"x""#),
        Just(r#""jti":"""#),
        Just(r#""type":"access""#),
        Just(r#""type":"refresh""#),
        Just(r#""type":"other""#),
        Just(r#""exp":1800000005"#),
        Just(r#""exp":"1800000005""#),
        Just(r#""exp":01800000005"#),
        Just(r#""nbf":1800000003"#),
        Just(r#""fresh":true"#),
        Just(r#""fresh":null"#),
        Just(r#""csrf":"abc""#),
        Just(r#""gen":3"#),
        Just(r#""gen":-3"#),
        Just(r#""sid":"0123456789abcdef0123456789abcdef""#),
        Just(r#""sid":"0123456789ABCDEF0123456789abcdef""#),
        Just(r#""aud":"app""#),
        Just(r#""aud":["app"]"#),
        Just(r#""role":"x""#),
        Just(r#""role":{"a":[1,2]}"#),
        Just(r#" "s":1 "#),
    ];
    let usual = r#""sub":"alice","iat":1800000000,"jti":"x","type":"access","exp":1800000005"#;
    (any::<bool>(), prop::collection::vec(member, 0..8), 0..8_usize).prop_map(move |(whole, members, at)| {
        let mut members: Vec<&str> = members;
        if whole {
            members.insert(at.min(members.len()), usual);
        }
        format!("{{{}}}", members.join(","))
    })
}

proptest! {
    /// Authenticators with and without a cache return the same results if the same tokens are sent repeatedly while
    /// time passes.
    #[test]
    fn cached_and_uncached_verification_agree(
        tokens in prop::collection::vec((payload(), change()), 1..12),
        sent in prop::collection::vec((any::<prop::sample::Index>(), any::<bool>(), 0..3_u64), 1..60),
    ) {
        let signing = key();
        let keys = KeySet::new(signing.clone());
        let cached = Site::stateless_over(keys.clone());
        let uncached = Site::stateless_with(keys.clone(), |builder| builder.token_cache(0));
        let other = KeySet::new(SigningKey::generate(Algorithm::HS256).unwrap());
        let tokens: Vec<String> = tokens.into_iter().map(|(payload, change)| {
            let token = keys.sign(payload.as_bytes()).unwrap();
            match change {
                Change::None => token,
                Change::Byte(at, byte) => {
                    let mut bytes = token.into_bytes();
                    let index = at.index(bytes.len());
                    bytes[index] = byte & 0x7f;
                    String::from_utf8(bytes).unwrap()
                }
                Change::Cut(at) => token[..at.index(token.len())].to_owned(),
                Change::Header(header) => {
                    let (_, rest) = token.split_once('.').unwrap();
                    format!("{}.{rest}", base64_simd::URL_SAFE_NO_PAD.encode_to_string(header))
                }
                Change::OtherKey => other.sign(payload.as_bytes()).unwrap(),
            }
        }).collect();
        for (which, refresh, pause) in sent {
            let token = &tokens[which.index(tokens.len())];
            let kind = if refresh { TokenKind::Refresh } else { TokenKind::Access };
            let read = |site: &Site| {
                let token = site.auth.decode::<NoExtra>(token, kind).map_err(|error| error.code())?;
                Ok::<_, &str>((token.claims().clone(), token.subject().to_owned(), token.claims().csrf.clone(),
                    token.session(), token.payload().to_vec()))
            };
            prop_assert_eq!(read(&cached), read(&uncached));
            cached.advance(pause);
            uncached.advance(pause);
        }
    }
}
