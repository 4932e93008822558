//! `/token/refresh`: new tokens for a refresh token, and back to where the client came from.

use axum::Form;
use axum::extract::{FromRequest, Request, State};
use axum::response::{IntoResponse, Redirect, Response};
use hardtack::refusal::Reason;
use hardtack::request::Wants;
use hardtack_axum::{Auth, AuthError, RefreshToken};
use http::{Method, StatusCode, header};
use serde::Deserialize;

use super::{answer, missing};
use crate::pages::{Shell, refresh_confirm};
use crate::site::Site;

/// What the page's button sends.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Button {
    next: Option<String>,
}

pub(crate) async fn show(
    State(site): State<Site>,
    auth: Auth,
    token: Result<RefreshToken, AuthError>,
    method: Method,
) -> Response {
    if method == Method::HEAD {
        // Refreshing changes something, which HEAD must not (RFC 9110 §9.2.1).
        return ([(header::ALLOW, "GET, POST")], missing::method_not_allowed(auth.headers())).into_response();
    }
    match auth.require_same_origin() {
        Err(_) if auth.wants() == Wants::Page => ask(&auth),
        _ => match check_user(&site, &auth, token).await {
            Ok(()) => auth.refresh_and_return().await.into_response(),
            Err(error) => error.into_response(),
        },
    }
}

/// Refuses the token of someone who was disabled or deleted (ASVS 5.0 V7.4.2). One that is bad in itself
/// is left to the refresh, which says why.
async fn check_user(site: &Site, auth: &Auth, token: Result<RefreshToken, AuthError>) -> Result<(), AuthError> {
    let Ok(token) = token else { return Ok(()) };
    match site.accounts.find(token.subject()).await {
        Ok(Some(_)) => Ok(()),
        Ok(None) => Err(auth.refuse(Reason::UnknownUser)),
        Err(error) => Err(auth.refuse(error)),
    }
}

/// Another site's link led here: nothing is refreshed for it, but its visitor may go on. The page
/// comes from this site, so what it asks for is this site's own.
fn ask(auth: &Auth) -> Response {
    let next = auth.query("next").and_then(|next| auth.authenticator().next(&next));
    let again = next.as_ref().map_or_else(|| "/token/refresh".to_owned(), |next| next.append_to("/token/refresh"));
    let csrf_token = auth.refresh_csrf_token().unwrap_or_default();
    let next = next.as_ref().map(hardtack::request::NextPath::as_str);
    answer::page(StatusCode::FORBIDDEN, refresh_confirm(&Shell::default(), &csrf_token, next, Some(&again)))
}

pub(crate) async fn submit(
    State(site): State<Site>,
    auth: Auth,
    token: Result<RefreshToken, AuthError>,
    request: Request,
) -> Result<Response, AuthError> {
    check_user(&site, &auth, token).await?;
    // With a query, a posted form is on its way elsewhere and its body is not for this route.
    let button = request.uri().query().is_none()
        && request.headers().get(header::CONTENT_TYPE).is_some_and(|kind| kind == "application/x-www-form-urlencoded");
    if !button {
        return auth.refresh_and_return().await;
    }
    let cookies = auth.refresh().await?;
    let Form(Button { next }) = Form::from_request(request, &()).await.unwrap_or_default();
    let location = auth.authenticator().next_or_home(next.as_deref());
    if auth.wants() == Wants::Page {
        return Ok((cookies, Redirect::to(&location)).into_response());
    }
    Ok((cookies, answer::done(auth.wants(), &location, serde_json::json!({ "refreshed": true }))).into_response())
}
