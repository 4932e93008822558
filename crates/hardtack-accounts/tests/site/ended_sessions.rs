//! A session ends while it makes a change to its user. The session was live at the first check, and ends before the
//! commit. The change is refused, no matter how the session ends and where the sessions are stored.

use hardtack::SessionId;
use hardtack::refusal::Reason;
use hardtack::session::SessionStore;
use http::StatusCode;
use serde_json::{Value, json};

use crate::faulty_site::{Browser, Change, FaultySite, Got, NEW_PASSWORD, User, with_site};
use crate::support::{PASSWORD, Store, flush, on_every_store, seconds};

on_every_store! {{
    s28_a_change_in_progress_is_refused_after_any_end_of_its_session,
    s28_the_page_says_why_a_change_in_progress_was_refused,
    s28_a_change_in_progress_continues_if_another_session_of_the_user_ends,
}}

/// A change that a logged-in user makes to the account.
#[derive(Clone, Copy, Debug)]
enum Begun {
    Password,
    Address,
    Name,
}

const BEGUN: [Begun; 3] = [Begun::Password, Begun::Address, Begun::Name];

/// How the session of the change ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum End {
    LogOut,
    /// The user logs in again in the same browser.
    LogInAgain,
    /// A copy of a refresh token is used after the token has been replaced.
    Theft,
    /// The user logs this device out on another device.
    OnOtherDevice,
    /// The user logs out all other devices.
    OtherDevices,
    Operator,
}

const ENDS: [End; 6] = [End::LogOut, End::LogInAgain, End::Theft, End::OnOtherDevice, End::OtherDevices, End::Operator];

impl<S: SessionStore + Clone> FaultySite<S> {
    async fn begin(&self, begun: Begun, browser: &Browser) -> Got {
        let (path, body) = match begun {
            Begun::Password => {
                ("/account/password", json!({ "current_password": PASSWORD, "new_password": NEW_PASSWORD }))
            }
            Begun::Address => {
                ("/account/change_settings", json!({ "email": "new@site.example", "current_password": PASSWORD }))
            }
            Begun::Name => ("/account/change_settings", json!({ "display_name": "Changed" })),
        };
        self.send(browser, "POST", path, body).await
    }

    /// Returns the columns of the user's row that the changes set.
    async fn account(&self, user: &User) -> (String, String, String) {
        let sql = "SELECT password_hash, email, display_name FROM users WHERE id = $1";
        let statement = hardtack_db::Statement::new(sql).bind(&user.id);
        self.database.fetch(statement).await.unwrap().pop().unwrap()
    }

    async fn session_of(&self, browser: &Browser) -> SessionId {
        let list = self.send(browser, "GET", "/account/sessions", json!(null)).await;
        let list: Value = serde_json::from_slice(&list.body).unwrap();
        let sessions = list["sessions"].as_array().unwrap();
        let current = sessions.iter().find(|session| session["current"] == true).unwrap();
        current["id"].as_str().unwrap().parse().unwrap()
    }

    /// Replaces the refresh token of the user's browser, so that only a thief would still use the old one.
    async fn replace_refresh_token(&self, user: &User) {
        let refreshed = self.send(&user.browser, "POST", "/token/refresh", json!({})).await;
        assert_eq!(refreshed.status, 200);
        assert_eq!(self.status(&Browser::holding(&refreshed.cookies)).await, 200);
        self.clock.advance(seconds(31));
    }

    async fn end(&self, end: End, user: &User, session: SessionId) {
        let none = json!({});
        let revoke = format!("/account/sessions/{session}/revoke");
        let (response, expected) = match end {
            End::LogOut => (self.send(&user.browser, "POST", "/logout", none).await, 200),
            End::LogInAgain => {
                let body = json!({ "username": user.name, "password": PASSWORD });
                (self.send(&user.browser, "POST", "/login", body).await, 200)
            }
            End::Theft => (self.send(&user.browser, "POST", "/token/refresh", none).await, 401),
            End::OnOtherDevice => (self.send(&user.device, "POST", &revoke, none).await, 200),
            End::OtherDevices => (self.send(&user.device, "POST", "/account/sessions/revoke-others", none).await, 200),
            End::Operator => {
                let logged_out = self.accounts.log_out(&user.name, self.auth.now()).await.unwrap();
                let (_, ended) = logged_out.unwrap();
                assert!(self.auth.finish_ending(ended).await);
                return;
            }
        };
        let text = String::from_utf8_lossy(&response.body);
        assert_eq!(response.status.as_u16(), expected, "{end:?}: {text}");
        assert_eq!(text.contains("refresh_reused"), end == End::Theft, "{text}");
    }
}

