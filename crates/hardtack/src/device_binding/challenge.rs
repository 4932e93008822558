//! Challenges. The server recognizes its own challenges by a MAC, so it does not store them.

use std::time::Duration;

use constant_time_eq::constant_time_eq;

use crate::clock::Timestamp;
use crate::jwt::{KeySet, hmac_sha256};
use crate::session::SessionId;

/// The length of a challenge in bytes, before it is encoded. A challenge consists of the time and the first half of a
/// MAC.
const LEN: usize = 8 + 16;

/// What a challenge is for. A challenge for one purpose is not valid for another purpose.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Purpose {
    /// To register a device's key.
    Bind,
    /// To exchange the refresh token with this generation.
    Refresh(u64),
}

/// The keys that authenticate challenges. The first is derived from the signing key, and the others from retired keys.
pub(crate) struct Challenges(Vec<[u8; 32]>);

impl Challenges {
    /// Derives the keys that authenticate challenges. If `keys` has no signing key, the first derived key is random, so
    /// other processes refuse this process's challenges.
    pub(crate) fn of(keys: &KeySet, label: &str) -> Self {
        let current = keys.signing_key().map_or_else(rand::random, |key| key.derive(label));
        Self(std::iter::once(current).chain(keys.retired_keys().iter().map(|key| key.derive(label))).collect())
    }

    /// Returns a challenge that is dated `now`. The challenge contains only base64url characters.
    pub(crate) fn issue(&self, session: SessionId, purpose: Purpose, now: Timestamp) -> String {
        let bytes = self.0.first().map(|key| seal(key, session, purpose, now)).unwrap_or_default();
        base64_simd::URL_SAFE_NO_PAD.encode_to_string(bytes)
    }

    /// Returns whether the challenge was issued with one of the keys, for this session and purpose, at most `max_age`
    /// ago. The time in the challenge can be up to `skew` in the future, because the challenge might come from another
    /// server whose clock is ahead.
    pub(crate) fn accepts(
        &self,
        challenge: &str,
        session: SessionId,
        purpose: Purpose,
        now: Timestamp,
        max_age: Duration,
        skew: Duration,
    ) -> bool {
        let Some(bytes) = decode(challenge) else { return false };
        let Some(issued_at) = bytes.first_chunk().map(|time| Timestamp::from_unix_seconds(i64::from_be_bytes(*time)))
        else {
            return false;
        };
        let is_ours = self.0.iter().any(|key| constant_time_eq(&seal(key, session, purpose, issued_at), &bytes));
        is_ours && issued_at <= now + skew && now.since(issued_at) <= max_age
    }
}

fn decode(challenge: &str) -> Option<[u8; LEN]> {
    // Check the length first, to avoid decoding a long string.
    let text = Some(challenge).filter(|text| text.len() == LEN / 3 * 4)?;
    base64_simd::URL_SAFE_NO_PAD.decode_to_vec(text).ok()?.try_into().ok()
}

