//! The axum servers, with one worker.

use axum::ServiceExt;
use axum::extract::Request;
use jsonwebtoken::DecodingKey;
use tokio::net::TcpListener;

use super::{Auth, Greeting};
use crate::Failed;
use crate::peers::{
    axum_login,
    by_hand::{self, ByHand},
    jwt_authorizer,
};
use hardtack_bench_subject::{Visitor, bare, guarded, hs256_keys, stored, stored_without_cache};

pub(super) fn serve(auth: Auth) -> Result<(), Failed> {
    tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(listen(auth))
}

async fn listen(auth: Auth) -> Result<(), Failed> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let (secret, keys) = hs256_keys()?;
    let visitor = Visitor::of(&stored(keys.clone())?)?;
    let cookie = Some(visitor.cookie_field());
    let older = match auth {
        Auth::OlderAxumNone => Some(jwt_authorizer::bare()),
        Auth::JwtAuthorizer => Some(jwt_authorizer::app(&secret, &visitor.cookie_name)?),
        _ => None,
    };
    if let Some(router) = older {
        Greeting::say(listener.local_addr()?, cookie)?;
        return Ok(axum_of_jwt_authorizer::serve(listener, router).await?);
    }
    let authenticator = match auth {
        Auth::AxumHardtack => Some(stored(keys.clone())?),
        Auth::AxumHardtackUncached => Some(stored_without_cache(keys)?),
        _ => None,
    };
    if let Some(authenticator) = authenticator {
        Greeting::say(listener.local_addr()?, cookie)?;
        return Ok(axum::serve(listener, ServiceExt::<Request>::into_make_service(guarded(authenticator))).await?);
    }
    let (router, cookie) = match auth {
        Auth::AxumByHand => {
            let key = DecodingKey::from_secret(secret.as_bytes());
            let stack = ByHand::new(key, jsonwebtoken::Algorithm::HS256, &visitor.cookie_name);
            (by_hand::app(stack), cookie)
        }
        Auth::AxumLogin => {
            let (router, session) = axum_login::app()?;
            (router, Some(session))
        }
        // The server without authentication gets the same cookies, so that all requests are equal.
        _ => (bare(), cookie),
    };
    Greeting::say(listener.local_addr()?, cookie)?;
    Ok(axum::serve(listener, router).await?)
}
