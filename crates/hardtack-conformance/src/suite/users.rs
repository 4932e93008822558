//! The application's own users and claims.

use hardtack::LogIn;
use serde_json::json;

use super::case::Case;

pub(super) fn cases() -> Vec<Case> {
    vec![
        Case::new("users: a known one", |site| async move {
            let mut alice = site.alice().await;
            let user = alice.get("/user").send().await;
            site.expect("required", &user, "200");
            site.same("required", user.json(), json!({ "sub": "alice", "name": "The user alice" }));
            let user = alice.get("/user/optional").send().await;
            site.same("optional", user.json(), json!({ "name": "The user alice" }));
        }),
        Case::new("users: nobody", |site| async move {
            let mut visitor = site.visitor();
            site.expect("required", &visitor.get("/user").send().await, "401 missing_token");
            site.same("optional", visitor.get("/user/optional").send().await.json(), json!({ "name": null }));
        }),
        Case::new("users: one who is there no more", |site| async move {
            for path in ["/user", "/user/optional"] {
                let ghost = site.browser_of("ghost").await;
                let api = ghost.clone().get(path).accept_json().send().await;
                site.expect("api", &api, "401 unknown_user -access -refresh");
                let page = ghost.clone().get(path).accept_html().send().await;
                let next: String = form_urlencoded::byte_serialize(path.as_bytes()).collect();
                site.expect("page", &page, format!("303 → /login?next={next}&ended=1 -access -refresh"));
                site.expect("where nobody asks", &ghost.clone().get("/protected").send().await, "200");
            }
        }),
        Case::new("users: one who is there no more, found out during a refresh", |site| async move {
            let mut ghost = site.browser_of("ghost").await;
            site.expire_access();
            let answer = ghost.get("/user").accept_json().send().await;
            site.expect("the refreshed cookies do not come back", &answer, "401 unknown_user -access -refresh");
        }),
        Case::new("users: after a refresh", |site| async move {
            let mut alice = site.alice().await;
            site.expire_access();
            let user = alice.get("/user").send().await;
            site.expect("refreshed", &user, "200 +access +refresh");
            site.same("user", user.json(), json!({ "sub": "alice", "name": "The user alice" }));
        }),
        Case::new("claims: the application's own", |site| async move {
            let mut editor = site.browser_of(LogIn::new("alice").claim("role", "editor")).await;
            let expected = json!({ "sub": "alice", "role": "editor" });
            site.same("at log-in", editor.get("/claims").send().await.json(), expected.clone());
            site.expire_access();
            let refreshed = editor.get("/claims").send().await;
            site.expect("refreshed", &refreshed, "200 +access +refresh");
            site.same("after a refresh", refreshed.json(), expected);
        }),
        Case::new("claims: missing", |site| async move {
            let alice = site.alice().await;
            let api = alice.clone().get("/claims").accept_json().send().await;
            site.same("api", site.told(&api).starts_with("401 "), true);
            site.same("challenge", api.header("www-authenticate").is_some(), true);
            site.expect(
                "page",
                &alice.clone().get("/claims").accept_html().send().await,
                "303 → /login?next=%2Fclaims&ended=1 -access -refresh",
            );
        }),
        Case::new("claims: of another type", |site| async move {
            let mut odd = site.browser_of(LogIn::new("alice").claim("role", 7)).await;
            let api = odd.get("/claims").accept_json().send().await;
            site.same("refused", (api.status().as_u16(), api.set_cookies().len()), (401, 4));
        }),
    ]
}
