//! `Auth::verify` and `Auth::user` instead of extractors.

use axum::Router;
use axum::routing::any;
use hardtack::{BackendError, FindUser, Need, TokenLocation};
use hardtack_axum::{Auth, AuthError, AuthLayer};
use http::Method;

use crate::site::{ACCESS, Site};

struct Person(String);

impl FindUser for Person {
    type State = ();

    async fn find_user(subject: &str, (): &()) -> Result<Option<Self>, BackendError> {
        Ok((subject != "ghost").then(|| Self(format!("the person {subject}"))))
    }
}

async fn tell(auth: Auth) -> Result<String, AuthError> {
    let need = Need::access().locations([TokenLocation::Headers, TokenLocation::Cookies]);
    let Some(token) = auth.verify(need).await? else { return Ok("visitor".to_owned()) };
    let person: Person = auth.user(&token, &()).await?;
    Ok(format!("{} by {}", person.0, token.location().map_or("", TokenLocation::as_str)))
}

#[tokio::test]
async fn a_call_verifies_and_finds_the_user() {
    let app = |auth| Router::new().route("/tell", any(tell)).layer(AuthLayer::new(auth));
    let site = Site::bare(|builder| builder.exempt_options(), app).await;
    for (subject, status) in [("alice", 200), ("ghost", 401)] {
        let mut browser = site.visitor();
        site.auth.log_in(subject).await.unwrap().iter().for_each(|cookie| browser.set_cookie_raw(cookie));
        let bearer = format!("Bearer {}", browser.cookie(ACCESS).unwrap().value);
        let by_cookie = browser.get("/tell").accept_json().send().await;
        assert_eq!(by_cookie.status(), status);
        let mut api_client = site.visitor();
        let by_header = api_client.post("/tell").header("authorization", bearer).accept_html().send().await;
        assert_eq!(by_header.status(), status);
        if status == 200 {
            assert_eq!(
                (by_cookie.text(), by_header.text()),
                ("the person alice by cookies", "the person alice by headers")
            );
        } else {
            // The browser's cookies are deleted. The API client has none and is not redirected.
            assert!(!by_cookie.set_cookies().is_empty());
            assert!(by_header.set_cookies().is_empty() && by_header.location().is_none());
        }
    }
    let mut visitor = site.visitor();
    assert_eq!(visitor.get("/tell").accept_json().send().await.status(), 401);
    assert_eq!(visitor.request(Method::OPTIONS, "/tell").send().await.text(), "visitor");
}
