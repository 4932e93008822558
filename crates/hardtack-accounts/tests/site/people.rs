//! A user at a browser: every address comes from a link or a form of the page before it.

use hardtack::RefreshMode;
use hardtack_test_support::html;

use crate::support::{
    ACCESS, BOTH_DATABASES, BOTH_MODES, Options, PASSWORD, REFRESH, TestSite, claims, cookie, field, filled, log_in,
    open, seconds, submit, whoami,
};
use hardtack_test_support::client::{Client, Response};

const NEW_PASSWORD: &str = "an umbrella in the aquarium";

/// Fills in a form of the page, sends it and follows redirects.
async fn send(client: &mut Client, page: &Response, action: &str, typed: &[(&str, &str)]) -> Response {
    client.post(action).accept_html().form(&filled(page, action, typed)).follow().await
}

fn assert_shows(page: &Response, path: &str, texts: &[&str]) {
    assert_eq!((page.status().as_u16(), page.path()), (200, path), "{}", page.text());
    for text in texts {
        assert!(page.text().contains(text), "{path} does not say {text:?}: {}", page.text());
    }
}

#[tokio::test]
async fn a_user_visits_every_page_and_sends_every_form() {
    for refresh in BOTH_MODES {
        let options = Options { refresh, access_lifetime: seconds(2), ..Options::default() };
        let site = TestSite::start(options).await;
        let mut ada = site.client();

        // A protected page redirects to the log-in, which links to the sign-up.
        let page = open(&mut ada, "/service").await;
        assert_shows(&page, "/login?next=%2Fservice", &["href=\"/signup?next=/service\""]);
        let page = open(&mut ada, "/signup?next=/service").await;
        assert_eq!(field(&page, "/signup", "next"), "/service");
        let page = send(&mut ada, &page, "/signup", &[("username", "ada"), ("password", PASSWORD)]).await;
        assert_shows(&page, "/service", &["ada", "action=\"/logout\""]);
        assert_eq!(page.hops()[0].status(), 303);

        // The user has just entered the password, so the account page does not ask for it.
        let page = open(&mut ada, "/account").await;
        assert_shows(&page, "/account", &[]);
        let typed = [("display_name", "Ada <Countess>"), ("email", "ada@lovelace.example")];
        let proven = [typed[0], typed[1], ("current_password", PASSWORD)];
        let page = send(&mut ada, &page, "/account/change_settings", &proven).await;
        assert_shows(&page, "/account?done=settings", &["Your settings have been saved.", "Ada &lt;Countess&gt;"]);
        for (name, value) in typed {
            assert_eq!(field(&page, "/account/change_settings", name), value);
        }
        assert_shows(&open(&mut ada, "/").await, "/", &["You are logged in as", "Ada &lt;Countess&gt;"]);

        // Later, pages still work, but the account page asks for the password.
        site.clock.advance(seconds(3));
        assert_shows(&open(&mut ada, "/service").await, "/service", &["ada"]);
        assert_eq!(claims(&cookie(&ada, ACCESS))["fresh"], false);
        let page = open(&mut ada, "/account").await;
        assert_shows(&page, "/reauthenticate?next=%2Faccount", &["Please confirm your password"]);
        let refused = submit(&mut ada, &page, "/reauthenticate", &[("password", "not it")]).await;
        assert_eq!(refused.status(), 401);
        assert!(refused.text().contains("That is not your password."), "{}", refused.text());
        assert_eq!(field(&refused, "/reauthenticate", "next"), "/account");
        let page = send(&mut ada, &refused, "/reauthenticate", &[("password", PASSWORD)]).await;
        assert_shows(&page, "/account", &["Change password"]);

        // After a password change, the old password no longer works.
        let mut telephone = site.device_of("ada").await;
        let typed = [("current_password", PASSWORD), ("new_password", NEW_PASSWORD)];
        let page = send(&mut ada, &page, "/account/password", &typed).await;
        assert_shows(&page, "/account?done=password", &["Your password has been changed."]);
        assert_eq!(whoami(&mut telephone).await, Err(401));
        let page = open(&mut telephone, "/login").await;
        let refused = submit(&mut telephone, &page, "/login", &[("username", "ada"), ("password", PASSWORD)]).await;
        assert_eq!(refused.status(), 401);
        assert!(refused.text().contains("That user name and password do not match."), "{}", refused.text());
        assert_eq!(field(&refused, "/login", "username"), "ada", "what was typed is gone");
        assert_eq!(field(&refused, "/login", "password"), "", "a password was sent back");
        let form = filled(&refused, "/login", &[("password", NEW_PASSWORD)]);
        let firefox = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0";
        let page = telephone.post("/login").accept_html().header("user-agent", firefox).form(&form).follow().await;
        assert_shows(&page, "/", &["You are logged in as"]);

        // Both devices are listed, and a button logs out the other one.
        let page = open(&mut ada, "/account/sessions").await;
        assert_shows(&page, "/account/sessions", &["This device", "Firefox on Linux", "127.0.0.1"]);
        let buttons: Vec<_> =
            html::form_actions(page.text()).into_iter().filter(|action| action.ends_with("/revoke")).collect();
        let [button] = buttons.as_slice() else { panic!("{buttons:?}") };
        let page = send(&mut ada, &page, button, &[]).await;
        assert_shows(
            &page,
            "/account/sessions?done=revoke",
            &["The device has been logged out.", "You are not logged in anywhere else."],
        );
        assert_eq!(whoami(&mut telephone).await, Err(401));
        assert_eq!(whoami(&mut ada).await.as_deref(), Ok("ada"));

        // The log-out button is on every page.
        let page = open(&mut ada, "/service").await;
        let page = send(&mut ada, &page, "/logout", &[]).await;
        assert_shows(&page, "/?done=logout", &["You are logged out.", "Log in once."]);
        for name in [ACCESS, REFRESH] {
            assert!(ada.cookie(name).is_none(), "{name} is still there");
        }
        assert_shows(&open(&mut ada, "/service").await, "/login?next=%2Fservice", &[]);
    }
}

