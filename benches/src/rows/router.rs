//! The time that authentication adds to a call of a whole router in this process.

use std::convert::Infallible;

use axum::Router;
use hardtack_axum::AuthService;
use http::{HeaderMap, HeaderValue, header};
use jsonwebtoken::{Algorithm, DecodingKey};
use tower_service::Service;

use crate::Failed;
use crate::peers::{
    axum_login,
    by_hand::{self, ByHand},
    jwt_authorizer,
};
use crate::run::{Case, Plan, alternate};
use crate::table::{Row, Target, Unit};
use hardtack_bench_subject::{
    Call, Visitor, bare, get, guarded, hs256_keys, layered, poll_once, stored, stored_without_cache,
};

/// The routers, each with the header fields of a logged-in user.
pub(crate) struct Apps {
    pub(crate) none: Call,
    pub(crate) hardtack: Call<AuthService<Router>>,
    pub(crate) layered: Call,
    pub(crate) uncached: Call<AuthService<Router>>,
    pub(crate) by_hand: Call,
    pub(crate) axum_login: Call,
    pub(crate) older_none: OlderCall,
    pub(crate) jwt_authorizer: OlderCall,
}

/// Like `Call`, but for the older version of axum that jwt-authorizer supports.
pub(crate) struct OlderCall {
    router: axum_of_jwt_authorizer::Router,
    headers: HeaderMap,
}

impl Apps {
    pub(crate) fn new() -> Result<Self, Failed> {
        let (secret, keys) = hs256_keys()?;
        let plain = stored_without_cache(keys.clone())?;
        let visitor = Visitor::of(&plain)?;
        let headers = visitor.headers()?;
        let key = DecodingKey::from_secret(secret.as_bytes());
        let stack = ByHand::new(key, Algorithm::HS256, &visitor.cookie_name);
        let (login_app, session) = axum_login::app()?;
        let mut session_headers = headers.clone();
        session_headers.insert(header::COOKIE, HeaderValue::from_str(&session)?);
        let call = |service| Call::new(service, &headers);
        let wrapped = |authenticator| Call::new(guarded(authenticator), &headers);
        let older_call = |router| OlderCall { router, headers: headers.clone() };
        Ok(Self {
            none: call(bare()),
            hardtack: wrapped(stored(keys.clone())?),
            layered: call(layered(stored(keys)?)),
            uncached: wrapped(plain),
            by_hand: call(by_hand::app(stack)),
            axum_login: Call::new(login_app, &session_headers),
            older_none: older_call(jwt_authorizer::bare()),
            jwt_authorizer: older_call(jwt_authorizer::app(&secret, &visitor.cookie_name)?),
        })
    }
}

impl OlderCall {
    pub(crate) fn make(&mut self) -> Option<axum_of_jwt_authorizer::response::Response> {
        let body = axum_of_jwt_authorizer::body::Body::empty();
        let answer: Result<_, Infallible> = poll_once(self.router.call(get(&self.headers, body)))?;
        answer.ok().filter(|response| response.status().is_success())
    }
}

pub(crate) fn measure(plan: &Plan) -> Result<Vec<Row>, Failed> {
    let Apps {
        mut none,
        mut hardtack,
        mut layered,
        mut uncached,
        mut by_hand,
        mut axum_login,
        mut older_none,
        mut jwt_authorizer,
    } = Apps::new()?;
    let [none, ours, layered, missed, by_hand, login, older, authorizer] = alternate(
        plan,
        [
            Case::new("no authentication", || none.make()),
            Case::new("Hardtack", || hardtack.make()),
            Case::new("Hardtack by Router::layer", || layered.make()),
            Case::new("Hardtack without cache", || uncached.make()),
            Case::new("by hand", || by_hand.make()),
            Case::new("axum-login", || axum_login.make()),
            Case::new("no authentication, older axum", || older_none.make()),
            Case::new("jwt-authorizer", || jwt_authorizer.make()),
        ],
    )?;
    let name = "time added to an axum `Router::call`, in process";
    Ok(vec![
        Row::new(name, Unit::Microseconds, ours.microseconds_beyond(&none))
            .target(Target::AtMost(0.5, Some(0.3)))
            .peer("with `Router::layer`", layered.microseconds_beyond(&none))
            .peer("without cache", missed.microseconds_beyond(&none))
            .peer("CookieJar + jsonwebtoken by hand", by_hand.microseconds_beyond(&none))
            .peer("axum-login", login.microseconds_beyond(&none))
            .peer("jwt-authorizer", authorizer.microseconds_beyond(&older)),
    ])
}
