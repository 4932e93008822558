//! Links from other sites to pages of a bound session, and cookies that another host has planted.

use hardtack::event::EventKind;
use hardtack::jwt::Algorithm;
use hardtack::testing::TestDevice;
use hardtack::{Need, RefreshMode};

use crate::device::{ACCESS, Bound, Events, bind, count, register_challenge, site, site_with};
use crate::support::{Browser, Request, Response, Site, block_on, page};

/// A link from another site, in a browser.
fn link(target: &str, from: &str) -> Request {
    Request::get(target).person().field("sec-fetch-site", from).field("sec-fetch-mode", "navigate")
}

fn follow(site: &Site, browser: &mut Browser, request: Request, need: Need) -> Response {
    site.send(browser, request, page(need))
}

/// An owner whose access cookie has expired.
fn expired() -> (Site, Events, Bound) {
    let (site, events) = site();
    let alice = Bound::log_in(&site, "alice");
    site.advance(901);
    (site, events, alice)
}

#[test]
fn s89_a_link_from_another_site_comes_back_by_itself_once() {
    for from in ["cross-site", "same-site"] {
        for need in [Need::access(), Need::access().optional()] {
            let (site, events, mut alice) = expired();
            let response = follow(&site, &mut alice.browser, link("/page?a=b&c=d", from), need);
            assert_eq!(response.status, 200, "{from}: {}", response.code);
            assert!(response.token.is_none() && response.code == "unproven_refresh");
            assert_eq!(response.refresh.as_deref(), Some("0; url=/page?a=b&c=d"), "{from}");
            assert!(response.body.contains("href=\"/page?a=b&amp;c=d\""), "{}", response.body);
            assert!(response.no_store);
            // Nothing was lost: the browser proves its key, and the page appears.
            let back = link("/page?a=b", "same-origin");
            assert_eq!(alice.refresh(&site).status, 200);
            assert_eq!(follow(&site, &mut alice.browser, back, need).token().subject(), "alice");
            assert_eq!(count(&events, EventKind::UnprovenRefresh), 0, "an arrival is not an attack");
        }
    }
}

#[test]
fn s89_a_client_that_cannot_prove_its_key_is_told_once() {
    let (site, events, alice) = expired();
    let mut copy = alice.browser;
    assert!(follow(&site, &mut copy, link("/page", "cross-site"), Need::access()).refresh.is_some());
    // The page comes back, from this site or, in an odd client, from the other site again.
    for from in ["same-origin", "cross-site"] {
        let refused = follow(&site, &mut copy.clone(), link("/page", from), Need::access());
        assert_eq!((refused.status, refused.code), (303, "unproven_refresh"), "{from}");
        assert!(refused.location.unwrap().starts_with("/login?next="));
        let visitor = follow(&site, &mut copy.clone(), link("/page", from), Need::access().optional());
        assert!(visitor.status == 200 && visitor.token.is_none() && visitor.refresh.is_none());
    }
    assert_eq!(count(&events, EventKind::UnprovenRefresh), 4);
    // After ten seconds, the next link comes back again.
    site.advance(11);
    assert!(follow(&site, &mut copy, link("/page", "cross-site"), Need::access()).refresh.is_some());
}

#[test]
fn only_links_from_other_sites_come_back() {
    let (site, _, alice) = expired();
    let fields = |from: &'static str, mode: &'static str| {
        move |request: Request| request.person().field("sec-fetch-site", from).field("sec-fetch-mode", mode)
    };
    for (request, reason) in [
        (fields("same-origin", "navigate")(Request::get("/page")), "a link of this site"),
        (fields("none", "navigate")(Request::get("/page")), "a bookmark"),
        (fields("cross-site", "no-cors")(Request::get("/page")), "an image"),
        (fields("cross-site", "navigate")(Request::new("HEAD", "/page")), "HEAD"),
        (Request::get("/page").person(), "a client without these fields"),
        (link("/login", "cross-site"), "a page of the log-in flow"),
        (
            Request::get("/page").field("sec-fetch-site", "cross-site").field("sec-fetch-mode", "navigate"),
            "a client that wants no page",
        ),
    ] {
        let response = follow(&site, &mut alice.browser.clone(), request, Need::access());
        assert!(response.refresh.is_none() && response.status != 200, "{reason}: {}", response.status);
    }
    // A session that is not bound needs none of this.
    let mut bob = site.browser_of("bob");
    site.advance(901);
    assert_eq!(follow(&site, &mut bob, link("/page", "cross-site"), Need::access()).status, 200);
}