#[tokio::test]
async fn get_logout_asks_for_confirmation() {
    let site = TestSite::start(Options::default()).await;
    let mut ada = site.person("ada").await;
    let page = open(&mut ada, "/logout").await;
    assert_shows(&page, "/logout", &["Log out?"]);
    assert_eq!(whoami(&mut ada).await.as_deref(), Ok("ada"), "a link logged the user out");
    assert_eq!(send(&mut ada, &page, "/logout", &[]).await.path(), "/?done=logout");
    assert_eq!(whoami(&mut ada).await, Err(401));
    // A visitor is not asked.
    assert_eq!(open(&mut ada, "/logout").await.path(), "/");
    // A link on another site cannot make the page say so, and the page never says so to a user.
    let foreign = ada.get("/?done=logout").accept_html().header("sec-fetch-site", "cross-site").send().await;
    assert!(!foreign.text().contains("You are logged out."), "{}", foreign.text());
    log_in(&mut ada, "ada", PASSWORD).await;
    let known = open(&mut ada, "/?done=logout").await;
    assert!(!known.text().contains("You are logged out."), "{}", known.text());
}

/// The browser was sent to the home page like a visitor, although its session continued.
#[tokio::test]
async fn get_logout_gets_new_tokens_for_a_browser_that_has_lost_its_access_cookie() {
    let site = TestSite::start(Options { refresh: RefreshMode::Redirect, ..Options::default() }).await;
    let mut ada = site.person("ada").await;
    ada.set_cookie_raw(&format!("{ACCESS}=; Path=/; Max-Age=0"));
    let page = open(&mut ada, "/logout").await;
    assert_shows(&page, "/logout", &["Log out?"]);
    assert_eq!(send(&mut ada, &page, "/logout", &[]).await.path(), "/?done=logout");
    assert_eq!(whoami(&mut ada).await, Err(401));
    // A visitor has no tokens to refresh.
    assert_eq!(open(&mut ada, "/logout").await.path(), "/");
}

#[tokio::test]
async fn after_a_session_has_ended_the_log_in_returns_to_the_page() {
    for on_postgres in BOTH_DATABASES {
        let site = TestSite::start(Options { on_postgres, ..Options::default() }).await;
        let mut ada = site.person("ada").await;
        site.clock.advance(seconds(25 * 60 * 60));
        let page = open(&mut ada, "/service").await;
        assert_shows(&page, "/login?next=%2Fservice&ended=1", &["Your session has ended."]);
        let page = send(&mut ada, &page, "/login", &[("username", "ada"), ("password", PASSWORD)]).await;
        assert_shows(&page, "/service", &["ada"]);
    }
}