fn seal(key: &[u8; 32], session: SessionId, purpose: Purpose, at: Timestamp) -> [u8; LEN] {
    let time = at.unix_seconds().to_be_bytes();
    let (purpose, generation) = match purpose {
        Purpose::Bind => (b"bind   ", 0),
        Purpose::Refresh(generation) => (b"refresh", generation),
    };
    // Every part has a fixed length, so two different sets of parts never produce the same message.
    let message: [&[u8]; 4] = [purpose, &session.as_u128().to_be_bytes(), &generation.to_be_bytes(), &time];
    let mac = hmac_sha256(key, &message);
    let mut bytes = [0; LEN];
    let (start, end) = bytes.split_at_mut(time.len());
    start.copy_from_slice(&time);
    end.copy_from_slice(&mac[..16]);
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::jwt::{Algorithm, SigningKey};

    const NOW: Timestamp = Timestamp::from_unix_seconds(1_800_000_000);
    const AGE: Duration = Duration::from_secs(900);
    const SKEW: Duration = Duration::from_secs(3);
    const ID: SessionId = SessionId::from_u128(7);

    fn keys() -> (SigningKey, Challenges) {
        let key = SigningKey::generate(Algorithm::HS256).unwrap().with_key_id("a");
        let challenges = Challenges::of(&KeySet::new(key.clone()), "test");
        (key, challenges)
    }

    fn accepts(challenges: &Challenges, challenge: &str, session: SessionId, purpose: Purpose, now: Timestamp) -> bool {
        challenges.accepts(challenge, session, purpose, now, AGE, SKEW)
    }

    #[test]
    fn a_challenge_is_for_one_session_purpose_and_generation() {
        let (_, challenges) = keys();
        let purposes = [Purpose::Bind, Purpose::Refresh(0), Purpose::Refresh(1), Purpose::Refresh(u64::MAX)];
        let sessions = [ID, SessionId::from_u128(8)];
        for issued in purposes {
            for session in sessions {
                let challenge = challenges.issue(session, issued, NOW);
                for purpose in purposes {
                    for other in sessions {
                        let accepted = accepts(&challenges, &challenge, other, purpose, NOW);
                        assert_eq!(accepted, issued == purpose && session == other, "{issued:?} {purpose:?}");
                    }
                }
            }
        }
    }

    #[test]
    fn a_challenge_ages_to_the_second_and_may_be_ahead_by_the_skew() {
        let (_, challenges) = keys();
        let challenge = challenges.issue(ID, Purpose::Refresh(3), NOW);
        for (now, accepted) in [
            (NOW - SKEW, true),
            (NOW - SKEW - Duration::from_secs(1), false),
            (NOW, true),
            (NOW + AGE, true),
            (NOW + AGE + Duration::from_secs(1), false),
        ] {
            assert_eq!(accepts(&challenges, &challenge, ID, Purpose::Refresh(3), now), accepted, "{now:?}");
        }
    }

    #[test]
    fn a_challenge_survives_a_rotation_of_the_keys_until_the_old_one_is_dropped() {
        let (old, challenges) = keys();
        let challenge = challenges.issue(ID, Purpose::Bind, NOW);
        let new = SigningKey::generate(Algorithm::HS256).unwrap().with_key_id("b");
        let rotated = Challenges::of(&KeySet::new(new.clone()).retire(old).unwrap(), "test");
        assert!(accepts(&rotated, &challenge, ID, Purpose::Bind, NOW));
        assert!(!accepts(&Challenges::of(&KeySet::new(new), "test"), &challenge, ID, Purpose::Bind, NOW));
        let (key, _) = keys();
        let other_label = Challenges::of(&KeySet::new(key.clone()), "other");
        assert!(!accepts(
            &other_label,
            &Challenges::of(&KeySet::new(key), "test").issue(ID, Purpose::Bind, NOW),
            ID,
            Purpose::Bind,
            NOW
        ));
    }

    #[test]
    fn no_altered_challenge_is_accepted() {
        let (_, challenges) = keys();
        let challenge = challenges.issue(ID, Purpose::Bind, NOW);
        assert!(challenge.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte)));
        for at in 0..challenge.len() {
            let mut other = challenge.clone().into_bytes();
            other[at] = if other[at] == b'A' { b'B' } else { b'A' };
            let other = String::from_utf8(other).unwrap();
            assert!(!accepts(&challenges, &other, ID, Purpose::Bind, NOW), "{at}");
        }
        for other in ["", "A", &challenge[1..], &format!("{challenge}A"), &"A".repeat(1 << 20), "\u{e9}"] {
            assert!(!accepts(&challenges, other, ID, Purpose::Bind, NOW));
        }
        // Times that no clock can show.
        for seconds in [i64::MIN, -1, i64::MAX] {
            let far = challenges.issue(ID, Purpose::Bind, Timestamp::from_unix_seconds(seconds));
            assert!(!accepts(&challenges, &far, ID, Purpose::Bind, NOW), "{seconds}");
        }
    }
}
