//! From a header map to a user.

use hardtack::{Authenticator, Exchange, Failure, Memo, Need, VerifiedToken};
use hardtack_axum::HeaderFields;
use http::HeaderMap;

use crate::{poll_once, post};

/// What an adapter's extractor does.
pub fn user(engine: &Authenticator, headers: &HeaderMap) -> Option<Result<VerifiedToken, Failure>> {
    let fields = HeaderFields(headers);
    let memo = Memo::without_layer(engine.clone());
    let exchange = Exchange::new(post(&fields), &memo);
    poll_once(exchange.required(Need::access()))
}