#[tokio::test]
async fn errors_are_beside_their_fields_and_input_is_kept() {
    for on_postgres in BOTH_DATABASES {
        let site = TestSite::start(Options { on_postgres, ..Options::default() }).await;
        let mut ada = site.person("ada").await;
        let mut other = site.client();
        let page = open(&mut other, "/signup").await;

        let refused = submit(&mut other, &page, "/signup", &[("username", "a b"), ("password", "short")]).await;
        assert_eq!(refused.status(), 422);
        for text in [
            "There are 2 problems",
            "only letters, digits and . _ - @ +",
            "at least 8 characters",
            "aria-invalid=\"true\"",
        ] {
            assert!(refused.text().contains(text), "{text}: {}", refused.text());
        }
        assert_eq!(field(&refused, "/signup", "username"), "a b");
        let refused = submit(&mut other, &refused, "/signup", &[("username", "ADA"), ("password", PASSWORD)]).await;
        assert_eq!(refused.status(), 422);
        assert!(refused.text().contains("That user name is taken."), "{}", refused.text());
        assert_eq!(whoami(&mut other).await, Err(401));

        let page = open(&mut ada, "/account").await;
        let typed = [("display_name", "Ada"), ("email", "no address")];
        let refused = submit(&mut ada, &page, "/account/change_settings", &typed).await;
        assert_eq!(refused.status(), 422);
        assert!(refused.text().contains("Enter an address such as"), "{}", refused.text());
        for (name, value) in typed {
            assert_eq!(field(&refused, "/account/change_settings", name), value);
        }
        let page = open(&mut ada, "/account").await;
        assert_eq!(field(&page, "/account/change_settings", "display_name"), "", "half of it was saved");

        let typed = [("current_password", "not it at all"), ("new_password", NEW_PASSWORD)];
        let refused = submit(&mut ada, &page, "/account/password", &typed).await;
        assert_eq!(refused.status(), 403);
        assert!(refused.text().contains("That is not your current password."), "{}", refused.text());
        let refused = submit(
            &mut ada,
            &page,
            "/account/password",
            &[("current_password", PASSWORD), ("new_password", "zzzzzzzzzz")],
        )
        .await;
        assert_eq!(refused.status(), 422);
        assert!(refused.text().contains("one character"), "{}", refused.text());
        assert_eq!(whoami(&mut site.device_of("ada").await).await.as_deref(), Ok("ada"), "the password was changed");
    }
}

#[tokio::test]
async fn the_device_page_says_which_devices_were_logged_out() {
    let site = TestSite::start(Options::default()).await;
    let mut ada = site.person("ada").await;
    site.device_of("ada").await;
    let page = open(&mut ada, "/account/sessions").await;
    let others = "/account/sessions/revoke-others";
    // The browser shows only the last response to a form that it sends twice. That response says the same.
    for _ in 0..2 {
        let done = send(&mut ada, &page, others, &[]).await;
        assert_shows(&done, "/account/sessions?done=revoke-others", &["All other devices have been logged out."]);
    }
}

#[tokio::test]
async fn the_account_page_shows_times_like_the_device_page() {
    let site = TestSite::start(Options::default()).await;
    let mut ada = site.person("ada").await;
    let time = |page: &Response| {
        let (_, time) = page.text().split_once("<time ").unwrap_or_else(|| panic!("no time in {}", page.text()));
        time.split_once("</time>").unwrap().0.to_owned()
    };
    let account = open(&mut ada, "/account").await;
    assert_eq!(time(&account), time(&open(&mut ada, "/account/sessions").await));
    assert!(time(&account).contains(">Just now <span class=\"whole\">(<span class=\"clock\">"), "{}", time(&account));
    // The script shows the time in the browser's time zone, also if a form is shown again.
    let refused = submit(&mut ada, &account, "/account/password", &[("current_password", "x")]).await;
    for page in [&account, &refused] {
        assert!(page.text().contains("<script src=\"/assets/times.js\" defer></script>"), "{}", page.text());
        assert!(page.header("content-security-policy").unwrap().contains("script-src 'self'"));
    }
}
