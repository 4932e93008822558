//! Password hashing on blocking threads, limited to one hash per processor at a time.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use argon2::password_hash::phc::PasswordHash;
use hardtack::BackendError;
use tokio::sync::Semaphore;

use super::argon2id::{Argon2id, is_weak};
use super::typed::TypedPassword;

/// The maximum number of hashes that wait for each permit. If the queue is full, the server responds with 503
/// immediately, because clients in a longer queue would have to wait for minutes.
const WAITING_PER_PERMIT: usize = 64;

/// Why a password was not hashed or verified.
#[derive(Debug, thiserror::Error)]
pub(crate) enum HashError {
    /// The queue is full.
    #[error("too many passwords are being checked at once; try again in a few seconds")]
    Busy,
    /// The blocking thread or the hashing library failed.
    #[error(transparent)]
    Failed(#[from] BackendError),
}

/// The result of comparing a password with a hash.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// The password is wrong, or there is no hash to compare it with.
    Wrong,
    /// The right password.
    Right,
    /// The password is right, but it should be hashed again. The stored hash either has weaker parameters than new
    /// hashes, or was made from the password as typed rather than from its normalized form.
    RightButOldHash,
}

/// Hashes and verifies passwords. Clones share the permits and the queue.
#[derive(Clone, Debug)]
pub(crate) struct Hasher {
    permits: Arc<Semaphore>,
    /// How many hashes are running or waiting.
    queued: Arc<AtomicUsize>,
    queue_limit: usize,
    argon2id: Argon2id,
    /// If the user does not exist, the password is verified against this hash, so that the log-in takes as long as it
    /// does for an existing user.
    dummy_hash: Arc<str>,
}

impl Hasher {
    /// Creates a hasher with its dummy hash. Verifying this hash takes as long as verifying any hash with the current
    /// parameters.
    pub(crate) async fn new() -> Result<Self, HashError> {
        let permits = std::thread::available_parallelism().map_or(1, usize::from);
        let hasher = Self {
            permits: Arc::new(Semaphore::new(permits)),
            queued: Arc::default(),
            queue_limit: permits * (WAITING_PER_PERMIT + 1),
            argon2id: Argon2id::default(),
            dummy_hash: "".into(),
        };
        let random_password = format!("{:032x}", rand::random::<u128>());
        Ok(Self { dummy_hash: hasher.hash(random_password).await?.into(), ..hasher })
    }

    /// Hashes a password and returns a PHC string, `$argon2id$v=19$…`.
    pub(crate) async fn hash(&self, password: String) -> Result<String, HashError> {
        let argon2id = self.argon2id.clone();
        let hash = self.run(move || argon2id.hash(password.as_bytes())).await?;
        hash.map_err(|error| HashError::Failed(BackendError::new(error.to_string())))
    }

    /// Compares a password with a hash. If there is no hash, takes just as long and returns [`Verdict::Wrong`]. If the
    /// password as typed differs from its normalized form, always checks both forms, so that the response time reveals
    /// nothing about the stored hash.
    pub(crate) async fn verify(&self, password: TypedPassword, hash: Option<String>) -> Result<Verdict, HashError> {
        let known = hash.is_some();
        let hash = hash.unwrap_or_else(|| self.dummy_hash.to_string());
        let argon2id = self.argon2id.clone();
        let verdict = self
            .run(move || {
                let Ok(parsed) = PasswordHash::new(&hash) else { return Verdict::Wrong };
                let normalized = argon2id.verify(password.normalized().as_bytes(), &parsed);
                let typed = password.only_typed().is_some_and(|typed| argon2id.verify(typed.as_bytes(), &parsed));
                match (normalized, typed) {
                    (true, _) if !is_weak(&parsed) => Verdict::Right,
                    (true, _) | (false, true) => Verdict::RightButOldHash,
                    (false, false) => Verdict::Wrong,
                }
            })
            .await?;
        Ok(if known { verdict } else { Verdict::Wrong })
    }

    /// Returns whether another password would be refused because the queue is full.
    pub(crate) fn is_full(&self) -> bool {
        self.queued.load(Ordering::Acquire) >= self.queue_limit
    }

