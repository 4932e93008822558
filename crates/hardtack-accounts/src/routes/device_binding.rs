//! `/token/bind` and `/token/bound`, to which browsers post by themselves if sessions can be bound to their devices.

use axum::response::Response;
use hardtack_axum::{Auth, AuthError};

pub(crate) async fn bind(auth: Auth) -> Result<Response, AuthError> {
    auth.bind_device().await
}

pub(crate) async fn refresh(auth: Auth) -> Result<Response, AuthError> {
    auth.refresh_bound().await
}
