//! Engines, set up as an application sets them up.

use hardtack::AuthenticatorBuilder;
use hardtack::jwt::Algorithm;
use hardtack::{Authenticator, KeySet, RefreshMode, SigningKey};

use crate::{EndedSessions, Failed, poll_once};

/// The origin of every authenticator that no server is behind.
pub const SITE: &str = "https://site.example";

/// Ended sessions that each authenticator knows of.
const REVOCATIONS: u64 = 100_000;

/// Turns the cache of verified tokens off: every row that says "no cache" comes through here.
pub fn without_cache(builder: AuthenticatorBuilder) -> AuthenticatorBuilder {
    builder.token_cache(0)
}

/// The secret that the peers share with us.
pub fn hs256_keys() -> Result<(String, KeySet), Failed> {
    let mut random = [0; 48];
    aws_lc_rs::rand::fill(&mut random).map_err(|_| "no random bytes for a key")?;
    let secret = base64_simd::STANDARD.encode_to_string(random);
    let keys = KeySet::from_secret(secret.as_bytes())?;
    Ok((secret, keys))
}

/// An authenticator with stored sessions, of which 100,000 have just ended.
pub fn stored(keys: KeySet) -> Result<Authenticator, Failed> {
    synced(builder(keys))
}

/// The same authenticator without its cache.
pub fn stored_without_cache(keys: KeySet) -> Result<Authenticator, Failed> {
    synced(without_cache(builder(keys)))
}

fn builder(keys: KeySet) -> AuthenticatorBuilder {
    // Their signatures are random, and refresh tokens have to be repeatable: there is none when sliding.
    let randomised = keys.signing_key().is_some_and(|key| key.algorithm() == Algorithm::ES256);
    let mode = if randomised { RefreshMode::Sliding } else { RefreshMode::Transparent };
    Authenticator::builder(keys).base_url(SITE).refresh_mode(mode).sessions(EndedSessions::new(REVOCATIONS))
}

fn synced(builder: AuthenticatorBuilder) -> Result<Authenticator, Failed> {
    let authenticator = builder.build()?;
    let known = poll_once(authenticator.sync_revocations()).ok_or("the store of the measurements waited")??;
    if known as u64 != REVOCATIONS {
        return Err(format!("{REVOCATIONS} ended sessions expected, {known} known").into());
    }
    Ok(authenticator)
}

/// A new key of an algorithm.
pub fn generated(algorithm: Algorithm) -> Result<KeySet, Failed> {
    Ok(KeySet::new(SigningKey::generate(algorithm)?))
}
