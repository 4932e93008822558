//! Settings that are refused, and their error messages.

use std::time::Duration;

use hardtack::AuthenticatorBuilder;
use hardtack::CsrfPolicy;
use hardtack::config::ClaimsPolicy;
use hardtack::config::Lifetime;
use hardtack::cookie::{CookiePrefix, SameSite};
use hardtack::jwt::{Algorithm, KeyError};
use hardtack::session::SessionPolicy;
use hardtack::token_source::TokenSources;
use hardtack::{
    Authenticator, ConfigError, CookiePolicy, KeySet, MemorySessions, RefreshMode, SigningKey, TokenLocation, Urls,
};

use crate::support::{key, seconds};

/// Returns the error for these settings.
fn refusal(set: impl FnOnce(AuthenticatorBuilder) -> AuthenticatorBuilder) -> ConfigError {
    set(Authenticator::builder(KeySet::new(key())).base_url("https://site.example")).build().unwrap_err()
}

fn assert_message_contains(error: &ConfigError, part: &str) {
    assert!(error.to_string().contains(part), "{error:?}: {error}");
}

#[test]
fn weak_keys_are_refused() {
    let start = |secret: &[u8]| -> Result<Authenticator, ConfigError> {
        Authenticator::builder(KeySet::from_secret(secret)?).build()
    };
    assert_message_contains(&start(b"super-secret").unwrap_err(), "openssl rand -base64 48");
    assert_eq!(start(b"").unwrap_err(), ConfigError::Key(KeyError::Empty));
}

#[test]
fn bad_base_urls_are_refused() {
    let error = refusal(|builder| builder.base_url("site.example"));
    assert!(matches!(error, ConfigError::BadBaseUrl { .. }));
    assert_message_contains(&error, "expected a URL such as https://site.example");
    let error = refusal(|builder| builder.base_url("http://site.example"));
    assert_eq!(error, ConfigError::InsecureBaseUrl { url: "http://site.example".into() });
    assert_message_contains(&error, "use https");
    let insecure = Authenticator::builder(KeySet::new(key())).insecure_http_base_url("http://site.example").build();
    assert!(insecure.is_ok());
    assert!(matches!(refusal(|builder| builder.insecure_http_base_url("ftp://x")), ConfigError::BadBaseUrl { .. }));
}

#[test]
fn s02_same_site_none_needs_secure_and_csrf() {
    let none = || CookiePolicy::default().same_site(SameSite::None);
    let error = refusal(|builder| builder.cookies(none().secure(false)));
    assert_eq!(error, ConfigError::SameSiteNoneWithoutSecure);
    assert_message_contains(&error, "makes the cookies Secure");
    assert_eq!(refusal(|b| b.base_url("http://localhost").cookies(none())), ConfigError::SameSiteNoneWithoutSecure);
    let error = refusal(|builder| builder.csrf(CsrfPolicy::default().insecure_disabled()).cookies(none()));
    assert_eq!(error, ConfigError::SameSiteNoneWithoutCsrf);
    assert_message_contains(&error, "turn on CSRF protection");
}