#[test]
fn a_link_from_another_site_to_a_route_that_needs_a_proof_arrives() {
    let (site, _) = site();
    let mut alice = Bound::log_in(&site, "alice");
    site.advance(400);
    let need = Need::access().proven(std::time::Duration::from_secs(300));
    // The browser follows the redirect without a proof, because the other site has caused it.
    assert_eq!(follow(&site, &mut alice.browser, link("/page", "cross-site"), need).status, 307);
    let arrived = follow(&site, &mut alice.browser, link("/page", "cross-site"), need);
    assert_eq!(arrived.refresh.as_deref(), Some("0; url=/page"));
    assert_eq!(alice.refresh(&site).status, 200);
    assert_eq!(follow(&site, &mut alice.browser, link("/page", "same-origin"), need).status, 200);
}

#[test]
fn outdated_claims_are_refreshed_with_a_proof() {
    let (site, events) = site();
    let mut alice = Bound::log_in(&site, "alice");
    block_on(site.auth.change_claims("alice", &serde_json::json!({ "role": "admin" }))).unwrap();
    let copy = alice.browser.clone();
    let request = || Request::post("/page").csrf(&copy.csrf());
    let response = site.send(&mut alice.browser, request(), page(Need::access()));
    assert_eq!((response.status, response.location.as_deref()), (307, Some("/page")));
    assert!(alice.browser.value(ACCESS).is_none());
    assert_eq!(alice.refresh(&site).status, 200);
    let response = site.send(&mut alice.browser, request(), page(Need::access()));
    assert_eq!(response.token().claim("role"), "admin");
    assert_eq!(count(&events, EventKind::UnprovenRefresh), 0);
    // A copy is redirected once, and gets nothing.
    let mut thief = copy.clone().with("__Host-Http-device_proof", "redirected");
    assert!(site.send(&mut thief, request(), page(Need::access())).is_refused(401, "unproven_refresh"));
}

#[test]
fn in_redirect_mode_the_refresh_url_sends_a_proven_browser_back() {
    let (site, events) = site_with(|builder| builder.refresh_mode(RefreshMode::Redirect));
    let mut alice = Bound::log_in(&site, "alice");
    site.advance(901);
    let back = |site: &Site, browser: &mut Browser, request: Request| {
        site.send(browser, request, |exchange| {
            let reply = block_on(exchange.refresh_and_return())?;
            assert_eq!(reply.headers.iter().find(|(name, _)| *name == "location").unwrap().1, "/page");
            Ok(reply.cookies.into())
        })
    };
    let refused = follow(&site, &mut alice.browser, link("/page", "same-origin"), Need::access());
    assert_eq!((refused.status, refused.code), (303, "refresh_needed"));
    // The browser refreshes with a proof before it follows the redirect.
    assert_eq!(alice.refresh(&site).status, 200);
    let url = refused.location.unwrap();
    let response = back(&site, &mut alice.browser, link(&url, "same-origin"));
    assert_eq!((response.status, response.cookies.len()), (200, 0), "{}", response.code);
    assert_eq!(follow(&site, &mut alice.browser, link("/page", "same-origin"), Need::access()).status, 200);
    // A copy without the key is refused there.
    site.advance(901);
    let copy = site.send(&mut alice.browser.clone(), link(&url, "same-origin"), |exchange| {
        block_on(exchange.refresh_and_return()).map(|reply| reply.cookies.into())
    });
    assert_eq!(copy.code, "unproven_refresh");
    assert_eq!(count(&events, EventKind::UnprovenRefresh), 1);
    // A page whose token is optional comes back by itself, too.
    let visitor = follow(&site, &mut alice.browser, link("/page", "cross-site"), Need::access().optional());
    assert_eq!(visitor.refresh.as_deref(), Some("0; url=/page"));
}

/// In redirect mode, the refresh cookie has no prefix that binds it to the host, so another host of the domain can
/// plant a second one.
#[test]
fn s89_a_planted_refresh_cookie_does_not_keep_a_browser_from_binding() {
    let (site, _) = site_with(|builder| builder.refresh_mode(RefreshMode::Redirect));
    let mallory = site.browser_of("mallory");
    let name = "__Secure-refresh_token_cookie";
    let device = TestDevice::new(Algorithm::ES256).unwrap();
    for planted in ["garbage", mallory.refresh()] {
        let mut browser = Browser::default();
        let challenge = register_challenge(&site, &mut browser, "alice");
        for front in [true, false] {
            let own = browser.clone();
            let mut both = match front {
                true => Browser::default().with(name, planted).and(&own),
                false => own.with(name, planted),
            };
            let reply = bind(&site, &mut both.clone(), &device.register(&challenge)).unwrap();
            assert_eq!(reply.status, 200, "{front} {planted}");
            let id = serde_json::from_str::<serde_json::Value>(&reply.body).unwrap();
            let id = id["session_identifier"].as_str().unwrap().to_owned();
            assert_eq!(crate::device::row(&site, &id).subject, "alice");
            // The same for a refresh.
            let reply = crate::device::post_bound(&site, &mut both, Some(&id), None).unwrap();
            assert_eq!(reply.status, 403, "{front} {planted}");
        }
    }
}
