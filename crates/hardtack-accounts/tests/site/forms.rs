//! Forms that cannot be accepted. A browser gets the form again with what the user typed, even after a log-in. An API
//! client gets advice that it can follow.

use hardtack::RefreshMode;
use hardtack_test_support::client::Response;
use hardtack_test_support::random_values::without_random_values;
use serde_json::json;

use crate::support::*;

const SETTINGS: &str = "/account/change_settings";

/// Asserts that a page says something, and uses no term of the protocol.
fn says(page: &Response, status: u16, text: &str) {
    assert_eq!(page.status(), status, "{}", page.text());
    assert!(page.text().contains(text), "{text}: {}", page.text());
    let words = without_random_values(page.text());
    for term in ["CSRF", "X-CSRF-TOKEN", "URL", "POST", "JSON", "token does not"] {
        assert!(!words.contains(term), "{term}: {}", page.text());
    }
}

#[tokio::test]
async fn a08_a_person_gets_a_refused_form_again_with_what_was_typed() {
    let site = TestSite::start(Options::default()).await;
    site.person("ada").await;
    // The browser does not accept cookies, so it sends none.
    for (path, typed) in [
        ("/login", &[("username", "ada"), ("password", PASSWORD)][..]),
        ("/signup", &[("username", "eve"), ("email", "eve@site.example"), ("password", PASSWORD)]),
    ] {
        let mut visitor = site.client();
        let page = open(&mut visitor, path).await;
        let fields = filled(&page, path, typed);
        let refused = visitor.post(path).accept_html().no_cookies().form(&fields).send().await;
        says(&refused, 403, "Allow cookies for this site");
        for (name, value) in typed.iter().filter(|(name, _)| *name != "password") {
            assert_eq!(field(&refused, path, name), *value);
        }
        assert!(!refused.text().contains(PASSWORD));
        // The browser's cookies were deleted while the page was open. The refused form comes with a new cookie and
        // works.
        visitor.clear();
        let refused = visitor.post(path).accept_html().form(&fields).send().await;
        let done = submit(&mut visitor, &refused, path, &[("password", PASSWORD)]).await;
        assert_eq!((done.status().as_u16(), done.location()), (303, Some("/")), "{path}: {}", done.text());
    }
    // Another tab has logged in again since the form was opened.
    let mut ada = site.device_of("ada").await;
    let old = open(&mut ada, "/account").await;
    assert_eq!(log_in(&mut ada, "ada", PASSWORD).await.status(), 200);
    let typed = [("display_name", "Ada L."), ("email", "")];
    let refused = submit(&mut ada, &old, SETTINGS, &typed).await;
    says(&refused, 403, "Check the form and send it again.");
    assert!(!refused.text().contains("another user"), "the form says whose it is: {}", refused.text());
    assert_eq!(field(&refused, SETTINGS, "display_name"), "Ada L.");
    assert_eq!(submit(&mut ada, &refused, SETTINGS, &[]).await.location(), Some("/account?done=settings"));
    let passwords = [("current_password", PASSWORD), ("new_password", "some other phrase")];
    let refused = submit(&mut ada, &old, "/account/password", &passwords).await;
    says(&refused, 403, "Nothing was changed. Enter your current password");
    assert!(!refused.text().contains(PASSWORD) && !refused.text().contains("some other phrase"));
    let refused = submit(&mut ada, &old, "/logout", &[]).await;
    says(&refused, 403, "Log out?");
    assert_eq!(whoami(&mut ada).await.as_deref(), Ok("ada"));
    assert_eq!(submit(&mut ada, &refused, "/logout", &[]).await.location(), Some("/?done=logout"));
}

