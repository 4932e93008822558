//! Access tokens whose signature was found good a moment ago, so that the next request with the same cookie
//! needs no cryptography. `docs/decisions/0010-cache-verified-tokens.md` argues why that is safe.

use std::cell::Cell;
use std::hash::{BuildHasher, Hash, Hasher};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, TryLockError};

use foldhash::SharedSeed;
use foldhash::quality::SeedableRandomState;
use quick_cache::unsync::Cache;
use quick_cache::{Equivalent, OptionsBuilder, Weighter};

use crate::clock::Timestamp;
use crate::constant_time::same;
use crate::jwt::Validity;
use crate::token::VerifiedPayload;

/// How many tokens are remembered unless set otherwise.
pub(super) const DEFAULT_ENTRIES: usize = 8192;

/// What an entry may take on average, in bytes; larger ones leave fewer places.
const BYTES_PER_ENTRY: usize = 2048;

/// Longer tokens aren't remembered: no cookie holds them.
const MAX_TOKEN_LEN: usize = 4096;

/// An entry's size beyond its token and its texts: claims, counters, slots of the table.
const OVERHEAD: usize = 512;

/// The most lanes. More threads share them.
const MAX_LANES: usize = 16;

/// Remembers what was verified, and nothing else: whatever can change between two requests (time, kind,
/// revocation, CSRF, freshness) is judged anew on each.
///
/// Each thread reads and writes a lane of its own, so that no thread waits for another and no two write to
/// the same memory; a lane that is busy counts as one without the token.
pub(super) struct TokenCache {
    lanes: Box<[Lane]>,
    hasher: SeedableRandomState,
}

/// On cache lines of its own.
#[repr(align(128))]
struct Lane(Mutex<Table>);

type Table = Cache<Key, Remembered, Bytes, foldhash::fast::RandomState>;

/// What a token said, and how long that was found good for.
struct Remembered {
    verified: Arc<VerifiedPayload>,
    validity: Validity,
}

impl TokenCache {
    /// With at most this many tokens in at most 2 KiB each; none is off.
    pub(super) fn new(entries: usize) -> Self {
        let threads = std::thread::available_parallelism().map_or(1, usize::from);
        let count = threads.min(MAX_LANES).min(entries);
        let lanes = (0..count).filter_map(|index| {
            // The first lanes take what doesn't divide.
            let places = entries / count + usize::from(index < entries % count);
            let options = OptionsBuilder::new()
                .estimated_items_capacity(places)
                .weight_capacity(places.saturating_mul(BYTES_PER_ENTRY) as u64)
                .build();
            let table = |options| {
                Cache::with_options(options, Bytes, foldhash::fast::RandomState::default(), Default::default())
            };
            options.ok().map(|options| Lane(Mutex::new(table(options))))
        });
        let hasher = SeedableRandomState::with_seed(rand::random(), SharedSeed::global_random());
        Self { lanes: lanes.collect(), hasher }
    }

    /// What the token says if it was verified before, and whether what was found good of it then still is at
    /// this time.
    #[inline]
    pub(super) fn find(&self, token: &[u8], now: Timestamp) -> Option<(Arc<VerifiedPayload>, bool)> {
        let lane = self.lane(token)?;
        let key = LookupKey { hash: self.hasher.hash_one(token), token };
        let recall = |found: &Remembered| (Arc::clone(&found.verified), found.validity.contains(now));
        with(lane, |table| table.get(&key).map(recall))?
    }

    /// Remembers a token that was just verified and found good.
    pub(super) fn insert(&self, token: &[u8], verified: &Arc<VerifiedPayload>, validity: Validity) {
        let Some(lane) = self.lane(token) else { return };
        let key = Key { hash: self.hasher.hash_one(token), token: token.into() };
        let remembered = Remembered { verified: Arc::clone(verified), validity };
        with(lane, |table| table.insert(key, remembered));
    }

    /// Forgets a token that has expired.
    pub(super) fn remove(&self, token: &[u8]) {
        let Some(lane) = self.lane(token) else { return };
        let key = LookupKey { hash: self.hasher.hash_one(token), token };
        drop(with(lane, |table| table.remove(&key)));
    }

    #[inline]
    fn lane(&self, token: &[u8]) -> Option<&Mutex<Table>> {
        if self.lanes.is_empty() || token.len() > MAX_TOKEN_LEN {
            return None;
        }
        let number = thread_number();
        // A division takes longer than the rest of this, and most often there is a lane for each thread.
        let lane = self.lanes.get(number).or_else(|| self.lanes.get(number % self.lanes.len()));
        lane.map(|lane| &lane.0)
    }

    /// Entries and their bytes.
    #[cfg(test)]
    pub(super) fn size(&self) -> (usize, u64) {
        let sizes = self.lanes.iter().filter_map(|lane| with(&lane.0, |table| (table.len(), table.weight())));
        sizes.fold((0, 0), |sum, size| (sum.0 + size.0, sum.1 + size.1))
    }
}

/// Never waits.
#[inline]
fn with<R>(lane: &Mutex<Table>, act: impl FnOnce(&mut Table) -> R) -> Option<R> {
    match lane.try_lock() {
        Ok(mut table) => Some(act(&mut table)),
        Err(TryLockError::WouldBlock) => None,
        // Whoever panicked may have left the table in disorder.
        Err(TryLockError::Poisoned(mut poisoned)) => {
            poisoned.get_mut().clear();
            lane.clear_poison();
            None
        }
    }
}

