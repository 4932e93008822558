//! The routes `/token/bind` and `/token/bound`. If the site offers device binding, browsers post to these routes on
//! their own, without a script or a form.

use axum::response::Response;
use hardtack_axum::{Auth, AuthError};

pub(crate) async fn bind(auth: Auth) -> Result<Response, AuthError> {
    auth.bind_device().await
}

pub(crate) async fn refresh(auth: Auth) -> Result<Response, AuthError> {
    auth.refresh_bound().await
}