#[tokio::test]
async fn a08_another_site_fills_in_no_form() {
    let site = TestSite::start(Options::default()).await;
    let mut ada = site.person("ada").await;
    let typed = [("display_name", "Eve"), ("email", "eve@evil.example"), ("username", "eve")];
    for path in [SETTINGS, "/login", "/signup"] {
        let forged = ada.post(path).accept_html().header("origin", "https://evil.example").form(&typed).send().await;
        says(&forged, 403, "Another site started this request, so nothing was changed.");
        // Search for more than the name, because the random CSRF value in the page may happen to contain the name.
        for typed in ["eve@evil", "\"Eve\"", "\"eve\"", ">Eve<", ">eve<"] {
            assert!(!forged.text().contains(typed), "{path}: {typed}: {}", forged.text());
        }
    }
}

#[tokio::test]
async fn a08_an_api_client_gets_advice_that_it_can_follow() {
    let site = TestSite::start(Options::default()).await;
    let mut ada = site.person("ada").await;
    // `curl -d`
    let fields = [("username", "ada"), ("password", PASSWORD)];
    let refused = site.client().post("/login").header("accept", "*/*").form(&fields).send().await;
    assert_eq!((refused.status().as_u16(), refused.json()["code"].as_str()), (403, Some("csrf_missing")));
    let advice = refused.json()["detail"].as_str().unwrap().to_owned();
    assert!(advice.contains("Send JSON") && advice.contains("GET the page"), "{advice}");
    let mut curl = site.client();
    let body = json!({ "username": "ada", "password": PASSWORD });
    assert_eq!(curl.post("/login").header("accept", "*/*").json(&body).send().await.status(), 200);
    let mut curl = site.client();
    let page = curl.get("/login").header("accept", "*/*").send().await;
    let done = curl.post("/login").header("accept", "*/*").form(&filled(&page, "/login", &fields)).send().await;
    assert_eq!(done.status(), 200, "{}", done.text());
    // The CSRF value of a logged-in user is wrong.
    let refused = ada.post(SETTINGS).accept_json().header("x-csrf-token", "wrong").json(&json!({})).send().await;
    let advice = refused.json()["detail"].as_str().unwrap().to_owned();
    assert!(advice.contains("CSRF cookie") && !advice.contains("Reload the page"), "{advice}");
}

#[tokio::test]
async fn a09_a_form_whose_session_is_gone_is_finished_after_the_log_in() {
    for refresh in [RefreshMode::Transparent, RefreshMode::Redirect, RefreshMode::Sliding, RefreshMode::Off] {
        let site = TestSite::start(Options { refresh, ..Options::default() }).await;
        let mut ada = site.person("ada").await;
        let page = open(&mut ada, "/account").await;
        site.clock.advance(minutes(25 * 60));
        let typed = [("display_name", "Ada L."), ("email", "a@site.example"), ("current_password", "secret of ada")];
        let sent = ada.post(SETTINGS).accept_html().form(&filled(&page, SETTINGS, &typed)).follow().await;
        assert!(sent.path().starts_with("/login?"), "{refresh:?}: {}", sent.path());
        says(&sent, 200, "We have kept what you typed");
        let kept = cookie(&ada, "settings_draft");
        for secret in ["Ada L.", "a@site.example", "secret of ada"] {
            assert!(!kept.contains(secret));
        }
        // Another user of the same browser does not see the kept form.
        let mut bob = ada.clone();
        sign_up(&mut site.client(), "bob").await;
        let credentials = [("username", "bob"), ("password", PASSWORD)];
        let theirs = bob.post("/login").accept_html().form(&filled(&sent, "/login", &credentials)).follow().await;
        assert_eq!(theirs.path(), "/account?done=kept");
        assert!(!theirs.text().contains("Ada L."), "{}", theirs.text());
        assert!(bob.cookie("settings_draft").is_none());

        let credentials = [("username", "ada"), ("password", PASSWORD)];
        let again = ada.post("/login").accept_html().form(&filled(&sent, "/login", &credentials)).follow().await;
        assert_eq!(again.path(), "/account?done=kept", "{refresh:?}");
        says(&again, 200, "have not been saved yet");
        assert_eq!(field(&again, SETTINGS, "display_name"), "Ada L.");
        assert_eq!(field(&again, SETTINGS, "current_password"), "");
        let done = submit(&mut ada, &again, SETTINGS, &[("current_password", PASSWORD)]).await;
        assert_eq!(done.location(), Some("/account?done=settings"), "{refresh:?}: {}", done.text());
        let account = ada.get("/account").accept_json().send().await.json();
        assert_eq!((&account["display_name"], &account["email"]), (&json!("Ada L."), &json!("a@site.example")));
    }
}

