//! Adds cookies to responses of every kind.

use axum::Router;
use axum::response::Html;
use axum::routing::get;
use hardtack_axum::{Auth, SetCookies};
use http::StatusCode;

use crate::site::{ACCESS, REFRESH, Site};

#[tokio::test]
async fn cookies_are_part_of_any_response() {
    async fn unset(auth: Auth) -> (StatusCode, SetCookies, Html<&'static str>) {
        (StatusCode::IM_A_TEAPOT, auth.authenticator().unset_jwt_cookies().into(), Html("gone"))
    }
    async fn alone(auth: Auth) -> SetCookies {
        auth.authenticator().unset_access_cookies().into()
    }
    let more = Router::new().route("/unset", get(unset)).route("/alone", get(alone));
    let site = Site::with(|builder| builder, more).await;
    let mut alice = site.alice().await;
    let own = alice.get("/unset").send().await;
    assert_eq!((own.status().as_u16(), own.text()), (418, "gone"));
    assert_eq!(own.set_cookies().len(), 4);
    let mut alice = site.alice().await;
    assert_eq!(alice.get("/alone").send().await.set_cookies().len(), 2);
    assert!(alice.cookie(ACCESS).is_none() && alice.cookie(REFRESH).is_some());
}