    async fn run<T: Send + 'static>(&self, work: impl FnOnce() -> T + Send + 'static) -> Result<T, HashError> {
        let slot = QueueSlot::take(&self.queued, self.queue_limit).ok_or(HashError::Busy)?;
        let closed = |_| HashError::Busy;
        let permit = Arc::clone(&self.permits).acquire_owned().await.map_err(closed)?;
        let done = tokio::task::spawn_blocking(move || {
            // Keep the permit and the slot until the hash is done, even if the client has disconnected.
            let _held = (permit, slot);
            work()
        });
        done.await.map_err(|error| HashError::Failed(BackendError::new(error)))
    }
}

/// A place in the queue, released on drop.
struct QueueSlot(Arc<AtomicUsize>);

impl QueueSlot {
    fn take(queued: &Arc<AtomicUsize>, limit: usize) -> Option<Self> {
        let slot = Self(Arc::clone(queued));
        // Increment the counter before comparing it, so that two concurrent calls cannot both take the last place.
        (queued.fetch_add(1, Ordering::AcqRel) < limit).then_some(slot)
    }
}

impl Drop for QueueSlot {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::AcqRel);
    }
}

#[cfg(test)]
mod tests {
    use argon2::{Algorithm, Argon2, Params, PasswordHasher, PasswordVerifier, Version};

    use super::*;

    fn typed(password: &str) -> TypedPassword {
        TypedPassword::new(password.to_owned()).unwrap()
    }

    fn block_on<T>(future: impl Future<Output = T>) -> T {
        tokio::runtime::Builder::new_multi_thread().build().unwrap().block_on(future)
    }

    #[test]
    fn s67_hashes_are_argon2id_at_owasps_parameters_and_weaker_ones_are_seen() {
        block_on(async {
            let hasher = Hasher::new().await.unwrap();
            let hash = hasher.hash("correct horse".into()).await.unwrap();
            assert!(hash.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{hash}");
            assert!(Argon2::default().verify_password(b"correct horse", &*hash).is_ok(), "{hash}");
            assert_eq!(hasher.verify(typed("correct horse"), Some(hash)).await.unwrap(), Verdict::Right);

            let weak = Argon2::new(Algorithm::Argon2id, Version::V0x13, Params::new(8192, 1, 1, None).unwrap());
            let weak = weak.hash_password(b"correct horse").unwrap().to_string();
            assert_eq!(hasher.verify(typed("correct horse"), Some(weak)).await.unwrap(), Verdict::RightButOldHash);
        });
    }

    #[test]
    fn s59_every_character_counts() {
        block_on(async {
            let hasher = Hasher::new().await.unwrap();
            let long = "ä".repeat(36) + "x";
            let hash = hasher.hash(long.clone()).await.unwrap();
            let other = "ä".repeat(36) + "y";
            assert_eq!(hasher.verify(typed(&other), Some(hash.clone())).await.unwrap(), Verdict::Wrong);
            assert_eq!(hasher.verify(typed(&long), Some(hash)).await.unwrap(), Verdict::Right);
        });
    }

    #[test]
    fn a06_a_password_is_compared_as_typed_and_normalized() {
        block_on(async {
            let hasher = Hasher::new().await.unwrap();
            let (nfc, nfd) = ("caf\u{e9} cr\u{e8}me", "cafe\u{301} cre\u{300}me");
            let hash = hasher.hash(typed(nfd).into_normalized()).await.unwrap();
            for text in [nfc, nfd] {
                assert_eq!(hasher.verify(typed(text), Some(hash.clone())).await.unwrap(), Verdict::Right);
            }
            // Older versions hashed passwords without normalizing them. This hash is made the same way.
            let old = hasher.hash(nfd.into()).await.unwrap();
            assert_eq!(hasher.verify(typed(nfd), Some(old.clone())).await.unwrap(), Verdict::RightButOldHash);
            assert_eq!(hasher.verify(typed(nfc), Some(old)).await.unwrap(), Verdict::Wrong);
        });
    }

    #[test]
    fn a_missing_or_malformed_hash_is_wrong() {
        block_on(async {
            let hasher = Hasher::new().await.unwrap();
            assert_eq!(hasher.verify(typed("x"), None).await.unwrap(), Verdict::Wrong);
            assert_eq!(hasher.verify(typed("x"), Some("no hash".into())).await.unwrap(), Verdict::Wrong);
        });
    }

    #[test]
    fn a_full_queue_fails_at_once() {
        block_on(async {
            let hasher = Hasher { queue_limit: 0, ..Hasher::new().await.unwrap() };
            assert!(hasher.is_full());
            assert!(matches!(hasher.verify(typed("x"), None).await, Err(HashError::Busy)));
        });
    }
}