/// A form that was open in another tab, while another user logged in.
#[tokio::test]
async fn s78_a_form_of_another_user_fills_in_nothing() {
    let site = TestSite::start(Options::default()).await;
    let mut browser = site.person("ben").await;
    let page = open(&mut browser, "/account").await;
    sign_up(&mut browser, "anna").await;
    let typed = [("display_name", "Ben B."), ("email", "ben@site.example")];
    let sent = browser.post(SETTINGS).accept_html().form(&filled(&page, SETTINGS, &typed)).follow().await;
    says(&sent, 403, "You are now logged in as anna");
    assert_eq!((field(&sent, SETTINGS, "display_name"), field(&sent, SETTINGS, "email")), ("".into(), "".into()));
    let account = browser.get("/account").accept_json().send().await.json();
    assert_eq!((&account["username"], &account["display_name"]), (&json!("anna"), &json!("")));
    // The form is also refused if it has the CSRF value of the new session.
    let own = open(&mut browser, "/account").await;
    let mut fields = filled(&page, SETTINGS, &typed);
    let csrf = field(&own, SETTINGS, "csrf_token");
    fields.iter_mut().filter(|(name, _)| name.as_str() == "csrf_token").for_each(|(_, value)| *value = csrf.clone());
    let sent = browser.post(SETTINGS).accept_html().form(&fields).follow().await;
    says(&sent, 403, "You are now logged in as anna");
}

#[tokio::test]
async fn a09_the_page_says_what_was_not_done() {
    let site = TestSite::start(Options::default()).await;
    let ada = site.person("ada").await;
    let other = site.device_of("ada").await;
    drop(other);
    for (path, action, typed, text) in [
        (
            "/account",
            "/account/password",
            &[("current_password", PASSWORD), ("new_password", "some other phrase")][..],
            "Your password has not been changed yet.",
        ),
        ("/account/sessions", "/account/sessions/revoke-others", &[], "Nothing has been logged out yet"),
    ] {
        let mut ada = ada.clone();
        assert_eq!(log_in(&mut ada, "ada", PASSWORD).await.status(), 200);
        let page = open(&mut ada, path).await;
        let mut elsewhere = ada.clone();
        elsewhere.post("/logout").accept_json().csrf().send().await;
        let sent = ada.post(action).accept_html().form(&filled(&page, action, typed)).follow().await;
        says(&sent, 200, "so nothing was changed");
        let credentials = [("username", "ada"), ("password", PASSWORD)];
        let again = ada.post("/login").accept_html().form(&filled(&sent, "/login", &credentials)).follow().await;
        says(&again, 200, text);
    }
    // A form that comes from another site is not kept.
    let mut visitor = site.client();
    let typed = [("display_name", "Eve"), ("email", "eve@evil.example")];
    let forged = visitor.post(SETTINGS).accept_html().header("origin", "https://evil.example").form(&typed);
    assert!(forged.send().await.set_cookies().is_empty());
    // A form that names no user is not kept.
    let sent = visitor.post(SETTINGS).accept_html().form(&typed).send().await;
    assert!(sent.set_cookie("settings_draft").is_none() && sent.location().unwrap().starts_with("/login"));
}

#[tokio::test]
async fn a09_the_password_is_asked_for_once() {
    for refresh in BOTH_MODES {
        let site = TestSite::start(Options { refresh, ..Options::default() }).await;
        let mut ada = site.person("ada").await;
        site.expire_access();
        let page = open(&mut ada, "/account").await;
        assert_eq!(page.path(), "/reauthenticate?next=%2Faccount", "{refresh:?}");
        // The user takes so long that the access token expires.
        site.expire_access();
        let form = filled(&page, "/reauthenticate", &[("password", PASSWORD)]);
        let page = ada.post("/reauthenticate").accept_html().form(&form).follow().await;
        assert_eq!((page.status().as_u16(), page.path()), (200, "/account"), "{refresh:?}: {}", page.text());
    }
}

