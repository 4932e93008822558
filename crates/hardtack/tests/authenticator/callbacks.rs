//! Callbacks of the application, which correspond to the loaders of Flask-JWT-Extended.

use std::collections::HashSet;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};

use hardtack::BackendError;
use hardtack::authenticator::Blocklist;
use hardtack::jwt::NoExtra;
use hardtack::jwt::{Algorithm, TokenKind};
use hardtack::{KeySet, LogIn, Need, SigningKey, TokenLocation, VerifiedToken};
use serde_json::{Map, json};

use crate::support::{Browser, Request, Site, key, log_in, page, seconds};

/// A blocklist with one subject. It fails for the subject "broken" on demand.
struct Blocked(&'static str);

static BROKEN: AtomicBool = AtomicBool::new(false);

impl Blocklist for Blocked {
    async fn is_blocked(&self, token: &VerifiedToken) -> Result<bool, BackendError> {
        if token.subject() == "broken" && BROKEN.load(Ordering::SeqCst) {
            return Err(BackendError::new("internal details of the blocklist"));
        }
        Ok(token.subject() == self.0)
    }
}

#[test]
fn a_blocked_token_is_refused_everywhere() {
    let site = Site::with(|builder| builder.blocklist(Blocked("mallory")));
    let (mut mallory, mut alice) = (site.browser_of("mallory"), site.browser_of("alice"));
    assert_eq!(site.visit(&mut alice).status, 200);
    let refused = site.respond(&mallory, Request::get("/"), page(Need::access()));
    assert!(refused.is_refused(401, "revoked") && refused.deletes("access_token_cookie"));
    let optional = site.respond(&mallory, Request::get("/"), page(Need::access().optional()));
    assert!(optional.status == 200 && optional.token.is_none() && optional.deletes("access_token_cookie"));
    let skipped = site.respond(&mallory, Request::get("/"), page(Need::access().skip_revocation_check()));
    assert_eq!(skipped.token().subject(), "mallory");
    // Neither the refresh route nor the layer exchanges a blocked refresh token.
    assert!(site.respond(&mallory, Request::get("/"), page(Need::refresh())).is_refused(401, "revoked"));
    site.advance(16 * 60);
    assert!(site.respond(&mallory, Request::get("/"), page(Need::access())).is_refused(401, "revoked"));
    assert!(site.refresh(&mut mallory).is_refused(401, "revoked"));
}

#[test]
fn s41_a_blocklist_that_fails_lets_nobody_in() {
    let site = Site::with(|builder| builder.blocklist(Blocked("")));
    let browser = site.browser_of("broken");
    BROKEN.store(true, Ordering::SeqCst);
    let response = site.respond(&browser, Request::get("/"), page(Need::access().optional()));
    BROKEN.store(false, Ordering::SeqCst);
    assert!(response.is_refused(503, "store_unavailable"));
    assert!(!response.body.contains("details") && response.cookies.is_empty());
}

#[test]
fn an_application_can_refuse_claims() {
    let site = Site::with(|builder| builder.verify_claims(|token| token.claim("tenant") == "acme"));
    let enter = |claims: LogIn| {
        let mut browser = Browser::default();
        site.send(&mut browser, Request::post("/login").json(), log_in(claims));
        site.respond(&browser, Request::get("/"), page(Need::access()))
    };
    assert_eq!(enter(LogIn::new("alice").claim("tenant", "acme")).status, 200);
    assert!(enter(LogIn::new("alice").claim("tenant", "other")).is_refused(403, "claims_refused"));
    assert!(enter(LogIn::new("alice")).is_refused(403, "claims_refused"));
}

#[test]
fn an_application_can_add_claims_and_header_members() {
    static ROLE: Mutex<&str> = Mutex::new("reader");
    let site = Site::with(|builder| {
        builder
            .additional_claims(async |subject, kind| {
                Ok(json!({ "role": format!("{subject}:{}", ROLE.lock().unwrap()), "for": kind.as_str() }))
            })
            .additional_headers(|subject, _| Map::from_iter([("tenant".to_owned(), json!(subject))]))
    });
    let token = site.auth.access_token("alice").claim("for", "me").header("x", 1).issue().unwrap();
    let decoded = site.auth.decode_any::<NoExtra>(token.as_str()).unwrap();
    assert_eq!((decoded.claim("role"), decoded.claim("for")), (json!("alice:reader"), json!("me")));
    let unverified = hardtack::jwt::Unverified::parse(token.as_str()).unwrap();
    assert_eq!((&unverified.header()["tenant"], &unverified.header()["x"]), (&json!("alice"), &json!(1)));
    let refresh = site.auth.refresh_token("alice").issue().unwrap();
    assert_eq!(site.auth.decode_any::<NoExtra>(refresh.as_str()).unwrap().claim("for"), "refresh");

    // The callback is called for each access token of a session. Its refresh token does not contain the claims.
    let mut browser = site.browser_of("bob");
    assert_eq!(site.visit(&mut browser).token().claim("role"), "bob:reader");
    *ROLE.lock().unwrap() = "writer";
    site.advance(16 * 60);
    assert_eq!(site.visit(&mut browser).token().claim("role"), "bob:writer");
    let refresh = site.auth.decode_any::<NoExtra>(browser.refresh()).unwrap();
    assert_eq!(refresh.claim("role"), json!(null));
}

#[test]
fn an_application_cannot_add_reserved_claims_or_header_members() {
    let reserved = Site::stateless(|builder| builder.additional_claims(async |_, _| Ok(json!({ "exp": 1 }))));
    assert!(reserved.auth.access_token("alice").issue().is_err());
    let header = Site::stateless(|builder| {
        builder.additional_headers(|_, _| Map::from_iter([("alg".to_owned(), json!("none"))]))
    });
    assert!(header.auth.access_token("alice").issue().is_err());
}

#[test]
fn each_tenant_can_have_its_own_key() {
    let (acme, other) = (key(), SigningKey::generate(Algorithm::ES256).unwrap());
    let (acme_verifies, other_verifies) = (acme.verifying_key(), other.verifying_key());
    let tenant = |subject: &str| subject.split('/').next().unwrap_or_default().to_owned();
    let acme_key = acme.clone();
    let site = Site::with(|builder| {
        builder
            .token_sources([TokenLocation::Headers, TokenLocation::Cookies])
            .encode_key(move |subject| match tenant(subject).as_str() {
                "acme" => Some(acme.clone()),
                "other" => Some(other.clone()),
                _ => None,
            })
            .decode_key(move |unverified| match unverified.claims()["sub"].as_str().map(tenant).as_deref() {
                Some("acme") => Some(acme_verifies.clone()),
                Some("other") => Some(other_verifies.clone()),
                _ => None,
            })
    });
    let mut tokens = HashSet::new();
    for subject in ["acme/alice", "other/bob", "carol"] {
        let token = site.auth.access_token(subject).issue().unwrap();
        let request = Request::get("/").bearer(token.as_str());
        assert_eq!(site.respond(&Browser::default(), request, page(Need::access())).token().subject(), subject);
        tokens.insert(token.as_str().to_owned());
    }
    assert_eq!(tokens.len(), 3);
    // A tenant's key is only accepted for tokens of that tenant, and only with the algorithm of the key.
    let forge = |subject: &str, key: &SigningKey| {
        let payload = format!(
            "{{\"sub\":\"{subject}\",\"iat\":1800000000,\"exp\":1800000100,\"jti\":\"x\",\"type\":\"access\"}}"
        );
        let token = KeySet::new(key.clone()).sign(payload.as_bytes()).unwrap();
        site.respond(&Browser::default(), Request::get("/").bearer(&token), page(Need::access())).status
    };
    assert_eq!(
        (forge("acme/alice", &acme_key), forge("other/bob", &acme_key), forge("carol", &acme_key)),
        (200, 401, 401)
    );
    // Stored sessions work as well, except with a key whose signatures are random.
    let mut browser = site.browser_of("acme/alice");
    site.advance(16 * 60);
    assert_eq!(site.visit(&mut browser).token().subject(), "acme/alice");
    let refused = site.respond(&Browser::default(), Request::post("/login").json(), log_in("other/bob"));
    assert!(refused.is_refused(500, "cannot_issue"));
}

#[test]
fn s23_a_key_that_is_no_longer_chosen_verifies_no_more() {
    static RETIRED: AtomicBool = AtomicBool::new(false);
    let (old, new) = (key(), key());
    let signing = old.clone();
    let site = Site::stateless(|builder| {
        builder.encode_key(move |_| Some(signing.clone())).decode_key(move |_| {
            let key = if RETIRED.load(Ordering::SeqCst) { &new } else { &old };
            Some(key.verifying_key())
        })
    });
    let browser = site.browser_of("alice");
    let visit = || site.respond(&browser, Request::get("/"), page(Need::access()));
    assert_eq!((visit().status, visit().status), (200, 200));
    RETIRED.store(true, Ordering::SeqCst);
    assert!(visit().is_refused(401, "bad_signature"));
}

#[test]
fn a_verifying_key_issues_no_tokens() {
    let signing = key();
    let issuer = Site::with_keys(KeySet::new(signing.clone()), |builder| builder);
    let keys = KeySet::verifying_only(signing.verifying_key());
    let site = hardtack::Authenticator::builder(keys.clone()).clock(issuer.clock.clone()).build().unwrap();
    let token = issuer.auth.access_token("alice").issue().unwrap();
    assert_eq!(site.decode::<NoExtra>(token.as_str(), TokenKind::Access).unwrap().subject(), "alice");
    assert!(site.access_token("alice").issue().is_err());
    let stored = hardtack::Authenticator::builder(keys).sessions(hardtack::MemorySessions::new()).build();
    assert!(stored.unwrap_err().to_string().contains("private key"));
}

#[test]
fn a_failure_handler_gets_the_refused_token() {
    use hardtack::{FailureKind, Reply};
    let site = Site::with(|builder| {
        builder.token_sources([TokenLocation::Headers]).on(FailureKind::Expired, |refused| {
            Reply::json(401, &json!({ "was": refused.token.map(|token| token.subject().to_owned()) }))
        })
    });
    let token = site.auth.access_token("alice").lifetime(seconds(1)).issue().unwrap();
    site.advance(2);
    let request = Request::get("/").bearer(token.as_str());
    assert_eq!(site.respond(&Browser::default(), request, page(Need::access())).body, "{\"was\":\"alice\"}");
}