/// Counts the threads that have come here.
#[inline]
fn thread_number() -> usize {
    static NEXT: AtomicUsize = AtomicUsize::new(0);
    thread_local! {
        static NUMBER: Cell<usize> = const { Cell::new(usize::MAX) };
    }
    NUMBER.with(|number| {
        if number.get() == usize::MAX {
            number.set(NEXT.fetch_add(1, Ordering::Relaxed) % MAX_LANES);
        }
        number.get()
    })
}

/// A remembered token: a credential, so without `Debug`.
struct Key {
    hash: u64,
    token: Box<[u8]>,
}

impl Hash for Key {
    fn hash<H: Hasher>(&self, state: &mut H) {
        state.write_u64(self.hash);
    }
}

impl PartialEq for Key {
    fn eq(&self, other: &Self) -> bool {
        self.hash == other.hash && same(&self.token, &other.token)
    }
}

impl Eq for Key {}

/// A token that somebody sent.
struct LookupKey<'t> {
    hash: u64,
    token: &'t [u8],
}

impl Hash for LookupKey<'_> {
    fn hash<H: Hasher>(&self, state: &mut H) {
        state.write_u64(self.hash);
    }
}

impl Equivalent<Key> for LookupKey<'_> {
    /// The whole hash first: without its key nobody can send a token that is compared with another one.
    fn equivalent(&self, key: &Key) -> bool {
        self.hash == key.hash && same(self.token, &key.token)
    }
}

/// Weighs an entry by its bytes, and none by less than its share, which bounds their number too.
#[derive(Clone)]
struct Bytes;

impl Weighter<Key, Remembered> for Bytes {
    fn weight(&self, key: &Key, remembered: &Remembered) -> u64 {
        let bytes = OVERHEAD + key.token.len() + remembered.verified.text_len();
        bytes.max(BYTES_PER_ENTRY) as u64
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::jwt::{Claims, Expected, TokenKind};

    const NOW: Timestamp = Timestamp::from_unix_seconds(100);

    impl TokenCache {
        /// Remembers a token of this subject, good from 100 to 200.
        fn remember_of(&self, token: &[u8], subject: &str) {
            let mut claims = Claims::new(subject, "id", TokenKind::Access, NOW);
            claims.expires_at = Some(Timestamp::from_unix_seconds(200));
            let verified = Arc::new(VerifiedPayload::issued(claims, vec![b'x'; 300]));
            let validity = verified.verify_claims(&Expected::new(NOW, TokenKind::Access)).unwrap();
            self.insert(token, &verified, validity);
        }

        fn subject(&self, token: &[u8]) -> Option<String> {
            self.find(token, NOW).map(|(verified, _)| verified.subject().to_owned())
        }
    }

    #[test]
    fn a_token_is_found_by_all_of_its_bytes() {
        let (cache, token) = (TokenCache::new(64), vec![b'a'; 403]);
        cache.remember_of(&token, "alice");
        assert_eq!(cache.subject(&token).unwrap(), "alice");
        for index in 0..token.len() {
            let mut other = token.clone();
            other[index] ^= 1;
            assert!(cache.subject(&other).is_none(), "{index}");
        }
        assert!(cache.subject(&token[1..]).is_none() && cache.subject(&[&token[..], b"a"].concat()).is_none());
        cache.remove(&token);
        assert!(cache.subject(&token).is_none());
        assert_eq!(cache.size(), (0, 0));
    }

    #[test]
    fn what_was_found_good_is_so_for_its_time() {
        let cache = TokenCache::new(64);
        cache.remember_of(b"token", "alice");
        for (now, good) in [(99, false), (100, true), (199, true), (200, false)] {
            let (_, still_good) = cache.find(b"token", Timestamp::from_unix_seconds(now)).unwrap();
            assert_eq!(still_good, good, "{now}");
        }
    }

    #[test]
    fn equal_hashes_do_not_make_equal_tokens() {
        let key = Key { hash: 7, token: (*b"one token").into() };
        assert!(LookupKey { hash: 7, token: b"one token" }.equivalent(&key));
        assert!(!LookupKey { hash: 7, token: b"One token" }.equivalent(&key));
        assert!(!LookupKey { hash: 7, token: b"one tokem" }.equivalent(&key));
        assert!(!LookupKey { hash: 8, token: b"one token" }.equivalent(&key));
    }

    #[test]
    fn a_flood_stays_within_both_bounds() {
        let cache = TokenCache::new(100);
        for number in 0..20_000_u32 {
            let mut token = number.to_string().into_bytes();
            token.resize(20 + (number as usize * 37) % 4_200, b'x');
            cache.remember_of(&token, "alice");
            let (entries, bytes) = cache.size();
            assert!(entries <= 100 && bytes <= 100 * BYTES_PER_ENTRY as u64, "{entries} {bytes}");
        }
        assert!(cache.size().0 > 0);
        assert!(cache.subject(&vec![b'x'; MAX_TOKEN_LEN + 1]).is_none());
    }

    #[test]
    fn none_is_off() {
        let cache = TokenCache::new(0);
        cache.remember_of(b"token", "alice");
        assert!(cache.subject(b"token").is_none());
    }

    #[test]
    fn a_busy_lane_is_not_waited_for() {
        let cache = TokenCache::new(64);
        cache.remember_of(b"token", "alice");
        let held: Vec<_> = cache.lanes.iter().map(|lane| lane.0.lock().unwrap()).collect();
        assert!(cache.subject(b"token").is_none());
        cache.remember_of(b"other", "bob");
        drop(held);
        assert!(cache.subject(b"token").is_some() && cache.subject(b"other").is_none());
    }
}
