//! A cache of access tokens whose signatures have been checked. The signature of a cached token is not checked again.
//! Decision 10 explains why the cache is safe.

use std::cell::Cell;
use std::hash::{BuildHasher, Hash, Hasher};
use std::ops::Range;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError, TryLockError};

use constant_time_eq::constant_time_eq;
use foldhash::SharedSeed;
use foldhash::quality::SeedableRandomState;
use quick_cache::unsync::Cache;
use quick_cache::{Equivalent, OptionsBuilder, Weighter};

use crate::clock::Timestamp;
use crate::token::VerifiedPayload;

/// How many tokens are cached by default.
pub(super) const DEFAULT_ENTRIES: usize = 8192;

/// How many bytes an entry may take up on average. If entries are larger, the cache holds fewer of them.
const BYTES_PER_ENTRY: usize = 2048;

/// The maximum length of a cached token, in bytes. Longer tokens do not fit into a cookie.
const MAX_TOKEN_LEN: usize = 4096;

/// The size of an entry in bytes, not counting the token, the payload and the strings in the claims. This size covers
/// the claims' fields, the counters and the table slots.
const OVERHEAD: usize = 512;

/// The maximum number of shards. If there are more threads than shards, some threads share a shard.
const MAX_SHARDS: usize = 16;

/// Caches the payloads of tokens whose signature and claims have been checked. Whatever can differ between two requests
/// with the same token (time, kind, revocation, CSRF, freshness) is still checked on each request.
///
/// Usually, each thread has its own shard, so threads do not wait for each other or write to the same cache lines. If
/// another thread has locked the shard, the look-up counts as a miss.
pub(super) struct TokenCache {
    shards: Box<[Shard]>,
    /// How many times the cache has been cleared.
    version: AtomicUsize,
    hasher: SeedableRandomState,
}

/// A part of the cache. Each shard has its own cache lines.
#[repr(align(128))]
struct Shard(Mutex<Table>);

type Table = Cache<Key, Entry, Bytes, foldhash::fast::RandomState>;

/// A token's payload, and the period in which its claims are valid.
struct Entry {
    payload: Arc<VerifiedPayload>,
    valid: Range<Timestamp>,
}

impl TokenCache {
    /// Creates a cache for at most `entries` tokens. If the tokens take up more than 2 KiB each on average, the cache
    /// holds fewer of them. Zero turns the cache off.
    pub(super) fn new(entries: usize) -> Self {
        let threads = std::thread::available_parallelism().map_or(1, usize::from);
        let count = threads.min(MAX_SHARDS).min(entries);
        let shards = (0..count).filter_map(|index| {
            // If the entries cannot be divided evenly, the first shards each hold one more.
            let places = entries / count + usize::from(index < entries % count);
            let options = OptionsBuilder::new()
                .estimated_items_capacity(places)
                .weight_capacity(places.saturating_mul(BYTES_PER_ENTRY) as u64)
                .build();
            let table = |options| {
                Cache::with_options(options, Bytes, foldhash::fast::RandomState::default(), Default::default())
            };
            options.ok().map(|options| Shard(Mutex::new(table(options))))
        });
        let hasher = SeedableRandomState::with_seed(rand::random(), SharedSeed::global_random());
        Self { shards: shards.collect(), version: AtomicUsize::new(0), hasher }
    }

    /// Returns a cached token's payload, and whether its claims are valid at the time `now`.
    #[inline]
    pub(super) fn find(&self, token: &[u8], now: Timestamp) -> Option<(Arc<VerifiedPayload>, bool)> {
        let shard = self.shard(token)?;
        let key = LookupKey { hash: self.hasher.hash_one(token), token };
        let hit = |found: &Entry| (Arc::clone(&found.payload), found.valid.contains(&now));
        with(shard, |table| table.get(&key).map(hit))?
    }

    /// Returns how many times the cache has been cleared. To cache a token after its verification, call this method
    /// before reading the keys.
    pub(super) fn version(&self) -> usize {
        self.version.load(Ordering::Acquire)
    }