#[test]
fn bad_cookie_policies_are_refused() {
    let refused = |policy: CookiePolicy| refusal(|builder| builder.cookies(policy));
    let policy = CookiePolicy::default;
    let name = || "access_token_cookie".to_owned();
    for prefix in [CookiePrefix::Host, CookiePrefix::Secure] {
        let error = refused(policy().secure(false).prefix(prefix));
        assert_eq!(error, ConfigError::PrefixWithoutSecure { name: name() });
        assert_message_contains(&error, "use an https base URL");
    }
    let error = refused(policy().prefix(CookiePrefix::Host).domain("site.example"));
    assert_eq!(error, ConfigError::HostPrefixWithDomain { name: name() });
    assert_message_contains(&error, "CookiePrefix::Secure");
    let error = refused(policy().prefix(CookiePrefix::Host).access_paths(["/a"]));
    assert_eq!(error, ConfigError::HostPrefixWithPath { name: name(), paths: vec!["/a".into()] });
    assert_message_contains(&error, "use \"/\"");
    for own in ["__Host-id", "__secure-id"] {
        let error = refused(policy().access_name(own));
        assert_eq!(error, ConfigError::PrefixInName { name: own.into() });
        assert_message_contains(&error, "remove the prefix from the name");
    }
    for readable in ["__Host-Http-id", "__http-id"] {
        let error = refused(policy().csrf_access_name(readable).prefix(CookiePrefix::None));
        assert_eq!(error, ConfigError::HttpPrefixOnReadableCookie { name: readable.into() });
        assert_message_contains(&error, "remove the prefix from the name");
    }
    for bad in ["", "a b", "a;b", "a=b", "\u{e9}"] {
        let error = refused(policy().refresh_name(bad));
        assert_eq!(error, ConfigError::BadCookieName { name: bad.into() });
        assert_message_contains(&error, "expected one or more ASCII letters");
    }
    let error = refused(policy().access_name("one").csrf_refresh_name("one").prefix(CookiePrefix::None));
    let (one, other) = ("access_name", "csrf_refresh_name");
    assert_eq!(error, ConfigError::CookieNameTwice { name: "one".into(), one, other });
    assert_message_contains(&error, "CookiePolicy::access_name and CookiePolicy::csrf_refresh_name both");
    assert_message_contains(&error, "give each cookie its own name");
    // Over http, the names have no prefixes, so they would be equal.
    let error = refused(policy().access_name("id").refresh_name("id").refresh_paths(["/token"]));
    assert_eq!(error, ConfigError::CookieNameTwice { name: "id".into(), one, other: "refresh_name" });
    let error = refused(policy().access_paths(Vec::<String>::new()));
    assert_eq!(error, ConfigError::NoCookiePath { name: name() });
    assert_message_contains(&error, "set at least one");
    for bad in ["", "a", "/a;b", "/a b", "/\u{e9}"] {
        let error = refused(policy().access_paths([bad]));
        assert_eq!(error, ConfigError::BadCookiePath { name: name(), path: bad.into() });
        assert_message_contains(&error, "expected a path that starts with");
    }
    assert!(matches!(refused(policy().csrf_access_path("x")), ConfigError::BadCookiePath { .. }));
    for paths in [["/a", "/a/b"], ["/a/b", "/a"], ["/", "/a"], ["/a", "/a"]] {
        let error = refused(policy().access_paths(paths));
        assert!(matches!(error, ConfigError::NestedCookiePaths { .. }));
        assert_message_contains(&error, "send the cookie twice");
    }
    for bad in ["", "example", "evil.example", "x.site.example", "site example.x"] {
        let error = refused(policy().domain(bad));
        assert_eq!(error, ConfigError::BadCookieDomain { domain: bad.into() });
        assert_message_contains(&error, "a parent domain");
    }
    // Browsers ignore cookies for a public suffix, unless the site's host is the suffix itself.
    let build = |base: &str, domain: &str| {
        Authenticator::builder(KeySet::new(key())).base_url(base).cookies(policy().domain(domain)).build()
    };
    for (base, domain) in [("https://shop.co.uk", "co.uk"), ("https://alice.github.io", ".github.io")] {
        let error = build(base, domain).unwrap_err();
        assert_eq!(error, ConfigError::BadCookieDomain { domain: domain.into() });
        assert_message_contains(&error, "public suffix");
    }
    for (base, domain) in [("https://www.shop.co.uk", "shop.co.uk"), ("https://github.io", "github.io")] {
        assert!(build(base, domain).is_ok(), "{domain}");
    }
}