#[tokio::test]
async fn a12_people_who_are_logged_in_are_sent_on() {
    let site = TestSite::start(Options::default()).await;
    let mut ada = site.person("ada").await;
    for path in ["/login", "/signup"] {
        let sent = ada.get(path).accept_html().send().await;
        assert_eq!((sent.status().as_u16(), sent.location()), (303, Some("/")), "{path}");
        let sent = ada.get(&format!("{path}?next=%2Fservice%3Fa%3D1")).accept_html().send().await;
        assert_eq!(sent.location(), Some("/service?a=1"), "{path}");
        let sent = ada.get(&format!("{path}?next=%2F%2Fevil.example")).accept_html().send().await;
        assert_eq!(sent.location(), Some("/"), "{path}");
        assert_eq!(site.client().get(path).accept_html().send().await.status(), 200);
    }
}

#[tokio::test]
async fn a12_error_pages_keep_the_navigation_and_speak_like_people() {
    let site = TestSite::start(Options::default()).await;
    let mut ada = site.person("ada").await;
    let mut visitor = site.client();
    let forged = ada.post(SETTINGS).accept_html().header("origin", "https://evil.example").send().await;
    let dead = ada.get("/email/confirm").accept_html().send().await;
    let method = ada.get("/account/sessions/revoke-others").accept_html().send().await;
    let unknown = ada.get("/nowhere").accept_html().send().await;
    for (page, status) in [(&forged, 403), (&dead, 410), (&method, 405), (&unknown, 404)] {
        says(page, status, "/account/sessions");
        assert_eq!(hardtack_test_support::html::form_actions(page.text()), ["/logout"], "{status}");
        assert_eq!(page.header("cache-control"), Some("private, no-store"), "{status}");
    }
    assert_eq!(
        ada.post("/logout").accept_html().form(&filled(&forged, "/logout", &[])).send().await.location(),
        Some("/?done=logout")
    );
    for path in ["/account/sessions/revoke-others", "/nowhere", "/email/undo"] {
        let page = visitor.get(path).accept_html().send().await;
        assert!(page.text().contains("href=\"/login\""), "{path}: {}", page.text());
    }
}

#[tokio::test]
async fn a12_browsers_crawlers_and_password_managers_find_their_way() {
    let site = TestSite::start(Options::default()).await;
    let mut visitor = site.client();
    let way = visitor.get("/.well-known/change-password").accept_html().send().await;
    assert_eq!((way.status().as_u16(), way.location()), (303, Some("/account")));
    let icon = visitor.get("/favicon.ico").send().await;
    assert_eq!((icon.header("content-type"), &icon.bytes()[..4]), (Some("image/x-icon"), &[0, 0, 1, 0][..]));
    let robots = visitor.get("/robots.txt").send().await;
    assert!(robots.text().starts_with("User-agent: *\n") && robots.text().contains("Disallow: /account\n"));
    for path in ["/", "/login", "/signup"] {
        let page = open(&mut visitor, path).await;
        assert!(page.text().contains("<meta name=\"description\" content=\""), "{path}");
        assert!(!page.text().contains("noindex"), "{path}");
    }
    let mut ada = site.person("ada").await;
    for path in ["/account", "/nowhere"] {
        assert!(open(&mut ada, path).await.text().contains("<meta name=\"robots\" content=\"noindex\">"), "{path}");
    }
}