    /// Removes all tokens. Call this method after the keys have been replaced. If the verification of a token began
    /// before this call, its result is not cached.
    pub(super) fn clear(&self) {
        self.version.fetch_add(1, Ordering::AcqRel);
        for shard in &self.shards {
            shard.0.lock().unwrap_or_else(PoisonError::into_inner).clear();
        }
    }

    /// Caches a token that has just been verified. `version` is what [`Self::version`] returned before the verification
    /// began.
    pub(super) fn insert(
        &self,
        token: &[u8],
        verified: &Arc<VerifiedPayload>,
        valid: Range<Timestamp>,
        version: usize,
    ) {
        let Some(shard) = self.shard(token) else { return };
        let key = Key { hash: self.hasher.hash_one(token), token: token.into() };
        let entry = Entry { payload: Arc::clone(verified), valid };
        with(shard, |table| {
            // Compare the versions while the shard is locked, because `clear` increments the version before it locks
            // the shard.
            if self.version() == version {
                table.insert(key, entry);
            }
        });
    }

    /// Removes a token that has expired.
    pub(super) fn remove(&self, token: &[u8]) {
        let Some(shard) = self.shard(token) else { return };
        let key = LookupKey { hash: self.hasher.hash_one(token), token };
        drop(with(shard, |table| table.remove(&key)));
    }

    #[inline]
    fn shard(&self, token: &[u8]) -> Option<&Mutex<Table>> {
        if self.shards.is_empty() || token.len() > MAX_TOKEN_LEN {
            return None;
        }
        let number = thread_number();
        // The remainder is computed only if necessary, because a division takes longer than the rest of this function.
        // Usually each thread has its own shard.
        let shard = self.shards.get(number).or_else(|| self.shards.get(number % self.shards.len()));
        shard.map(|shard| &shard.0)
    }

    /// The number of entries, and their total size in bytes.
    #[cfg(test)]
    pub(super) fn size(&self) -> (usize, u64) {
        let sizes = self.shards.iter().filter_map(|shard| with(&shard.0, |table| (table.len(), table.weight())));
        sizes.fold((0, 0), |sum, size| (sum.0 + size.0, sum.1 + size.1))
    }
}

/// Calls `act` with a shard's table, and returns the result. If the shard is locked, returns `None` instead of waiting.
#[inline]
fn with<R>(shard: &Mutex<Table>, act: impl FnOnce(&mut Table) -> R) -> Option<R> {
    match shard.try_lock() {
        Ok(mut table) => Some(act(&mut table)),
        Err(TryLockError::WouldBlock) => None,
        // A thread that panicked may have left the table inconsistent, so clear the table.
        Err(TryLockError::Poisoned(mut poisoned)) => {
            poisoned.get_mut().clear();
            shard.clear_poison();
            None
        }
    }
}

/// The current thread's number, which is below [`MAX_SHARDS`]. Threads are numbered in the order in which they first
/// call this function. After the highest number, the numbering starts again at zero.
#[inline]
fn thread_number() -> usize {
    static NEXT: AtomicUsize = AtomicUsize::new(0);
    thread_local! {
        static NUMBER: Cell<usize> = const { Cell::new(usize::MAX) };
    }
    NUMBER.with(|number| {
        if number.get() == usize::MAX {
            number.set(NEXT.fetch_add(1, Ordering::Relaxed) % MAX_SHARDS);
        }
        number.get()
    })
}

/// The key of an entry: the token and its hash. The token is a credential, so this type does not implement `Debug`.
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
        self.hash == other.hash && constant_time_eq(&self.token, &other.token)
    }
}

impl Eq for Key {}

/// A token from a request, used to look up its entry.
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
    /// Compares the hashes first. Only tokens with the same hash are compared with each other. The hashes depend on a
    /// secret seed, so an attacker cannot construct a token that has the same hash as a cached token.
    fn equivalent(&self, key: &Key) -> bool {
        self.hash == key.hash && constant_time_eq(self.token, &key.token)
    }
}