async fn s28_a_change_in_progress_is_refused_after_any_end_of_its_session(store: Store) {
    with_site!(store, end_during_changes);
}

async fn end_during_changes<S: SessionStore + Clone>(site: FaultySite<S>) {
    for begun in BEGUN {
        for end in ENDS {
            let what = format!("{begun:?}, {end:?}");
            let user = site.user(Change::Reset).await;
            let session = site.session_of(&user.browser).await;
            if end == End::Theft {
                site.replace_refresh_token(&user).await;
            }
            let before = site.account(&user).await;
            // The first call of the change reads the session, which is still live.
            site.auth.sync_revocations().await.unwrap();
            let paused = site.faulty.pause_after(1);
            let ending = async {
                paused.reached().await;
                site.end(end, &user, session).await;
                paused.resume();
            };
            let (response, ()) = tokio::join!(site.begin(begun, &user.browser), ending);
            let text = String::from_utf8_lossy(&response.body);
            assert_eq!(response.status, StatusCode::UNAUTHORIZED, "{what}: {text}");
            let problem: Value = serde_json::from_slice(&response.body).unwrap();
            assert_eq!(problem["code"], "revoked", "{what}: the database has not failed");
            let is_replaced = problem["detail"] == Reason::Replaced.advice();
            assert_eq!(is_replaced, end == End::LogInAgain, "{what}: {text}");
            assert_eq!(site.account(&user).await, before, "{what}");
            assert_eq!(site.begin(begun, &user.browser).await.status, StatusCode::UNAUTHORIZED, "{what}: the retry");
            assert_eq!(site.account(&user).await, before, "{what}: the retry");
            flush(&site.accounts).await;
        }
    }
}

async fn s28_the_page_says_why_a_change_in_progress_was_refused(store: Store) {
    with_site!(store, end_during_forms);
}

async fn end_during_forms<S: SessionStore + Clone>(site: FaultySite<S>) {
    let passwords = [("current_password", PASSWORD), ("new_password", NEW_PASSWORD)];
    let settings = [("display_name", "Changed"), ("email", "")];
    for (path, form, notice) in [
        ("/account/password", passwords, "%3Fdone%3Dunchanged"),
        ("/account/change_settings", settings, "%3Fdone%3Dkept"),
    ] {
        for (end, page) in [
            (End::LogOut, format!("/login?next=%2Faccount{notice}&ended=1&form=lost")),
            // The session continues, and the browser may have sent the form twice.
            (End::LogInAgain, "/login?next=%2Faccount&form=sent".to_owned()),
        ] {
            let user = site.user(Change::Password).await;
            let session = site.session_of(&user.browser).await;
            // The settings have no new address, so the change needs no password.
            let sql = "UPDATE users SET email = '', email_key = '' WHERE id = $1";
            site.database.execute(hardtack_db::Statement::new(sql).bind(&user.id)).await.unwrap();
            let before = site.account(&user).await;
            site.auth.sync_revocations().await.unwrap();
            let paused = site.faulty.pause_after(1);
            let ending = async {
                paused.reached().await;
                site.end(end, &user, session).await;
                paused.resume();
            };
            let (response, ()) = tokio::join!(site.submit(&user.browser, path, &form), ending);
            assert_eq!((response.status.as_u16(), response.location), (303, page), "{path}, {end:?}");
            assert_eq!(site.account(&user).await, before, "{path}, {end:?}");
        }
    }
}

async fn s28_a_change_in_progress_continues_if_another_session_of_the_user_ends(store: Store) {
    with_site!(store, end_other_sessions_during_changes);
}

async fn end_other_sessions_during_changes<S: SessionStore + Clone>(site: FaultySite<S>) {
    for begun in BEGUN {
        let user = site.user(Change::Reset).await;
        let before = site.account(&user).await;
        site.auth.sync_revocations().await.unwrap();
        let paused = site.faulty.pause_after(1);
        let ending = async {
            paused.reached().await;
            assert_eq!(site.send(&user.device, "POST", "/logout", json!({})).await.status, 200);
            paused.resume();
        };
        let (response, ()) = tokio::join!(site.begin(begun, &user.browser), ending);
        let text = String::from_utf8_lossy(&response.body);
        assert_eq!(response.status, 200, "{begun:?}: {text}");
        assert_ne!(site.account(&user).await, before, "{begun:?}");
        assert_eq!(site.status(&user.device).await, 401, "{begun:?}");
        flush(&site.accounts).await;
    }
}
