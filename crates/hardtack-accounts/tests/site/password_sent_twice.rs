//! The browser sends the form for a new password twice, for example after a double click. It shows the second response,
//! and might not have received the first one.

use hardtack::session::SessionStore;
use hardtack::testing::Fault;
use http::StatusCode;
use serde_json::{Value, json};

use crate::faulty_site::{Browser, Change, FaultySite, Got, NEW_PASSWORD, User, with_site};
use crate::support::{PASSWORD, Store, on_every_store, seconds};

const WRONG_CURRENT: &str = "That is not your current password.";

on_every_store! {{
    a09_a_new_password_that_is_sent_twice_at_once_is_set_once_and_accepted_twice,
    a09_a_repeated_form_with_an_expired_token_overwrites_no_new_cookies,
    a09_a_new_password_is_accepted_again_while_its_session_continues,
    s57_a_copied_cookie_allows_no_more_guesses_after_a_new_password,
}}

impl<S: SessionStore + Clone> FaultySite<S> {
    async fn set(&self, browser: &Browser, current: &str, new: &str) -> Got {
        let body = json!({ "current_password": current, "new_password": new });
        self.send(browser, "POST", "/account/password", body).await
    }

    async fn version(&self, user: &User) -> i64 {
        let sql = "SELECT password_version FROM users WHERE id = $1";
        let rows: Vec<(i64,)> = self.database.fetch(hardtack_db::Statement::new(sql).bind(&user.id)).await.unwrap();
        rows[0].0
    }

    /// Changes the password while the session store fails, so the browser keeps its session.
    async fn set_without_new_session(&self, user: &User) {
        for call in 2.. {
            self.auth.sync_revocations().await.unwrap();
            self.faulty.inject(call, Fault::Fail);
            let changed = self.set(&user.browser, PASSWORD, NEW_PASSWORD).await;
            self.faulty.clear();
            if changed.status == 200 {
                assert!(changed.cookies.iter().all(|cookie| !cookie.starts_with("access")), "{:?}", changed.cookies);
                assert_eq!(self.status(&user.browser).await, 200, "the session of the change continues");
                return;
            }
        }
    }
}

fn text(got: &Got) -> String {
    String::from_utf8_lossy(&got.body).into_owned()
}

async fn a09_a_new_password_that_is_sent_twice_at_once_is_set_once_and_accepted_twice(store: Store) {
    with_site!(store, send_twice_at_once);
}

async fn send_twice_at_once<S: SessionStore + Clone>(site: FaultySite<S>) {
    for new_of_second in [NEW_PASSWORD, "another phrase than the first"] {
        for on_page in [false, true] {
            let user = site.user(Change::Reset).await;
            site.auth.sync_revocations().await.unwrap();
            let paused = site.faulty.pause_after(1);
            let first = async {
                // The second request has passed its first check, which reads the session.
                paused.reached().await;
                let first = site.set(&user.browser, PASSWORD, NEW_PASSWORD).await;
                paused.resume();
                first
            };
            let second = async {
                match on_page {
                    true => {
                        let form = [("current_password", PASSWORD), ("new_password", new_of_second)];
                        let second = site.submit(&user.browser, "/account/password", &form).await;
                        (second.status.as_u16(), second.location)
                    }
                    false => {
                        let second = site.set(&user.browser, PASSWORD, new_of_second).await;
                        (second.status.as_u16(), text(&second))
                    }
                }
            };
            let (second, first) = tokio::join!(second, first);
            assert_eq!(first.status, 200, "{}", text(&first));
            let (status, shown) = second;
            match (new_of_second == NEW_PASSWORD, on_page) {
                (true, true) => assert_eq!((status, shown.as_str()), (303, "/account?done=password")),
                (true, false) => {
                    assert_eq!(status, 200, "{shown}");
                    assert_eq!(serde_json::from_str::<Value>(&shown).unwrap()["username"], json!(user.name));
                }
                // The other form was about another password, and nothing was changed.
                (false, true) => assert_eq!(status, 403),
                (false, false) => {
                    assert_eq!(status, 403, "{shown}");
                    assert!(shown.contains(WRONG_CURRENT), "{shown}");
                }
            }
            assert_eq!(site.version(&user).await, 2, "the password is set once");
            let mut browser = user.browser.clone();
            first.cookies.iter().for_each(|cookie| browser.take(cookie));
            assert_eq!(site.status(&browser).await, 200, "the browser stays logged in");
            assert_eq!(site.log_in(&user, NEW_PASSWORD).await.status, 200);
        }
    }
}