/// The weight of an entry: its size in bytes, but at least [`BYTES_PER_ENTRY`]. This minimum limits the number of
/// entries.
#[derive(Clone)]
struct Bytes;

impl Weighter<Key, Entry> for Bytes {
    fn weight(&self, key: &Key, entry: &Entry) -> u64 {
        let bytes = OVERHEAD + key.token.len() + entry.payload.text_len();
        bytes.max(BYTES_PER_ENTRY) as u64
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::jwt::{Claims, Expected, TokenKind};

    const NOW: Timestamp = Timestamp::from_unix_seconds(100);

    impl TokenCache {
        /// Caches a token of this subject that is valid from second 100 to second 200.
        fn insert_for(&self, token: &[u8], subject: &str) {
            let mut claims = Claims::new(subject, "id", TokenKind::Access, NOW);
            claims.expires_at = Some(Timestamp::from_unix_seconds(200));
            let verified = Arc::new(VerifiedPayload::issued(claims, vec![b'x'; 300]));
            let valid = verified.verify_claims(&Expected::new(NOW, TokenKind::Access)).unwrap();
            self.insert(token, &verified, valid, self.version());
        }

        fn subject(&self, token: &[u8]) -> Option<String> {
            self.find(token, NOW).map(|(verified, _)| verified.subject().to_owned())
        }
    }

    #[test]
    fn a_token_is_found_only_if_every_byte_matches() {
        let (cache, token) = (TokenCache::new(64), vec![b'a'; 403]);
        cache.insert_for(&token, "alice");
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
    fn a_cached_token_is_valid_only_in_its_time() {
        let cache = TokenCache::new(64);
        cache.insert_for(b"token", "alice");
        for (now, good) in [(96, false), (97, true), (199, true), (200, false)] {
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
    fn the_cache_stays_within_both_limits() {
        let cache = TokenCache::new(100);
        for number in 0..20_000_u32 {
            let mut token = number.to_string().into_bytes();
            token.resize(20 + (number as usize * 37) % 4_200, b'x');
            cache.insert_for(&token, "alice");
            let (entries, bytes) = cache.size();
            assert!(entries <= 100 && bytes <= 100 * BYTES_PER_ENTRY as u64, "{entries} {bytes}");
        }
        assert!(cache.size().0 > 0);
        assert!(cache.subject(&vec![b'x'; MAX_TOKEN_LEN + 1]).is_none());
    }

    #[test]
    fn a_capacity_of_zero_turns_the_cache_off() {
        let cache = TokenCache::new(0);
        cache.insert_for(b"token", "alice");
        assert!(cache.subject(b"token").is_none());
    }

    #[test]
    fn a_cleared_cache_takes_no_token_that_was_verified_before() {
        let cache = TokenCache::new(64);
        cache.insert_for(b"token", "alice");
        let version = cache.version();
        cache.clear();
        assert_eq!(cache.size(), (0, 0));
        let mut claims = Claims::new("bob", "id", TokenKind::Access, NOW);
        claims.expires_at = Some(Timestamp::from_unix_seconds(200));
        let verified = Arc::new(VerifiedPayload::issued(claims, Vec::new()));
        cache.insert(b"other", &verified, NOW..Timestamp::MAX, version);
        assert!(cache.subject(b"other").is_none());
        cache.insert(b"other", &verified, NOW..Timestamp::MAX, cache.version());
        assert_eq!(cache.subject(b"other").unwrap(), "bob");
    }

    #[test]
    fn a_locked_shard_is_a_miss() {
        let cache = TokenCache::new(64);
        cache.insert_for(b"token", "alice");
        let held: Vec<_> = cache.shards.iter().map(|shard| shard.0.lock().unwrap()).collect();
        assert!(cache.subject(b"token").is_none());
        cache.insert_for(b"other", "bob");
        drop(held);
        assert!(cache.subject(b"token").is_some() && cache.subject(b"other").is_none());
    }
}
