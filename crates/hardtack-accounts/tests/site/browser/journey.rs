//! Everything that a user does over time, from the sign-up to the last log-out, in each refresh mode, with and
//! without JavaScript.

use hardtack::RefreshMode;
use hardtack_test_support::BrowserOptions;
use serde_json::json;

use super::Person;
use super::hostile::Elsewhere;
use crate::support::{ACCESS, Options, PASSWORD, REFRESH, TestSite};

const NEW_PASSWORD: &str = "a walrus in the pantry";

#[tokio::test]
async fn transparently_with_javascript() {
    journey(RefreshMode::Transparent, true).await;
}

#[tokio::test]
async fn transparently_without_javascript() {
    journey(RefreshMode::Transparent, false).await;
}

#[tokio::test]
async fn by_redirects_with_javascript() {
    journey(RefreshMode::Redirect, true).await;
}

#[tokio::test]
async fn by_redirects_without_javascript() {
    journey(RefreshMode::Redirect, false).await;
}

async fn journey(refresh: RefreshMode, javascript: bool) {
    let site = TestSite::start(Options { refresh, ..Options::default() }).await;
    let browser = || BrowserOptions { javascript, ..BrowserOptions::default() };
    let (ada, telephone) = tokio::join!(Person::at(&site, browser()), Person::at(&site, browser()));

    signs_up(&ada).await;
    finds_safe_cookies(&ada).await;
    logs_out_and_in_again(&ada).await;
    outlives_the_access_token(&ada).await;
    arrives_by_a_link_from_elsewhere(&ada).await;
    keeps_what_was_typed(&ada).await;
    logs_out_a_device(&ada, &telephone).await;
    changes_the_password(&ada, &telephone).await;
    logs_out_for_good(&ada).await;
}

async fn signs_up(ada: &Person<'_>) {
    ada.opens("/").await;
    ada.is_nobody().await;
    ada.clicks("main a[href='/signup']").await;
    ada.sends("/signup", &[("username", "ada"), ("password", PASSWORD)]).await;
    ada.is_at("/").await;
    ada.sees("You are logged in as ada").await;
    ada.is_greeted_as("ada").await;
}

/// Checks the cookies as the browser has stored them.
async fn finds_safe_cookies(ada: &Person<'_>) {
    let cookies = ada.cookies().await;
    for name in [ACCESS, REFRESH] {
        let cookie = cookies.iter().find(|cookie| cookie["name"] == name).unwrap();
        assert_eq!((&cookie["httpOnly"], &cookie["sameSite"]), (&json!(true), &json!("Lax")), "{cookie}");
        assert_eq!(cookie["domain"], "127.0.0.1", "{cookie}");
    }
    // Scripts can read the CSRF tokens and nothing else.
    let readable = ada.reads("return document.cookie.split('; ').map(pair => pair.split('=')[0])").await;
    for name in readable.as_array().unwrap() {
        assert!(["csrf_access_token", "csrf_refresh_token", ""].contains(&name.as_str().unwrap()), "{readable}");
    }
    for cookie in cookies {
        assert_eq!(cookie["sameSite"], "Lax", "{cookie}");
        assert!(cookie["httpOnly"] == true || readable.as_array().unwrap().contains(&cookie["name"]), "{cookie}");
    }
}

async fn logs_out_and_in_again(ada: &Person<'_>) {
    ada.logs_out().await;
    ada.is_at("/").await;
    ada.is_nobody().await;
    ada.sees("You are logged out.").await;
    ada.sees("Log in once.").await;

    // A protected page redirects to the log-in, and the log-in back to the page.
    ada.opens("/service").await;
    ada.is_at("/login").await;
    ada.does_not_see("session has ended").await;
    ada.logs_in("ada", "a wrong password").await;
    ada.sees("do not match").await;
    assert_eq!(ada.field("username").await, "ada");
    ada.logs_in("ada", PASSWORD).await;
    ada.is_at("/service").await;
    ada.is_greeted_as("ada").await;
}

async fn outlives_the_access_token(ada: &Person<'_>) {
    ada.site.expire_access();
    ada.browser.session().refresh().await.unwrap();
    ada.is_at("/service").await;
    ada.is_greeted_as("ada").await;

    // After a refresh, the token is no longer fresh.
    ada.opens("/account").await;
    ada.sees("Please confirm your password").await;
    ada.is_greeted_as("ada").await;
    ada.sends("/reauthenticate", &[("password", "a wrong password")]).await;
    ada.sees("That is not your password.").await;
    ada.confirms_password().await;
    ada.is_at("/account").await;
}

/// The browser reports that the request came from a link on another site. The refresh happens only after a page of
/// this site requests it.
async fn arrives_by_a_link_from_elsewhere(ada: &Person<'_>) {
    let elsewhere = Elsewhere::start(ada.site).await;
    for origin in elsewhere.origins() {
        ada.site.expire_access();
        ada.browser.goto(&format!("{origin}/link?to=/service")).await.unwrap();
        ada.clicks("a").await;
        ada.is_at("/service").await;
        ada.sees("Only people who are logged in").await;
        ada.is_greeted_as("ada").await;
    }
}

