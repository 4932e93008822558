//! jwt-authorizer, on the older version of axum that it supports.

use axum_of_jwt_authorizer::Router;
use axum_of_jwt_authorizer::routing::get;
use jwt_authorizer::layer::JwtSource;
use jwt_authorizer::{Authorizer, IntoLayer, JwtAuthorizer, JwtClaims, RegisteredClaims, Validation};

use crate::Failed;
use hardtack_bench_subject::poll_once;

async fn user(JwtClaims(claims): JwtClaims<RegisteredClaims>) -> &'static str {
    std::hint::black_box(&claims.sub);
    "hello"
}

/// Returns the application, which takes the token from a cookie.
pub(crate) fn app(secret: &str, cookie_name: &str) -> Result<Router, Failed> {
    let authorizer: JwtAuthorizer<RegisteredClaims> = JwtAuthorizer::from_secret(secret)
        .validation(Validation::new().nbf(true).leeway(0))
        .jwt_source(JwtSource::Cookie(cookie_name.to_owned()));
    let authorizer: Authorizer = poll_once(authorizer.build()).ok_or("jwt-authorizer's key waited")??;
    Ok(Router::new().route("/user", get(user)).layer(authorizer.into_layer()))
}

/// Returns the same application without authentication.
pub(crate) fn bare() -> Router {
    Router::new().route("/user", get(async || "hello"))
}
