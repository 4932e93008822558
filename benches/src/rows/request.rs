//! Verifies a request from its header map, with the CSRF check and 100,000 ended sessions in memory.

use hardtack::jwt::Algorithm;
use jsonwebtoken::DecodingKey;

use crate::Failed;
use crate::peers::by_hand::{ByHand, public_key};
use crate::run::{Case, Plan, alternate};
use crate::table::{Row, Target, Unit};
use hardtack_bench_subject::{Hmac, Visitor, generated, hs256_keys, stored, stored_without_cache, user};

pub(crate) fn measure(plan: &Plan) -> Result<Vec<Row>, Failed> {
    let (secret, keys) = hs256_keys()?;
    let (plain, cached) = (stored_without_cache(keys.clone())?, stored(keys)?);
    let visitor = Visitor::of(&plain)?;
    let headers = visitor.headers()?;
    let bare = Hmac::of(&visitor.token)?;
    let key = DecodingKey::from_secret(secret.as_bytes());
    let peer = ByHand::new(key, jsonwebtoken::Algorithm::HS256, &visitor.cookie_name);

    let ec_keys = generated(Algorithm::ES256)?;
    let (ec_plain, ec_cached) = (stored_without_cache(ec_keys.clone())?, stored(ec_keys.clone())?);
    let ec_visitor = Visitor::of(&ec_plain)?;
    let ec_headers = ec_visitor.headers()?;
    let ec_bare = Hmac::of(&ec_visitor.token)?;
    let ec_peer = ByHand::new(public_key(&ec_keys)?, jsonwebtoken::Algorithm::ES256, &ec_visitor.cookie_name);

    let [bare, missed, hit, theirs, ec_bare, ec_missed, ec_hit, ec_theirs] = alternate(
        plan,
        [
            Case::new("bare HMAC", || bare.verify()),
            Case::new("HS256 without cache", || user(&plain, &headers)),
            Case::new("HS256 with cache", || user(&cached, &headers)),
            Case::new("by hand, HS256", || peer.user(true, &headers)),
            Case::new("bare HMAC of the ES256 token", || ec_bare.verify()),
            Case::new("ES256 without cache", || user(&ec_plain, &ec_headers)),
            Case::new("ES256 with cache", || user(&ec_cached, &ec_headers)),
            Case::new("by hand, ES256", || ec_peer.user(true, &ec_headers)),
        ],
    )?;
    let by_hand = "CookieJar + jsonwebtoken by hand";
    Ok(vec![
        Row::new(
            "header map to user, with CSRF and 100,000 revocations, without cache",
            Unit::Ratio,
            missed.over(&bare),
        )
        .target(Target::AtMost(1.8, Some(1.5)))
        .peer(by_hand, theirs.over(&bare)),
        Row::new("header map to user, with CSRF and 100,000 revocations, cache hit", Unit::Ratio, hit.over(&bare))
            .target(Target::AtMost(0.7, Some(0.5)))
            .peer(by_hand, theirs.over(&bare)),
        Row::new(
            "header map to user, with CSRF and 100,000 revocations, ES256, cache hit",
            Unit::Ratio,
            ec_hit.over(&ec_bare),
        )
        .target(Target::AtMost(0.7, Some(0.5)))
        .peer("without cache", ec_missed.over(&ec_bare))
        .peer(by_hand, ec_theirs.over(&ec_bare)),
    ])
}