#[tokio::test]
async fn a10_an_address_can_be_given_at_sign_up_and_the_account_says_whether_it_is_confirmed() {
    let outbox = tempfile::tempdir().unwrap();
    let site = TestSite::start(Options { outbox: Some(outbox.path().to_owned()), ..Options::default() }).await;
    let mut ada = site.client();
    let page = open(&mut ada, "/signup").await;
    says(&page, 200, "Once you confirm this address, we use it to help you if you forget your password");
    let typed = [("username", "ada"), ("email", "nonsense"), ("password", PASSWORD)];
    let refused = submit(&mut ada, &page, "/signup", &typed).await;
    says(&refused, 422, "Enter an address such as");
    assert_eq!(
        (field(&refused, "/signup", "email"), field(&refused, "/signup", "username")),
        ("nonsense".into(), "ada".into())
    );
    let typed = [("email", " ada@site.example "), ("password", PASSWORD)];
    assert_eq!(submit(&mut ada, &refused, "/signup", &typed).await.location(), Some("/?done=signup"));
    let account = open(&mut ada, "/account").await;
    says(&account, 200, "Not confirmed");
    assert_eq!(field(&account, SETTINGS, "email"), "ada@site.example");
    site.database().execute(hardtack_db::Statement::new("UPDATE users SET email_confirmed_at = 1")).await.unwrap();
    let account = open(&mut ada, "/account").await;
    assert!(account.text().contains(">Confirmed<") && !account.text().contains("Not confirmed"), "{}", account.text());
    // The email address is optional for API clients, too.
    let body = json!({ "username": "bob", "password": PASSWORD, "email": "bob@site.example" });
    let bob = site.client().post("/signup").accept_json().json(&body).send().await;
    assert_eq!((bob.status().as_u16(), &bob.json()["email"]), (200, &json!("bob@site.example")));
    assert_eq!(bob.json()["email_confirmed"], false);
    sign_up(&mut site.client(), "eve").await;
}

#[tokio::test]
async fn a10_an_address_that_is_not_known_is_not_shown() {
    let site = TestSite::start(Options::default()).await;
    let mut ada = site.client();
    let id = sign_up(&mut ada, "ada").await["id"].as_str().unwrap().to_owned();
    // Its address is not known.
    site.session_of(&id).await;
    let page = open(&mut ada, "/account/sessions").await;
    assert!(!page.text().contains("unknown address"), "{}", page.text());
    assert_eq!(page.text().matches("<dt>Address</dt>").count(), 1);
    for text in ["Just now <", "<span class=\"clock\">", "<script src=\"/assets/times.js\" defer></script>"] {
        assert!(page.text().contains(text), "{text}: {}", page.text());
    }
    assert!(page.header("content-security-policy").unwrap().contains("script-src 'self'"));
}

#[tokio::test]
async fn the_log_in_page_says_why_it_is_shown_and_takes_names_with_blanks() {
    let site = TestSite::start(Options::default()).await;
    let mut ada = site.client();
    let typed = json!({ "username": " ada\u{a0}", "password": PASSWORD });
    let user = ada.post("/signup").accept_json().json(&typed).send().await;
    assert_eq!((user.status().as_u16(), &user.json()["username"]), (200, &json!("ada")));
    let mut browser = site.client();
    says(&open(&mut browser, "/login").await, 200, "Log in");
    assert!(!open(&mut browser, "/login").await.text().contains("Log in to open the page"));
    let page = open(&mut browser, "/account").await;
    let why = "Log in to open the page that you asked for.";
    says(&page, 200, why);
    let wrong = submit(&mut browser, &page, "/login", &[("username", "ada"), ("password", "wrong")]).await;
    says(&wrong, 401, why);
    let typed = [("username", "  ada "), ("password", PASSWORD)];
    assert_eq!(submit(&mut browser, &wrong, "/login", &typed).await.location(), Some("/account"));
    let body = json!({ "username": " ADA ", "password": PASSWORD });
    assert_eq!(browser.post("/reauthenticate").accept_json().csrf().json(&body).send().await.status(), 200);
}

