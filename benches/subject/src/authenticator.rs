//! Authenticators, configured as in an application.

use hardtack::AuthenticatorBuilder;
use hardtack::jwt::Algorithm;
use hardtack::{Authenticator, KeySet, RefreshMode, SigningKey};

use crate::{EndedSessions, Failed, poll_once};

/// The origin of each authenticator that is measured without a server.
pub const SITE: &str = "https://site.example";

/// The number of ended sessions in each authenticator's memory.
const REVOCATIONS: u64 = 100_000;

/// Turns off the cache of verified tokens, for every row "without cache".
pub fn without_cache(builder: AuthenticatorBuilder) -> AuthenticatorBuilder {
    builder.token_cache(0)
}

/// Returns a new secret, and Hardtack's keys with it. Other crates use the same secret.
pub fn hs256_keys() -> Result<(String, KeySet), Failed> {
    let mut random = [0; 48];
    aws_lc_rs::rand::fill(&mut random).map_err(|_| "cannot generate random bytes for a key")?;
    let secret = base64_simd::STANDARD.encode_to_string(random);
    let keys = KeySet::from_secret(secret.as_bytes())?;
    Ok((secret, keys))
}

/// Returns an authenticator with stored sessions. Its memory contains 100,000 sessions that have just ended.
pub fn stored(keys: KeySet) -> Result<Authenticator, Failed> {
    synced(builder(keys))
}

/// Like [`stored`], without the cache.
pub fn stored_without_cache(keys: KeySet) -> Result<Authenticator, Failed> {
    synced(without_cache(builder(keys)))
}

fn builder(keys: KeySet) -> AuthenticatorBuilder {
    // Refresh tokens must be reproducible, but ES256 signatures are random. Use sliding mode, which has no refresh
    // tokens.
    let randomised = keys.signing_key().is_some_and(|key| key.algorithm() == Algorithm::ES256);
    let mode = if randomised { RefreshMode::Sliding } else { RefreshMode::Transparent };
    // There is no runtime for the background work. Without this call, each request would check whether the background
    // work must be started.
    let builder = Authenticator::builder(keys).base_url(SITE).refresh_mode(mode).without_pruning();
    builder.sessions(EndedSessions::new(REVOCATIONS))
}

fn synced(builder: AuthenticatorBuilder) -> Result<Authenticator, Failed> {
    let authenticator = builder.build()?;
    let known =
        poll_once(authenticator.sync_revocations()).ok_or("the store was expected to return without waiting")??;
    if known as u64 != REVOCATIONS {
        return Err(format!("read {known} ended sessions from the log; expected {REVOCATIONS}").into());
    }
    Ok(authenticator)
}

/// Generates a key for an algorithm.
pub fn generated(algorithm: Algorithm) -> Result<KeySet, Failed> {
    Ok(KeySet::new(SigningKey::generate(algorithm)?))
}
