//! Applications that share a key or a host, told apart by a realm.

use hardtack::config::ClaimsPolicy;
use hardtack::jwt::{NoExtra, TokenError, TokenKind};
use hardtack::{AuthenticatorBuilder, ConfigError, KeySet, MemorySessions};

use crate::support::{Browser, Request, Site, key, log_in, page};
use hardtack::Need;

fn named(realm: &'static str) -> impl FnOnce(AuthenticatorBuilder) -> AuthenticatorBuilder {
    move |builder| builder.realm(realm)
}

#[test]
fn e15_two_realms_on_one_key_refuse_each_others_tokens() {
    let keys = KeySet::new(key());
    let (shop, blog) = (Site::with_keys(keys.clone(), named("shop")), Site::with_keys(keys.clone(), named("blog")));
    let plain = Site::with_keys(keys, |builder| builder);
    let names = [(&shop, "shop_"), (&blog, "blog_"), (&plain, "")];
    for (from, _) in names {
        let alice = from.browser_of("alice");
        for (to, realm) in names {
            // The cookies under the other site's names.
            let copied = Browser::default()
                .with(&format!("__Host-{realm}access_token_cookie"), alice.access())
                .with(&format!("__Host-Http-{realm}refresh_token_cookie"), alice.refresh());
            let own = std::ptr::eq(from, to);
            let response = to.visit(&mut copied.clone());
            assert_eq!((response.status, response.code), if own { (200, "") } else { (401, "wrong_audience") });
            let mut refresh_only = copied.without(&["access_token_cookie"]);
            let refreshed = to.send(&mut refresh_only, Request::get("/page"), page(Need::access()));
            assert_eq!(refreshed.status == 200, own, "{}", refreshed.code);
        }
    }
}

#[test]
fn e15_the_cookies_of_two_realms_on_one_host_do_not_meet() {
    let keys = KeySet::new(key());
    let (shop, blog) = (Site::with_keys(keys.clone(), named("shop")), Site::with_keys(keys, named("blog")));
    let mut browser = shop.browser_of("alice");
    assert!(browser.value("shop_access_token_cookie").is_some() && browser.value("shop_csrf_access_token").is_some());
    assert_eq!(blog.send(&mut browser, Request::post("/login").json(), log_in("bob")).status, 200);
    assert_eq!(shop.visit(&mut browser).token().subject(), "alice");
    assert_eq!(blog.visit(&mut browser).token().subject(), "bob");
    // A log-out of one leaves the other alone.
    let csrf = browser.value("blog_csrf_access_token").unwrap().to_owned();
    let response = blog.send(&mut browser, Request::post("/logout").csrf(&csrf), crate::support::log_out);
    assert_eq!(response.status, 200);
    assert_eq!(shop.visit(&mut browser).status, 200);
    assert_eq!(shop.live_sessions("alice").len(), 1);
}

#[test]
fn e15_a_form_of_one_realm_is_not_valid_in_another() {
    let keys = KeySet::new(key());
    let (shop, blog) = (Site::with_keys(keys.clone(), named("shop")), Site::with_keys(keys, named("blog")));
    let mut token = String::new();
    let mut browser = Browser::default();
    shop.send(&mut browser, Request::get("/login"), |exchange| {
        let (field, cookies) = exchange.pre_session()?.into_parts();
        token = field;
        Ok(cookies.into())
    });
    let nonce = browser.value("shop_csrf_pre_session").unwrap();
    let mut planted = Browser::default().with("__Host-Http-blog_csrf_pre_session", nonce);
    let request = || Request::post("/login").form(&token);
    assert!(blog.send(&mut planted, request(), log_in("mallory")).is_refused(403, "csrf_mismatch"));
    assert_eq!(shop.send(&mut browser, request(), log_in("alice")).status, 200);
}

#[test]
fn e15_a_realm_goes_with_audiences_and_with_single_tokens() {
    let keys = KeySet::new(key());
    let audience = |builder: AuthenticatorBuilder| builder.claims(ClaimsPolicy::default().audience("api"));
    let shop = Site::with_keys(keys.clone(), |builder| audience(builder).realm("shop"));
    let blog = Site::with_keys(keys.clone(), |builder| audience(builder).realm("blog"));
    let plain = Site::with_keys(keys.clone(), audience);
    let token = shop.auth.access_token("alice").issue().unwrap();
    assert_eq!(token.claims().audience, ["api", "shop"]);
    let decode = |site: &Site, text: &str| site.auth.decode::<NoExtra>(text, TokenKind::Access).map(drop);
    assert_eq!(decode(&shop, token.as_str()), Ok(()));
    assert_eq!(decode(&blog, token.as_str()), Err(TokenError::WrongAudience));
    // Without a realm, an audience in common suffices: a realm separates only if both sides have one.
    assert_eq!(decode(&plain, token.as_str()), Ok(()));
    assert_eq!(
        decode(&shop, plain.auth.access_token("alice").issue().unwrap().as_str()),
        Err(TokenError::WrongAudience)
    );
    // The realm is added to an audience of a single token, and does not replace those that are required.
    let own = shop.auth.access_token("alice").audience("elsewhere").issue().unwrap();
    assert_eq!(own.claims().audience, ["elsewhere", "shop"]);
    assert_eq!(decode(&shop, own.as_str()), Err(TokenError::WrongAudience));
    // Stateless sessions keep their realm over a refresh.
    let stateless = Site::stateless_with(keys, |builder| builder.realm("shop"));
    let mut alice = stateless.browser_of("alice");
    stateless.advance(1000);
    assert_eq!(stateless.visit(&mut alice).token().claims().audience, ["shop"]);
}

#[test]
fn e15_the_name_of_a_realm_fits_into_a_cookies_name() {
    for bad in ["", "a b", "a;b", "a=b", "_a", "-a", "\u{e9}", &"x".repeat(33)] {
        let builder = hardtack::Authenticator::builder(KeySet::new(key())).sessions(MemorySessions::new());
        let error = builder.realm(bad).build().unwrap_err();
        assert_eq!(error, ConfigError::BadRealm { name: bad.into() });
        assert!(error.to_string().contains("expected 1 to 32 letters"));
    }
    let prefixed =
        hardtack::CookiePolicy::default().access_name("__Host-id").prefix(hardtack::cookie::CookiePrefix::None);
    let site = Site::with(|builder| builder.realm("a.1").cookies(prefixed));
    assert!(site.browser_of("alice").value("__Host-a.1_id").is_some());
    let prefixed =
        hardtack::CookiePolicy::default().refresh_name("__Host-Http-id").prefix(hardtack::cookie::CookiePrefix::None);
    let site = Site::with(|builder| builder.realm("a.1").cookies(prefixed));
    assert!(site.browser_of("alice").value("__Host-Http-a.1_id").is_some());
}