#[tokio::test]
async fn a09_the_pages_that_ask_for_the_password_say_that_the_form_is_kept() {
    let site = TestSite::start(Options::default()).await;
    let mut ada = site.person("ada").await;
    // If the user has just logged in, `/reauthenticate` redirects to `next`.
    for (path, to) in [("/reauthenticate", None), ("/reauthenticate?next=%2Faccount", Some("/account"))] {
        assert_eq!(ada.get(path).accept_html().send().await.location(), to, "{path}");
    }
    let page = open(&mut ada, "/account").await;
    let wrong = [("password", "wrong")];
    let kept = "We have kept what you typed, except passwords. Enter your password to check and save your changes.";
    // The session continues, but the password was entered too long ago.
    site.expire_access();
    assert!(!open(&mut ada, "/account").await.text().contains(kept));
    let typed = [("display_name", "Ada L.")];
    let asked = ada.post(SETTINGS).accept_html().form(&filled(&page, SETTINGS, &typed)).follow().await;
    assert_eq!(asked.path(), "/reauthenticate?next=%2Faccount");
    says(&asked, 200, kept);
    says(&asked, 200, "href=\"/password/forgot\"");
    says(&submit(&mut ada, &asked, "/reauthenticate", &wrong).await, 401, kept);
    let proof = filled(&asked, "/reauthenticate", &[("password", PASSWORD)]);
    let again = ada.post("/reauthenticate").accept_html().form(&proof).follow().await;
    assert_eq!(field(&again, SETTINGS, "display_name"), "Ada L.");
    // The session is over.
    site.clock.advance(minutes(25 * 60));
    let log_in = ada.post(SETTINGS).accept_html().form(&filled(&again, SETTINGS, &typed)).follow().await;
    let kept = "We have kept what you typed, except passwords.";
    says(&log_in, 200, "Log in again to check and save your changes.");
    says(&log_in, 200, kept);
    let wrong = [("username", "ada"), ("password", "wrong")];
    says(&submit(&mut ada, &log_in, "/login", &wrong).await, 401, kept);
    says(&submit(&mut ada, &log_in, "/login", &[wrong[0], ("password", &"x".repeat(2000))]).await, 422, kept);
}

/// A person double-clicks the button. The browser shows the second response, and might not have received the first one.
#[tokio::test]
async fn a09_a_password_that_is_typed_again_and_sent_twice_is_accepted_twice() {
    for refresh in [RefreshMode::Transparent, RefreshMode::Redirect, RefreshMode::Sliding, RefreshMode::Off] {
        let site = TestSite::start(Options { refresh, access_lifetime: minutes(60), ..Options::default() }).await;
        let mut ada = site.person("ada").await;
        site.clock.advance(minutes(16));
        let page = open(&mut ada, "/account").await;
        assert!(page.path().starts_with("/reauthenticate?"), "{refresh:?}: {}", page.path());
        let fields = filled(&page, "/reauthenticate", &[("password", PASSWORD)]);
        let url = page.path().to_owned();
        let mut second = ada.clone();
        let late = ada.clone();
        for browser in [&mut ada, &mut second] {
            let done = browser.post(&url).accept_html().form(&fields).send().await;
            let outcome = (done.status().as_u16(), done.location());
            assert_eq!(outcome, (303, Some("/account")), "{refresh:?}: {}", done.text());
        }
        for browser in [&mut ada, &mut second] {
            assert_eq!(open(browser, "/account").await.path(), "/account", "{refresh:?}");
        }
        // A wrong password is refused on the page with the form, and does not end the session.
        let wrong = filled(&page, "/reauthenticate", &[("password", "wrong")]);
        let refused = late.clone().post(&url).accept_html().form(&wrong).send().await;
        says(&refused, 401, "That is not your password.");
        assert!(refused.set_cookies().iter().all(|cookie| !cookie.is_deletion()), "{refresh:?}");
        assert_eq!(open(&mut ada, "/account").await.path(), "/account", "{refresh:?}");
    }
}