async fn a09_a_repeated_form_with_an_expired_token_overwrites_no_new_cookies(store: Store) {
    with_site!(store, send_twice_with_expired_token);
}

/// The second request refreshes the session, which the first request then ends. The second response arrives last.
async fn send_twice_with_expired_token<S: SessionStore + Clone>(site: FaultySite<S>) {
    for new_of_second in [NEW_PASSWORD, "another phrase than the first"] {
        for calls in 1..=3 {
            let user = site.user(Change::Reset).await;
            site.clock.advance(seconds(15 * 60 + 10));
            site.auth.sync_revocations().await.unwrap();
            let paused = site.faulty.pause_after(calls);
            let first = async {
                paused.reached().await;
                let first = site.set(&user.browser, PASSWORD, NEW_PASSWORD).await;
                paused.resume();
                first
            };
            let (second, first) = tokio::join!(site.set(&user.browser, PASSWORD, new_of_second), first);
            assert_eq!(first.status, 200, "{}", text(&first));
            let mut browser = user.browser.clone();
            first.cookies.iter().chain(&second.cookies).for_each(|cookie| browser.take(cookie));
            let what = format!("paused after {calls} calls: {} sets {:?}", second.status, second.cookies);
            assert_eq!(site.status(&browser).await, 200, "the browser is logged out, {what}");
        }
    }
}

async fn a09_a_new_password_is_accepted_again_while_its_session_continues(store: Store) {
    with_site!(store, send_again);
}

async fn send_again<S: SessionStore + Clone>(site: FaultySite<S>) {
    let user = site.user(Change::Reset).await;
    site.set_without_new_session(&user).await;
    let again = site.set(&user.browser, PASSWORD, NEW_PASSWORD).await;
    assert_eq!(again.status, 200, "{}", text(&again));
    assert_eq!(site.version(&user).await, 2, "the password is set once");
    let other = site.set(&user.browser, PASSWORD, "another phrase than the first").await;
    assert_eq!((other.status.as_u16(), text(&other).contains(WRONG_CURRENT)), (403, true), "{}", text(&other));
    // The user can change the new password.
    let next = site.set(&user.browser, NEW_PASSWORD, "another phrase than the first").await;
    assert_eq!(next.status, 200, "{}", text(&next));
    assert_eq!(site.version(&user).await, 3);
}

async fn s57_a_copied_cookie_allows_no_more_guesses_after_a_new_password(store: Store) {
    with_site!(store, guess);
}

async fn guess<S: SessionStore + Clone>(site: FaultySite<S>) {
    let user = site.user(Change::Reset).await;
    site.set_without_new_session(&user).await;
    // The thief guesses in both fields at once. Each comparison counts.
    for guesses in 1.. {
        let guess = format!("guess number {guesses}");
        let refused = site.set(&user.browser, &format!("{guess} of the thief"), &guess).await;
        if refused.status == StatusCode::TOO_MANY_REQUESTS {
            assert!(guesses <= 6, "{guesses}");
            break;
        }
        assert_eq!(refused.status, 403, "{}", text(&refused));
        assert!(guesses < 20, "guesses are limited");
    }
    for (current, new) in [("wrong", NEW_PASSWORD), (NEW_PASSWORD, "a password of the thief")] {
        assert_eq!(site.set(&user.browser, current, new).await.status, StatusCode::TOO_MANY_REQUESTS);
    }
    // Another session of the user does not learn whether a password is the new one.
    let device = Browser::holding(site.log_in(&user, NEW_PASSWORD).await.cookies);
    let refused = site.set(&device, PASSWORD, NEW_PASSWORD).await;
    assert_eq!((refused.status.as_u16(), text(&refused).contains(WRONG_CURRENT)), (403, true), "{}", text(&refused));
}
