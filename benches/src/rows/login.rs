//! The response to a log-in: two tokens and four cookies.

use axum_extra::extract::cookie::{Cookie, SameSite};
use hardtack::Authenticator;
use jsonwebtoken::{EncodingKey, Header};

use crate::Failed;
use crate::peers::claims::{Fresh, TypedClaims};
use crate::run::{Case, Plan, alternate};
use crate::table::{Row, Target, Unit};
use hardtack_bench_subject::{Hmac, SITE, SUBJECT, Visitor, hs256_keys, poll_once, stored};

pub(crate) fn measure(plan: &Plan) -> Result<Vec<Row>, Failed> {
    let (secret, keys) = hs256_keys()?;
    let stateless = Authenticator::builder(keys.clone()).base_url(SITE).build()?;
    let stored = stored(keys)?;
    let bare = Hmac::of(&Visitor::of(&stateless)?.token)?;
    let key = EncodingKey::from_secret(secret.as_bytes());

    let [bare, ours, sessions, theirs] = alternate(
        plan,
        [
            Case::new("bare HMAC", || bare.verify()),
            Case::new("Hardtack without stored sessions", || poll_once(stateless.log_in(SUBJECT))?.ok()),
            Case::new("Hardtack with a session", || poll_once(stored.log_in(SUBJECT))?.ok()),
            Case::new("jsonwebtoken and cookie", || by_hand(&key)),
        ],
    )?;
    let theirs = theirs.over(&bare);
    Ok(vec![
        Row::new("log-in response: two tokens and four cookies", Unit::Ratio, ours.over(&bare))
            .target(Target::AtMost(8.0, Some(5.0)))
            .peer("jsonwebtoken + cookie by hand", theirs),
        Row::new("log-in response with a stored session, excluding the store", Unit::Ratio, sessions.over(&bare))
            .peer("jsonwebtoken + cookie by hand", theirs),
    ])
}

/// Creates the same four `Set-Cookie` fields by hand.
fn by_hand(key: &EncodingKey) -> Option<[String; 4]> {
    let now = jsonwebtoken::get_current_timestamp() as i64;
    let token = |kind: &str, seconds| {
        let claims = TypedClaims {
            fresh: Fresh::Whether(kind == "access"),
            iat: now,
            jti: random_text(),
            kind: kind.to_owned(),
            sub: SUBJECT.to_owned(),
            nbf: now,
            csrf: random_text(),
            exp: now + seconds,
        };
        Some((jsonwebtoken::encode(&Header::default(), &claims, key).ok()?, claims.csrf))
    };
    let (access, access_csrf) = token("access", 900)?;
    let (refresh, refresh_csrf) = token("refresh", 86_400)?;
    let cookie = |name: &'static str, value, readable: bool| {
        Cookie::build((name, value)).path("/").secure(true).http_only(!readable).same_site(SameSite::Lax).to_string()
    };
    Some([
        cookie("__Host-access_token_cookie", access, false),
        cookie("__Host-csrf_access_token", access_csrf, true),
        cookie("__Host-Http-refresh_token_cookie", refresh, false),
        cookie("__Host-csrf_refresh_token", refresh_csrf, true),
    ])
}

/// Returns 128 random bits from the fast thread-local generator of `rand`. A UUID has about the same number of random
/// bits.
fn random_text() -> String {
    base64_simd::URL_SAFE_NO_PAD.encode_to_string(rand::random::<[u8; 16]>())
}