/// The tokens of a form were replaced while the form was on its way. The response deletes no cookies, and the next page
/// says correctly whether the session continues.
#[tokio::test]
async fn a09_a_form_with_replaced_tokens_does_not_end_the_session() {
    let site = TestSite::start(Options::default()).await;
    let mut ada = site.person("ada").await;
    let page = open(&mut ada, "/account").await;
    let old = ada.clone();
    let passwords = [("current_password", PASSWORD), ("new_password", "some other phrase")];
    let changed = submit(&mut ada, &page, "/account/password", &passwords).await;
    assert_eq!(changed.location(), Some("/account?done=password"));

    let again = submit(&mut old.clone(), &page, "/account/password", &passwords).await;
    assert_eq!(again.location(), Some("/login?next=%2Faccount&form=sent"));
    assert!(again.set_cookies().is_empty(), "the browser may already have the new cookies");
    let location = again.location().unwrap().to_owned();
    says(&open(&mut ada, &location).await, 200, "Your session continues.");
    says(&open(&mut old.clone(), &location).await, 200, "your browser does not have the new session");

    let kept = submit(&mut old.clone(), &page, SETTINGS, &[("display_name", "Ada L."), ("email", "")]).await;
    assert_eq!(kept.location(), Some("/login?next=%2Faccount%3Fdone%3Dkept&form=kept"));
    ada.take_cookies(&kept);
    let shown = open(&mut ada, kept.location().unwrap()).await;
    says(&shown, 200, "Your changes are still here, but have not been saved yet. Check them, then save.</p>");
    assert_eq!(field(&shown, SETTINGS, "display_name"), "Ada L.");
    // The password for a new address is not kept.
    let kept = submit(&mut old.clone(), &page, SETTINGS, &[("email", "ada@mail.example")]).await;
    ada.take_cookies(&kept);
    let shown = open(&mut ada, kept.location().unwrap()).await;
    says(&shown, 200, "To change the email address, enter your current password again.");
    // A page that is opened with the old cookies leads to the log-in page, without a word about an end of the session.
    assert_eq!(open(&mut old.clone(), "/service").await.path(), "/login?next=%2Fservice");
    assert_eq!(whoami(&mut ada).await.as_deref(), Ok("ada"));
}

/// Anyone can write a link to the log-in page. The page believes only redirects of this site.
#[tokio::test]
async fn a_link_from_elsewhere_does_not_claim_that_a_session_has_ended() {
    let site = TestSite::start(Options::default()).await;
    let mut ada = site.person("ada").await;
    let claims = ["Your session has ended", "This form changed nothing", "We have kept what you typed", "was renewed"];
    for from in ["cross-site", "same-site", "none"] {
        for query in ["ended=1", "ended=1&form=lost", "ended=1&form=kept", "form=sent", "form=kept"] {
            let page = ada.get(&format!("/login?{query}")).accept_html().header("sec-fetch-site", from).send().await;
            for claim in claims {
                assert!(!page.text().contains(claim), "{from}, {query}: {claim}");
            }
        }
    }
    // The page says who is logged in, so it does not ask this user to log in.
    let needed = "Log in to open the page";
    let page =
        ada.get("/login?next=/account&ended=1").accept_html().header("sec-fetch-site", "cross-site").send().await;
    assert!(page.status() == 200 && page.text().contains("ada") && !page.text().contains(needed), "{}", page.text());
    // The user has logged in again and goes back.
    for query in ["ended=1", "ended=1&form=lost", "ended=1&form=kept"] {
        let page = open(&mut ada, &format!("/login?{query}")).await;
        says(&page, 200, "Your session had ended, but you are logged in now.");
        assert!(!page.text().contains("Your session has ended"), "{query}: {}", page.text());
    }
    // The redirect after a link from elsewhere to a page whose session has ended.
    let mut visitor = site.client();
    let page = visitor.get("/login?next=/account").accept_html().header("sec-fetch-site", "cross-site").send().await;
    says(&page, 200, needed);
    let page = visitor.get("/login?ended=1").accept_html().header("sec-fetch-site", "cross-site").send().await;
    says(&page, 200, "Your session has ended");
}
