//! "Remember me": cookies that the browser deletes when it is closed, or that last as long as the session.

use hardtack::session::SessionPolicy;
use hardtack::{CookiePolicy, LogIn};

use crate::support::{Browser, Request, Response, Site, log_in, seconds};

const TOKENS: [&str; 4] = ["access_token_cookie", "refresh_token_cookie", "csrf_access_token", "csrf_refresh_token"];

fn max_age(response: &Response, name: &str) -> Option<u64> {
    let text = response.set_cookie(name).unwrap();
    text.split("; ").find_map(|part| part.strip_prefix("Max-Age=")).map(|age| age.parse().unwrap())
}

/// Logs in, with a "remember me" choice or without one.
fn begin(site: &Site, browser: &mut Browser, remember: Option<bool>) -> Response {
    let options = remember.into_iter().fold(LogIn::new("alice"), LogIn::remember);
    site.send(browser, Request::post("/login").json(), log_in(options))
}

/// Whether persistent cookies are configured, the choice at the log-in, and whether the cookies must be persistent.
const CHOICES: [(bool, Option<bool>, bool); 6] = [
    (false, None, false),
    (false, Some(true), true),
    (false, Some(false), false),
    (true, None, true),
    (true, Some(false), false),
    (true, Some(true), true),
];

#[test]
fn the_choice_at_the_log_in_holds_for_the_whole_session() {
    for (configured, chosen, persistent) in CHOICES {
        let site = Site::with(|builder| {
            builder
                .cookies(CookiePolicy::default().session_cookies(!configured))
                .refresh_lifetime(seconds(5000))
                .session_policy(SessionPolicy::default().absolute_lifetime(seconds(9000)))
        });
        let mut browser = Browser::default();
        let first = begin(&site, &mut browser, chosen);
        site.advance(2000);
        let refreshed = site.visit(&mut browser);
        site.advance(4000);
        let capped = site.refresh(&mut browser);
        let renewed = site.renew(&mut browser);
        let proven = site.reauthenticate(&mut browser, "alice");
        for name in TOKENS {
            let ages = [&first, &refreshed, &capped, &renewed, &proven].map(|response| max_age(response, name));
            // Cookies last until the session has been idle for 5000 s, but not past its absolute end after 9000 s.
            // Renewal begins a new session. If the user has asked to stay logged in, and cookies otherwise end with the
            // browser, the session may be idle for 30 days, so it lasts until its absolute end.
            let idle = if !configured && chosen == Some(true) { 9000 } else { 5000 };
            let expected = [idle, idle.min(7000), 3000, idle, idle].map(|age| persistent.then_some(age));
            assert_eq!(ages, expected, "{name}, {configured} {chosen:?}");
        }
        assert_eq!(site.live_sessions("alice")[0].persistent, persistent);
    }
}

#[test]
fn without_a_store_the_tokens_contain_the_choice() {
    for (configured, chosen, persistent) in CHOICES {
        let site = Site::stateless(|builder| builder.cookies(CookiePolicy::default().session_cookies(!configured)));
        let mut browser = Browser::default();
        let first = begin(&site, &mut browser, chosen);
        assert_eq!(max_age(&first, "refresh_token_cookie").is_some(), persistent);
        site.advance(1000);
        let refreshed = site.visit(&mut browser);
        let renewed = site.renew(&mut browser);
        for response in [&first, &refreshed, &renewed] {
            assert_eq!(max_age(response, "access_token_cookie").is_some(), persistent, "{configured} {chosen:?}");
        }
    }
}