#[test]
fn bad_lifetimes_are_refused() {
    let stored = |builder: AuthenticatorBuilder| builder.sessions(MemorySessions::new());
    for error in [
        refusal(|builder| builder.access_lifetime(Duration::ZERO)),
        refusal(|builder| builder.refresh_lifetime(Duration::from_millis(999))),
        refusal(|builder| {
            stored(builder)
                .refresh_mode(RefreshMode::Sliding)
                .session_policy(SessionPolicy::default().absolute_lifetime(Duration::ZERO))
        }),
    ] {
        assert!(matches!(error, ConfigError::ZeroLifetime { .. }));
        assert_message_contains(&error, "set at least one second");
    }
    let error = refusal(|builder| builder.access_lifetime(seconds(10)).refresh_lifetime(seconds(9)));
    assert_eq!(error, ConfigError::AccessOutlivesRefresh);
    assert_message_contains(&error, "set a shorter lifetime for access tokens");
    assert_eq!(refusal(|b| b.access_lifetime(Lifetime::InsecureForever)), ConfigError::AccessOutlivesRefresh);
    let error =
        refusal(|builder| stored(builder).session_policy(SessionPolicy::default().absolute_lifetime(seconds(3600))));
    assert_eq!(error, ConfigError::SessionShorterThanRefresh);
    assert_message_contains(&error, "at least as long");
    for error in [
        refusal(|builder| stored(builder).refresh_lifetime(Lifetime::InsecureForever)),
        refusal(|builder| stored(builder).access_lifetime(Lifetime::InsecureForever)),
    ] {
        assert_eq!(error, ConfigError::NeverExpiringWithSessions);
        assert_message_contains(&error, "remove the session store");
    }
    let error =
        refusal(|builder| builder.access_lifetime(Lifetime::InsecureForever).refresh_mode(RefreshMode::Sliding));
    assert_eq!(error, ConfigError::NeverExpiringRefreshed);
    assert_message_contains(&error, "RefreshMode::Off");
    let error = refusal(|builder| builder.claims(ClaimsPolicy::default().leeway(seconds(61))));
    assert_eq!(error, ConfigError::LeewayTooLong { seconds: 61 });
    assert_message_contains(&error, "at most 60 s");
    // In sliding mode, no refresh tokens exist, so their lifetime does not matter.
    let sliding = |builder: AuthenticatorBuilder| {
        stored(builder)
            .refresh_mode(RefreshMode::Sliding)
            .session_policy(SessionPolicy::default().absolute_lifetime(seconds(3600)))
    };
    assert!(sliding(Authenticator::builder(KeySet::new(key()))).build().is_ok());
}

#[test]
fn stored_sessions_need_deterministic_signatures() {
    let keys = || KeySet::new(SigningKey::generate(Algorithm::ES256).unwrap());
    let error = Authenticator::builder(keys()).sessions(MemorySessions::new()).build().unwrap_err();
    assert_eq!(error, ConfigError::RandomizedRefreshSignature { algorithm: "ES256" });
    assert_message_contains(&error, "sign with HS256, EdDSA or RS256");
    assert!(Authenticator::builder(keys()).build().is_ok());
    let sliding = Authenticator::builder(keys()).sessions(MemorySessions::new()).refresh_mode(RefreshMode::Sliding);
    assert!(sliding.build().is_ok());
}

#[test]
fn bad_urls_origins_and_names_are_refused() {
    let urls: [fn(&str) -> Urls; 6] = [
        |url| Urls::default().login(url),
        |url| Urls::default().logout(url),
        |url| Urls::default().signup(url),
        |url| Urls::default().refresh(url),
        |url| Urls::default().reauthenticate(url),
        |url| Urls::default().home(url),
    ];
    for with in urls {
        for bad in ["", "login", "//evil.example", "https://evil.example/login", "/a b", "/a/../b", "/a?b=c", "/a#b"] {
            let error = refusal(|builder| builder.urls(with(bad)));
            assert!(matches!(&error, ConfigError::BadFlowUrl { url, .. } if url == bad), "{bad}: {error:?}");
            assert_message_contains(&error, "expected a path on this site");
        }
    }
    for bad in ["evil.example", "https://site.example/app", "null", "*"] {
        let error = refusal(|builder| builder.csrf(CsrfPolicy::default().trusted_origin(bad)));
        assert_eq!(error, ConfigError::BadTrustedOrigin { origin: bad.into() });
        assert_message_contains(&error, "expected a scheme, a host");
    }
    for bad in ["", "a b", "a:b", "\u{e9}"] {
        let error = refusal(|builder| builder.csrf(CsrfPolicy::default().header(bad)));
        let expected = "letters, digits and !#$%&'*+-.^_`|~";
        assert_eq!(error, ConfigError::BadCsrfName { what: "header", name: bad.into(), expected });
        assert_message_contains(&error, "expected letters, digits");
    }
    // A field may have any name that is not empty.
    let error = refusal(|builder| builder.csrf(CsrfPolicy::default().field("")));
    let expected = "any text that is not empty";
    assert_eq!(error, ConfigError::BadCsrfName { what: "field", name: String::new(), expected });
}

