//! Log-ins that end with a GET request: OAuth callbacks and links in emails.

use std::cell::RefCell;

use hardtack::adapter::Exchange;
use hardtack::clock::Clock;
use hardtack::cookie::SameSite;
use hardtack::{CookiePolicy, KeySet, LogIn};

use crate::support::{Browser, Handled, HandlerResult, Request, Response, Site, block_on, key};

const KEPT: &str = "verifier /orders?page=2";

/// Begins a log-in in a browser and returns its state.
fn begin(site: &Site, browser: &mut Browser) -> String {
    begin_with(site, browser, KEPT)
}

fn begin_with(site: &Site, browser: &mut Browser, kept: &str) -> String {
    let state = RefCell::new(String::new());
    let response = site.send(browser, Request::get("/oauth/start"), |exchange| {
        let (own, cookies) = exchange.begin_external(kept)?;
        state.replace(own);
        Ok(cookies.into())
    });
    assert!(response.status == 200 && response.no_store);
    state.into_inner()
}

/// The handler of the callback: checks the state, then logs alice in.
fn callback(state: &str) -> impl FnOnce(&Exchange<'_>) -> HandlerResult {
    let state = state.to_owned();
    move |exchange| {
        assert_eq!(exchange.finish_external(&state)?, KEPT);
        Ok(block_on(exchange.log_in(LogIn::new("alice")))?.into())
    }
}

/// The browser comes back from the other site.
fn come_back(site: &Site, browser: &mut Browser, state: &str) -> Response {
    let request = Request::get("/oauth/callback?state=x").field("sec-fetch-site", "cross-site");
    site.send(browser, request, callback(state))
}

fn is_unknown(response: &Response) -> bool {
    response.is_refused(403, "csrf_unknown_state") && response.cookies.is_empty()
}

#[test]
fn a_callback_logs_in_and_ends_the_browsers_old_session() {
    let site = Site::new();
    let mut browser = site.browser_of("bob");
    let stolen = browser.clone();
    let state = begin(&site, &mut browser);
    assert_eq!(come_back(&site, &mut browser, &state).status, 200);
    assert_eq!(site.visit(&mut browser).token().subject(), "alice");
    assert!(site.visit(&mut stolen.clone()).is_refused(401, "revoked"));
    assert_eq!(browser.value(&format!("log_in_state_{state}")), None, "the cookie is deleted");
}

#[test]
fn a_state_is_accepted_once_even_if_the_browser_keeps_its_cookie() {
    let site = Site::new();
    let mut browser = Browser::default();
    let state = begin(&site, &mut browser);
    let mut copy = browser.clone();
    assert_eq!(come_back(&site, &mut browser, &state).status, 200);
    assert!(is_unknown(&come_back(&site, &mut browser, &state)));
    assert!(is_unknown(&come_back(&site, &mut copy, &state)));
}

#[test]
fn a_state_belongs_to_its_browser() {
    let site = Site::new();
    let (mut attacker, mut victim) = (Browser::default(), Browser::default());
    let planted = begin(&site, &mut attacker);
    assert!(is_unknown(&come_back(&site, &mut victim, &planted)));
    let own = begin(&site, &mut victim);
    assert!(is_unknown(&come_back(&site, &mut victim, &planted)));
    let longest = "x".repeat(5000);
    for forged in ["", "x", &own[1..], &planted.to_ascii_uppercase(), &longest, "../../../../../../../.."] {
        assert!(is_unknown(&come_back(&site, &mut victim, forged)), "{forged}");
    }
    // The cookie of one state under the name of another.
    let moved = victim.value(&format!("log_in_state_{own}")).unwrap().to_owned();
    let mut mixed = Browser::default().with(&format!("__Host-Http-log_in_state_{planted}"), &moved);
    assert!(is_unknown(&come_back(&site, &mut mixed, &planted)));
    assert_eq!(come_back(&site, &mut victim, &own).status, 200);
}

#[test]
fn a_person_is_asked_to_start_again() {
    let site = Site::new();
    let reload = Request::get("/oauth/callback?state=x").person();
    let response = site.send(&mut Browser::default(), reload, callback("AAAAAAAAAAAAAAAAAAAAAA"));
    assert!(response.is_refused(403, "csrf_unknown_state"));
    assert!(response.body.contains("<h1>Please start the log-in again</h1>"), "{}", response.body);
    assert!(response.body.contains("or was started in another browser. Start the log-in again."), "{}", response.body);
}

#[test]
fn two_tabs_have_two_states() {
    let site = Site::new();
    let mut browser = Browser::default();
    let (first, second) = (begin(&site, &mut browser), begin(&site, &mut browser));
    assert_ne!(first, second);
    assert_eq!(come_back(&site, &mut browser, &first).status, 200);
    assert_eq!(come_back(&site, &mut browser, &second).status, 200);
    assert_eq!(site.live_sessions("alice").len(), 1, "the second log-in replaced the first");
}

