//! Guides, each on one topic. This module contains only documentation.
//!
//! In the repository, these guides are in the folder `crates/hardtack/guide`.

/// Declares a guide: a module whose documentation is a page in the folder `guide`.
///
/// The page defines its links for readers of the repository, where the targets are files. This macro puts definitions
/// with different targets, for rustdoc, in front of the page. If a link is defined twice, Markdown uses the first
/// definition.
macro_rules! guide {
    ($(#[$attribute:meta])* $name:ident, $page:literal, [$($label:literal => $target:expr),* $(,)?]) => {
        $(#[doc = concat!("[", $label, "]: ", $target)])*
        #[doc = ""]
        $(#[$attribute])*
        #[doc = include_str!(concat!("../guide/", $page))]
        pub mod $name {}
    };
}

/// The URL of a file in the repository.
macro_rules! repository {
    ($path:literal) => {
        concat!(env!("CARGO_PKG_REPOSITORY"), "/blob/main/", $path)
    };
}

guide!(sessions, "sessions.md", [
    "`AuthenticatorBuilder::strict_sessions`" => "crate::AuthenticatorBuilder::strict_sessions",
    "`Authenticator::finish_changing_claims`" => "crate::Authenticator::finish_changing_claims",
    "`Authenticator::sessions_page`" => "crate::Authenticator::sessions_page",
    "`SessionPolicy`" => "crate::session::SessionPolicy",
    "`LogIn`" => "crate::LogIn",
    "`SessionStore`" => "crate::session::SessionStore",
    "stores" => "crate::guide::stores",
    "scaling" => repository!("docs/scaling.md"),
    "decision-20" => repository!("docs/decisions/0020-log-out-everywhere-by-session-id.md"),
    "decision-27" => repository!("docs/decisions/0027-outdate-tokens-by-generation.md"),
    "decision-39" => repository!("docs/decisions/0039-load-claims-before-the-rotation.md"),
    "decision-30" => repository!("docs/decisions/0030-follow-the-log-by-default.md"),
    "decision-31" => repository!("docs/decisions/0031-two-clocks.md"),
    "decision-43" => repository!("docs/decisions/0043-device-binding-is-an-offer.md"),
    "decision-47" => repository!("docs/decisions/0047-mark-every-re-authentication.md"),
]);

guide!(
    // hardtack-test-support compiles the examples, because they need hardtack-axum, which depends on this crate.
    #[cfg(not(doctest))]
    streams, "streams.md", [
    "sessions" => "crate::guide::sessions",
    "csrf" => "crate::guide::csrf",
    "axum-example" => repository!("crates/hardtack-axum/examples/streams.rs"),
    "actix-example" => repository!("crates/hardtack-actix/examples/streams.rs"),
]);

guide!(cookies, "cookies.md", [
    "`CookiePolicy`" => "crate::CookiePolicy",
    "`TokenSources`" => "crate::token_source::TokenSources",
    "csrf" => "crate::guide::csrf",
    "log-in" => "crate::guide::log_in#ready-made-routes",
    "remember" => "crate::guide::sessions#remember-me",
    "decision-5" => repository!("docs/decisions/0005-access-cookie-outlives-its-token.md"),
    "decision-21" => repository!("docs/decisions/0021-cookie-rules-for-cookies-only.md"),
]);

guide!(csrf, "csrf.md", [
    "`CsrfPolicy`" => "crate::CsrfPolicy",
    "cookies" => "crate::guide::cookies#where-cookies-are-sent",
    "oauth" => "crate::guide::oauth",
    "log-in" => "crate::guide::log_in",
    "apps" => "crate::guide::single_page_apps",
    "htmx" => "crate::guide::htmx",
]);

guide!(
    // hardtack-test-support compiles the examples, because they need hardtack-axum, which depends on this crate.
    #[cfg(not(doctest))]
    log_in, "log_in.md", [
    "`Urls`" => "crate::Urls",
    "throttling" => "crate::guide::throttling",
]);

guide!(
    // hardtack-test-support compiles the examples, because they need the adapters, which depend on this crate.
    #[cfg(not(doctest))]
    roles, "roles.md", [
    "`FindUser`" => "crate::FindUser",
    "claims" => "crate::guide::sessions#claims-of-your-own",
    "forbidden" => "crate::guide::refusals#what-a-user-may-not-do",
]);

guide!(
    // hardtack-test-support compiles the examples, because they need the adapters, which depend on this crate.
    #[cfg(not(doctest))]
    realms, "realms.md", [
    "`Urls`" => "crate::Urls",
    "roles" => "crate::guide::roles",
    "path" => "crate::guide::cookies#below-a-path-of-the-host",
]);

guide!(
    // hardtack-test-support compiles the examples, because they need the adapters, which depend on this crate.
    #[cfg(not(doctest))]
    single_page_apps, "single_page_apps.md", [
    "csrf" => "crate::guide::csrf",
    "other-origins" => "crate::guide::csrf#other-origins",
    "log-in" => "crate::guide::log_in#ready-made-routes",
    "refusals" => "crate::guide::refusals",
    "streams" => "crate::guide::streams",
]);

guide!(
    // hardtack-test-support compiles the examples, because they need hardtack-axum, which depends on this crate.
    #[cfg(not(doctest))]
    htmx, "htmx.md", [
    "log-in" => "crate::guide::log_in#a-page-of-your-own",
    "own" => "crate::guide::refusals#your-own-response",
    "streams" => "crate::guide::streams",
]);

guide!(
    // hardtack-test-support compiles the examples, because they need hardtack-axum, which depends on this crate.
    #[cfg(not(doctest))]
    production, "production.md", [
    "running" => repository!("docs/running.md"),
    "proxies" => "crate::guide::cookies#behind-a-proxy",
    "rotate" => "crate::guide::keys#rotate-the-key",
    "several" => "crate::guide::sessions#several-processes",
    "throttle" => "crate::guide::throttling",
    "events" => "crate::guide::sessions#events",
    "traces" => "crate::guide::cookies#cookies-in-traces",
]);

guide!(
    // hardtack-test-support compiles the examples, because they need the adapters, which depend on this crate.
    #[cfg(not(doctest))]
    moving, "moving.md", [
    "flask" => repository!("docs/coming-from-flask.md"),
    "stores" => "crate::guide::sessions#the-store",
    "password" => "crate::guide::sessions#a-password-change",
    "log-in" => "crate::guide::log_in#a-page-of-your-own",
    "roles" => "crate::guide::roles",
    "csrf" => "crate::guide::csrf",
    "cookies" => "crate::guide::cookies",
]);

guide!(keys, "keys.md", [
    "`KeyError::NeedsAsymmetric`" => "crate::jwt::KeyError::NeedsAsymmetric",
    "`KeySet`" => "crate::KeySet",
    "`SigningKey`" => "crate::SigningKey",
    "running" => repository!("docs/running.md#keys"),
]);

guide!(explain, "explain.md", [
    "`Explanation`" => "crate::explain::Explanation",
    "refusals" => "crate::guide::refusals",
    "cookies" => "crate::guide::cookies",
    "running" => repository!("docs/running.md#explain-a-cookie"),
    "decision-42" => repository!("docs/decisions/0042-explain-refusals-during-development.md"),
]);

guide!(refusals, "refusals.md", [
    "explain" => "crate::guide::explain",
    "`Reason`" => "crate::refusal::Reason",
    "`Urls`" => "crate::Urls",
    "csrf" => "crate::guide::csrf",
    "throttling" => "crate::guide::throttling",
]);

guide!(
    // hardtack-test-support compiles the examples, because they need hardtack-axum, which depends on this crate.
    #[cfg(not(doctest))]
    throttling, "throttling.md", [
    "`Authenticator::seal`" => "crate::Authenticator::seal",
    "`ThrottleStore`" => "crate::throttle::ThrottleStore",
    "accounts" => repository!("crates/hardtack-accounts"),
    "log-in" => "crate::guide::log_in",
    "proxies" => "crate::guide::cookies#behind-a-proxy",
    "refusals" => "crate::guide::refusals#your-own-response",
]);

guide!(
    // hardtack-test-support compiles the examples, because they need hardtack-axum, which depends on this crate.
    #[cfg(not(doctest))]
    oauth, "oauth.md", [
    "example" => repository!("crates/hardtack-axum/examples/oauth.rs"),
]);

guide!(
    // hardtack-test-support compiles the examples, because they need the adapters, which depend on this crate.
    #[cfg(not(doctest))]
    testing, "testing.md", [
    "stores" => "crate::guide::stores",
    "adapters" => "crate::guide::adapters",
]);

guide!(defaults, "defaults.md", [
    "log-in" => "crate::guide::log_in",
    "explain" => "crate::guide::explain",
    "decision-10" => repository!("docs/decisions/0010-cache-verified-tokens.md"),
    "decision-30" => repository!("docs/decisions/0030-follow-the-log-by-default.md"),
    "architecture" => repository!("ARCHITECTURE.md#where-the-numbers-are"),
]);

guide!(
    // The example needs the feature `testing`.
    #[cfg(any(not(doctest), feature = "testing"))]
    stores, "stores.md", [
    "decision-14" => repository!("docs/decisions/0014-number-the-revocation-log.md"),
]);

guide!(
    // hardtack-test-support compiles the example, because it needs hardtack-conformance, which depends on this crate.
    #[cfg(not(doctest))]
    adapters, "adapters.md", [
    "adapter" => "crate::adapter",
]);