#[test]
fn the_default_refresh_paths_follow_the_urls_of_the_flow() {
    let build = |urls: Urls, policy: CookiePolicy| {
        let builder = Authenticator::builder(KeySet::new(key())).sessions(MemorySessions::new());
        builder.refresh_mode(RefreshMode::Redirect).urls(urls).cookies(policy).build().unwrap()
    };
    let paths = |auth: &Authenticator| -> Vec<String> {
        let all = auth.unset_jwt_cookies();
        let refresh = all.iter().filter(|text| text.contains("refresh_token_cookie"));
        refresh.map(|text| text.split("; Path=").nth(1).unwrap().split(';').next().unwrap().to_owned()).collect()
    };
    assert_eq!(paths(&build(Urls::default(), CookiePolicy::default())), ["/token/refresh"]);
    let narrow = || CookiePolicy::default().access_paths(["/app"]);
    assert_eq!(paths(&build(Urls::default(), narrow())), ["/token/refresh", "/login", "/logout", "/signup"]);
    let under = Urls::default().login("/auth").logout("/auth/out").signup("/auth/new").refresh("/auth/refresh");
    assert_eq!(paths(&build(under, narrow())), ["/auth"]);
    let inside = Urls::default().login("/app/login").logout("/app/logout").signup("/app/signup");
    assert_eq!(paths(&build(inside, narrow())), ["/token/refresh"]);
    assert_eq!(paths(&build(Urls::default(), narrow().refresh_paths(["/own"]))), ["/own"]);
}

/// If a name has two meanings, one reader would read a value that is meant for the other.
#[test]
fn names_with_two_meanings_are_refused() {
    for (name, meaning) in [
        ("Authorization", "carries credentials"),
        ("cookie", "is set by browsers"),
        ("Origin", "is set by browsers"),
        ("Sec-Fetch-Site", "is set by browsers"),
    ] {
        let error = refusal(|builder| builder.csrf(CsrfPolicy::default().refresh_header(name)));
        let setter = "CsrfPolicy::refresh_header";
        assert_eq!(error, ConfigError::HeaderReserved { name: name.to_lowercase(), setter, meaning });
        assert_message_contains(&error, "choose another header");
    }
    let locations = [TokenLocation::Headers, TokenLocation::QueryString];
    let sources = || TokenSources::from(locations);
    let error = refusal(|b| b.token_sources(sources().header_name("X-Csrf-Token")));
    assert_message_contains(&error, "CsrfPolicy::access_header is \"x-csrf-token\"");
    assert_message_contains(&error, "already carries the token");
    let error = refusal(|b| b.token_sources(sources().header_name("Cookie")));
    assert_message_contains(&error, "TokenSources::header_name is \"cookie\"");
    let error = refusal(|b| b.token_sources(sources().query_name("next")));
    assert_eq!(error, ConfigError::QueryNameReserved { name: "next".into() });

    let reserve = |builder: AuthenticatorBuilder| builder.reserve_names(["theme", "cart"], ["page"]);
    let error = refusal(|b| reserve(b).cookies(CookiePolicy::default().csrf_access_name("cart")));
    let setter = "csrf_access_name";
    assert_eq!(error, ConfigError::CookieNameReserved { name: "cart".into(), setter });
}

/// Flask-JWT-Extended accepts all of this.
#[test]
fn the_flask_preset_accepts_names_with_two_meanings() {
    let sources = TokenSources::from([TokenLocation::Headers, TokenLocation::QueryString]);
    let built = Authenticator::builder(KeySet::new(key()))
        .flask_compatible()
        .token_sources(sources.header_name("X-CSRF-TOKEN").query_name("next"))
        .csrf(CsrfPolicy::default().header("Authorization"))
        .cookies(CookiePolicy::default().prefix(CookiePrefix::None).access_name("__Secure-id").refresh_name("id"))
        .build();
    assert!(built.is_ok(), "{:?}", built.err());
}