async fn keeps_what_was_typed(ada: &Person<'_>) {
    ada.opens("/account").await;
    ada.confirms_password().await;
    ada.is_at("/account").await;
    let session = ada.browser.session();
    let first = session.window().await.unwrap();
    let typed = [("display_name", "Ada Lovelace"), ("email", "ada@example.org")];
    ada.types(&typed).await;

    ada.site.expire_access();
    session.new_window(true).await.unwrap();
    let second = session.windows().await.unwrap().into_iter().find(|window| *window != first).unwrap();
    session.switch_to_window(second).await.unwrap();
    ada.opens("/service").await;
    ada.is_greeted_as("ada").await;
    session.close_window().await.unwrap();
    session.switch_to_window(first).await.unwrap();

    ada.clicks("form[action='/account/change_settings']").await;
    ada.confirms_password().await;
    ada.is_at("/account").await;
    ada.sees("not been saved yet").await;
    for (name, text) in typed {
        assert_eq!(ada.field(name).await, text);
    }
    ada.is_greeted_as("ada").await;

    // An invalid value is kept, with an error beside its field.
    ada.sends("/account/change_settings", &[("display_name", &"x".repeat(200))]).await;
    ada.sees("There is a problem").await;
    assert_eq!(ada.field("display_name").await, "x".repeat(200));
    assert_eq!(ada.field("email").await, "ada@example.org");

    ada.sends("/account/change_settings", &[typed[0], typed[1], ("current_password", PASSWORD)]).await;
    ada.sees("Your settings have been saved.").await;
    ada.is_greeted_as("Ada Lovelace").await;
    ada.opens("/account").await;
    ada.does_not_see("saved").await;
    for (name, text) in typed {
        assert_eq!(ada.field(name).await, text);
    }
}

async fn logs_out_a_device(ada: &Person<'_>, telephone: &Person<'_>) {
    telephone.opens("/login").await;
    telephone.logs_in("ada", PASSWORD).await;
    telephone.is_at("/").await;

    ada.opens("/account/sessions").await;
    assert_eq!(ada.count(".device").await, 2);
    assert_eq!(ada.count(".device .badge").await, 1);
    ada.sees("This device").await;

    // After the access token has expired, the form asks for the password first.
    ada.site.expire_access();
    ada.clicks("form[action$='/revoke']").await;
    ada.confirms_password().await;
    ada.is_at("/account/sessions").await;
    ada.sees("Nothing has been logged out yet").await;
    ada.clicks("form[action$='/revoke']").await;
    ada.is_at("/account/sessions").await;
    ada.sees("The device has been logged out.").await;
    assert_eq!(ada.count(".device").await, 1);
    assert_eq!(ada.count(".device .badge").await, 1);
    ada.is_greeted_as("Ada Lovelace").await;

    was_logged_out(telephone).await;
    telephone.logs_in("ada", PASSWORD).await;
    telephone.is_at("/service").await;
}

async fn changes_the_password(ada: &Person<'_>, telephone: &Person<'_>) {
    ada.site.expire_access();
    ada.opens("/account").await;
    ada.confirms_password().await;
    ada.sends("/account/password", &[("current_password", "not this"), ("new_password", NEW_PASSWORD)]).await;
    ada.sees("That is not your current password.").await;
    ada.sends("/account/password", &[("current_password", PASSWORD), ("new_password", NEW_PASSWORD)]).await;
    ada.sees("Your password has been changed.").await;
    ada.is_greeted_as("Ada Lovelace").await;

    was_logged_out(telephone).await;
    telephone.logs_in("ada", PASSWORD).await;
    telephone.sees("do not match").await;
    telephone.logs_in("ada", NEW_PASSWORD).await;
    telephone.is_at("/service").await;
}

/// The site tells the device's user that the session has ended, and returns to the page after a log-in.
async fn was_logged_out(telephone: &Person<'_>) {
    telephone.opens("/service").await;
    telephone.is_at("/login").await;
    telephone.sees("Your session has ended.").await;
    telephone.is_nobody().await;
}

async fn logs_out_for_good(ada: &Person<'_>) {
    for page in ["/service", "/account/sessions", "/account"] {
        ada.opens(page).await;
        ada.is_greeted_as("Ada Lovelace").await;
    }
    ada.logs_out().await;
    ada.is_at("/").await;
    ada.is_nobody().await;
    assert!(ada.cookies().await.iter().all(|cookie| cookie["name"] != ACCESS && cookie["name"] != REFRESH));

    // The Back button leads to pages that show user data, but their content was not cached.
    for _ in 0..3 {
        ada.browser.session().back().await.unwrap();
        ada.is_at("/login").await;
        ada.is_nobody().await;
        ada.does_not_see("Ada Lovelace").await;
    }
}
