//! How many sessions a user may have.

use hardtack::session::SessionPolicy;
use hardtack::{Authenticator, ConfigError, KeySet, MemorySessions};

use crate::support::{Site, block_on, key};

#[test]
fn e19_s82_the_least_recently_used_session_ends_at_the_hundred_and_first_log_in() {
    let site = Site::new();
    let mut first = site.browser_of("alice");
    let mut second = site.browser_of("alice");
    for _ in 2..100 {
        site.advance(1);
        let _ = site.browser_of("alice");
    }
    let mut bob = site.browser_of("bob");
    // The first one is used again, so the second one is the least recently used.
    site.advance(10);
    assert_eq!(site.refresh(&mut first).status, 200);
    assert_eq!((site.live_sessions("alice").len(), site.visit(&mut second).status), (100, 200));
    let mut newest = site.browser_of("alice");
    assert_eq!(site.live_sessions("alice").len(), 100);
    assert!(site.visit(&mut second.clone()).is_refused(401, "revoked"));
    assert!(site.refresh(&mut second).is_refused(401, "revoked"));
    for browser in [&mut first, &mut newest, &mut bob] {
        assert_eq!(site.visit(browser).status, 200);
    }

    // All of them, page by page.
    let mut pages = Vec::new();
    let mut after = None;
    loop {
        let page = block_on(site.auth.sessions_page("alice", after)).unwrap();
        pages.push(page.sessions.len());
        after = page.next.map(|next| next.to_string().parse().unwrap());
        if after.is_none() {
            break;
        }
    }
    assert_eq!(pages, [50, 50]);
    assert_eq!(block_on(site.auth.sessions_page("stranger", None)).unwrap(), Default::default());
}

#[test]
fn the_limit_can_be_chosen() {
    let with = |policy: SessionPolicy| Site::with(|builder| builder.session_policy(policy));
    let site = with(SessionPolicy::default().max_sessions(1));
    let mut old = site.browser_of("alice");
    let mut new = site.browser_of("alice");
    assert_eq!((site.visit(&mut old).status, site.visit(&mut new).status), (401, 200));
    // A new session of the same browser takes the place of the old one.
    assert_eq!(site.renew(&mut new).status, 200);
    assert_eq!(site.visit(&mut new).status, 200);

    let site = with(SessionPolicy::default().insecure_unlimited_sessions());
    for _ in 0..120 {
        let _ = site.browser_of("alice");
    }
    assert_eq!(site.live_sessions("alice").len(), 120);

    let builder = Authenticator::builder(KeySet::new(key())).sessions(MemorySessions::new());
    let refused = builder.session_policy(SessionPolicy::default().max_sessions(0)).build().unwrap_err();
    assert_eq!(refused, ConfigError::NoSessionsAllowed);
}
