//! Verifies a token and returns owned claims.

use hardtack::jwt::{NoExtra, TokenKind};
use jsonwebtoken::{Algorithm, DecodingKey};

use crate::Failed;
use crate::peers::by_hand::ByHand;
use crate::run::{Case, Plan, alternate};
use crate::table::{Row, Target, Unit};
use hardtack_bench_subject::{Hmac, Visitor, hs256_keys, stored, stored_without_cache};

pub(crate) fn measure(plan: &Plan) -> Result<Vec<Row>, Failed> {
    let (secret, keys) = hs256_keys()?;
    let (plain, cached) = (stored_without_cache(keys.clone())?, stored(keys)?);
    let visitor = Visitor::of(&plain)?;
    let token = visitor.token.as_str();
    let bare = Hmac::of(token)?;
    let peer = ByHand::new(DecodingKey::from_secret(secret.as_bytes()), Algorithm::HS256, &visitor.cookie_name);

    let [bare, ours, default, theirs] = alternate(
        plan,
        [
            Case::new("bare HMAC", || bare.verify()),
            Case::new("Hardtack without its cache", || plain.decode::<NoExtra>(token, TokenKind::Access)),
            Case::new("Hardtack", || cached.decode::<NoExtra>(token, TokenKind::Access)),
            Case::new("jsonwebtoken", || peer.decode(token)),
        ],
    )?;
    let anchor =
        format!("baseline: bare HMAC-SHA256 verification of a {}-byte token (1.00 in all ratios)", token.len());
    Ok(vec![
        Row::new(anchor, Unit::Nanoseconds, bare.nanoseconds()),
        Row::new("HS256 token to owned claims, without cache", Unit::Ratio, ours.over(&bare))
            .target(Target::AtMost(1.6, Some(1.4)))
            .peer("jsonwebtoken", theirs.over(&bare)),
        Row::new("HS256 token to owned claims, with the default cache", Unit::Ratio, default.over(&bare)),
    ])
}