#[test]
fn a_log_in_may_take_ten_minutes() {
    let site = Site::new();
    let mut browser = Browser::default();
    let (early, late) = (begin(&site, &mut browser), begin(&site, &mut browser));
    let mut kept = browser.clone();
    site.advance(599);
    assert_eq!(come_back(&site, &mut browser, &early).status, 200);
    site.advance(2);
    assert!(is_unknown(&come_back(&site, &mut browser, &late)));
    // A browser that ignores Max-Age.
    let name = format!("log_in_state_{late}");
    let value = kept.value(&name).unwrap().to_owned();
    kept = Browser::default().with(&format!("__Host-{name}"), &value);
    assert!(is_unknown(&come_back(&site, &mut kept, &late)));
    // A clock that was set back by more than the tolerated difference.
    let state = begin(&site, &mut browser);
    site.clock.set_back(std::time::Duration::from_secs(10));
    assert!(is_unknown(&come_back(&site, &mut browser, &state)));
}

#[test]
fn a_browser_keeps_at_most_eight_states() {
    let site = Site::new();
    let mut browser = Browser::default();
    let mut states = Vec::new();
    for _ in 0..20 {
        states.push(begin(&site, &mut browser));
        site.advance(1);
    }
    let kept = states.iter().filter(|state| browser.value(&format!("log_in_state_{state}")).is_some()).count();
    assert_eq!(kept, 8);
    assert!(is_unknown(&come_back(&site, &mut browser, &states[11])));
    assert_eq!(come_back(&site, &mut browser, &states[12]).status, 200);
    assert_eq!(come_back(&site, &mut browser, &states[19]).status, 200);
}

/// Another site can navigate the browser to the page that begins a log-in, with a long `next`.
#[test]
fn the_states_of_a_browser_have_at_most_4_kb() {
    let site = Site::new();
    let mut browser = Browser::default();
    let mut begin_long = |kept: usize| {
        let state = begin_with(&site, &mut browser, &"x".repeat(kept));
        site.advance(1);
        let sent = browser.cookies_for("/", site.clock.now()).unwrap().len();
        assert!(sent < 4200, "{sent}");
        (state, browser.clone())
    };
    // Each has about 1,060 bytes, and the next one about 2,660.
    let states = [0; 4].map(|_| begin_long(700).0);
    let (long, browser) = begin_long(1900);
    let is_kept = |browser: &Browser, state: &str| browser.value(&format!("log_in_state_{state}")).is_some();
    assert_eq!(states.each_ref().map(|state| is_kept(&browser, state)), [false, false, false, true]);
    assert!(is_kept(&browser, &long));
    // The newest state is kept, even if it takes up almost all of the space.
    for _ in 0..8 {
        let (state, browser) = begin_long(2800);
        assert!(is_kept(&browser, &state) && !is_kept(&browser, &long));
    }
}

#[test]
fn one_state_permits_one_log_in_and_only_by_get() {
    let site = Site::new();
    let mut browser = Browser::default();
    let state = begin(&site, &mut browser);
    let twice = site.send(&mut browser, Request::get("/oauth/callback"), |exchange| {
        exchange.finish_external(&state)?;
        drop(block_on(exchange.log_in("alice"))?);
        Ok(block_on(exchange.log_in("bob"))?.into())
    });
    assert!(twice.is_refused(405, "method_not_allowed"));
    let state = begin(&site, &mut browser);
    let head = site.send(&mut browser, Request::new("HEAD", "/oauth/callback"), callback(&state));
    assert!(head.is_refused(403, "csrf_unknown_state"));
    let posted = site.send(&mut browser, Request::post("/oauth/callback"), callback(&state));
    assert!(posted.is_refused(500, "not_set_up"), "form_post is not supported");
    let without = site
        .send(&mut browser, Request::get("/oauth/callback"), |exchange| Ok(block_on(exchange.log_in("alice"))?.into()));
    assert!(without.is_refused(405, "method_not_allowed"));
    let finished = site.send(&mut browser, Request::get("/oauth/callback"), |exchange| {
        exchange.finish_external(&state)?;
        Ok(Handled::default())
    });
    assert_eq!(
        finished.added.len(),
        1,
        "the cookie is deleted even if the user is not logged in: {:?}",
        finished.added
    );
}

#[test]
fn the_cookie_comes_back_from_another_site_even_under_a_strict_policy() {
    let site = Site::with(|builder| builder.cookies(CookiePolicy::default().same_site(SameSite::Strict)));
    let response = site.respond(&Browser::default(), Request::get("/oauth/start"), |exchange| {
        Ok(exchange.begin_external(KEPT)?.1.into())
    });
    let [cookie] = response.cookies.as_slice() else { panic!("{:?}", response.cookies) };
    assert!(cookie.starts_with("__Host-Http-log_in_state_") && !cookie.contains("/orders"), "{cookie}");
    assert!(cookie.ends_with("; Max-Age=600; Secure; HttpOnly; Path=/; SameSite=Lax"), "{cookie}");
}

#[test]
fn applications_with_the_same_key_accept_only_their_own_states() {
    let key = key();
    let shop = Site::with_keys(KeySet::new(key.clone()), |builder| builder.realm("shop"));
    let blog = Site::with_keys(KeySet::new(key), |builder| builder.realm("blog"));
    let mut browser = Browser::default();
    let state = begin(&shop, &mut browser);
    let value = browser.value(&format!("log_in_state_{state}")).unwrap().to_owned();
    let mut moved = Browser::default().with(&format!("__Host-Http-blog_log_in_state_{state}"), &value);
    assert!(is_unknown(&come_back(&blog, &mut moved, &state)));
    assert_eq!(come_back(&shop, &mut browser, &state).status, 200);
}
