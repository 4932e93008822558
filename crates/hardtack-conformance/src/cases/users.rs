//! The application's own users and claims.

use hardtack::LogIn;
use serde_json::json;

use crate::harness::Case;

pub(super) fn cases() -> Vec<Case> {
    vec![
        Case::new("users: a known user", |site| async move {
            let mut alice = site.alice().await;
            let user = alice.get("/user").send().await;
            site.expect("required", &user, "200");
            site.expect_eq("required", user.json(), json!({ "sub": "alice", "name": "The user alice" }));
            let user = alice.get("/user/optional").send().await;
            site.expect_eq("optional", user.json(), json!({ "name": "The user alice" }));
        }),
        Case::new("users: without cookies", |site| async move {
            let mut visitor = site.visitor();
            site.expect("required", &visitor.get("/user").send().await, "401 missing_token");
            site.expect_eq("optional", visitor.get("/user/optional").send().await.json(), json!({ "name": null }));
        }),
        Case::new("users: an unknown user", |site| async move {
            let ghost = site.logged_in("ghost").await;
            let api = ghost.clone().get("/user").accept_json().send().await;
            site.expect("program", &api, "401 unknown_user -access -refresh");
            let page = ghost.clone().get("/user").accept_html().send().await;
            site.expect("page", &page, "303 → /login?next=%2Fuser&ended=1 -access -refresh");
            let optional = ghost.clone().get("/user/optional").send().await;
            site.expect("optional", &optional, "200 -access -refresh");
            site.expect_eq("optional", optional.json(), json!({ "name": null }));
            site.expect("a route without the look-up", &ghost.clone().get("/protected").send().await, "200");
        }),
        Case::new("users: an unknown user, during a refresh", |site| async move {
            let mut ghost = site.logged_in("ghost").await;
            site.expire_access();
            let response = ghost.get("/user").accept_json().send().await;
            site.expect("cookies are deleted, not refreshed", &response, "401 unknown_user -access -refresh");
        }),
        Case::new("users: after a refresh", |site| async move {
            let mut alice = site.alice().await;
            site.expire_access();
            let user = alice.get("/user").send().await;
            site.expect("refreshed", &user, "200 +access +refresh");
            site.expect_eq("user", user.json(), json!({ "sub": "alice", "name": "The user alice" }));
        }),
        Case::new("claims: the application's own", |site| async move {
            let mut editor = site.logged_in(LogIn::new("alice").claim("role", "editor")).await;
            let expected = json!({ "sub": "alice", "role": "editor" });
            site.expect_eq("at log-in", editor.get("/claims").send().await.json(), expected.clone());
            site.expire_access();
            let refreshed = editor.get("/claims").send().await;
            site.expect("refreshed", &refreshed, "200 +access +refresh");
            site.expect_eq("after a refresh", refreshed.json(), expected);
        }),
    ]
}
