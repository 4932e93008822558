//! argon2id off the async threads, on as many permits as there are processors.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use argon2::password_hash::phc::PasswordHash;
use hardtack::BackendError;
use tokio::sync::Semaphore;

use super::argon2id::{Argon2id, is_weak};
use super::rules::is_hashable;

/// How many may wait for a permit, for each that works. Beyond that the answer is 503 at once: a queue
/// of minutes helps nobody.
const WAITING_PER_PERMIT: usize = 64;

/// Why no hash was made.
#[derive(Debug, thiserror::Error)]
pub(crate) enum HashError {
    /// Too many are waiting.
    #[error("too many passwords are being checked at once")]
    Busy,
    /// The thread or the library failed.
    #[error(transparent)]
    Failed(#[from] BackendError),
}

/// What a password is against a hash.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// Another password, or nobody's.
    Wrong,
    /// The password.
    Right,
    /// The password, under weaker parameters than today's: hash it anew.
    RightButWeak,
}

/// Hashes and verifies. Clones share the permits.
#[derive(Clone, Debug)]
pub(crate) struct Hasher {
    permits: Arc<Semaphore>,
    queue: Arc<AtomicUsize>,
    queue_limit: usize,
    argon2id: Argon2id,
    /// Verified in place of a user who does not exist, so that both take the same time.
    nobody: Arc<str>,
}

impl Hasher {
    /// Makes the stand-in hash, which takes as long as any.
    pub(crate) async fn new() -> Result<Self, HashError> {
        let permits = std::thread::available_parallelism().map_or(1, usize::from);
        let hasher = Self {
            permits: Arc::new(Semaphore::new(permits)),
            queue: Arc::default(),
            queue_limit: permits * (WAITING_PER_PERMIT + 1),
            argon2id: Argon2id::default(),
            nobody: "".into(),
        };
        let unknowable = format!("{:032x}", rand::random::<u128>());
        Ok(Self { nobody: hasher.hash(unknowable).await?.into(), ..hasher })
    }

    /// A PHC string, `$argon2id$v=19$…`.
    pub(crate) async fn hash(&self, password: String) -> Result<String, HashError> {
        let argon2id = self.argon2id.clone();
        let hash = self.run(move || argon2id.hash(password.as_bytes())).await?;
        hash.map_err(|error| HashError::Failed(BackendError::new(error.to_string())))
    }

    /// Compares; without a hash it takes as long and is wrong.
    pub(crate) async fn verify(&self, password: String, hash: Option<String>) -> Result<Verdict, HashError> {
        let known = hash.is_some();
        let hash = hash.unwrap_or_else(|| self.nobody.to_string());
        let argon2id = self.argon2id.clone();
        let verdict = self
            .run(move || {
                let Ok(parsed) = PasswordHash::new(&hash) else { return Verdict::Wrong };
                match is_hashable(&password) && argon2id.verify(password.as_bytes(), &parsed) {
                    false => Verdict::Wrong,
                    true if is_weak(&parsed) => Verdict::RightButWeak,
                    true => Verdict::Right,
                }
            })
            .await?;
        Ok(if known { verdict } else { Verdict::Wrong })
    }

    async fn run<T: Send + 'static>(&self, work: impl FnOnce() -> T + Send + 'static) -> Result<T, HashError> {
        let place = Place::take(&self.queue, self.queue_limit).ok_or(HashError::Busy)?;
        let closed = |_| HashError::Busy;
        let permit = Arc::clone(&self.permits).acquire_owned().await.map_err(closed)?;
        let done = tokio::task::spawn_blocking(move || {
            // Held until the work is done, even if the client has gone and nobody waits any more.
            let _held = (permit, place);
            work()
        });
        done.await.map_err(|error| HashError::Failed(BackendError::new(error)))
    }
}

/// A place in the queue, given back when dropped.
struct Place(Arc<AtomicUsize>);

impl Place {
    fn take(queue: &Arc<AtomicUsize>, limit: usize) -> Option<Self> {
        let place = Self(Arc::clone(queue));
        // Counted before it is compared: of two that come at once, one sees the other.
        (queue.fetch_add(1, Ordering::AcqRel) < limit).then_some(place)
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::AcqRel);
    }
}

#[cfg(test)]
mod tests {
    use argon2::{Algorithm, Argon2, Params, PasswordHasher, PasswordVerifier, Version};

    use super::*;

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
            assert_eq!(hasher.verify("correct horse".into(), Some(hash)).await.unwrap(), Verdict::Right);

            let weak = Argon2::new(Algorithm::Argon2id, Version::V0x13, Params::new(8192, 1, 1, None).unwrap());
            let weak = weak.hash_password(b"correct horse").unwrap().to_string();
            assert_eq!(hasher.verify("correct horse".into(), Some(weak)).await.unwrap(), Verdict::RightButWeak);
        });
    }

    #[test]
    fn s59_every_character_counts() {
        block_on(async {
            let hasher = Hasher::new().await.unwrap();
            let long = "ä".repeat(36) + "x";
            let hash = hasher.hash(long.clone()).await.unwrap();
            let other = "ä".repeat(36) + "y";
            assert_eq!(hasher.verify(other, Some(hash.clone())).await.unwrap(), Verdict::Wrong);
            assert_eq!(hasher.verify(long, Some(hash)).await.unwrap(), Verdict::Right);
        });
    }

    #[test]
    fn nobody_and_nonsense_are_wrong() {
        block_on(async {
            let hasher = Hasher::new().await.unwrap();
            assert_eq!(hasher.verify("x".into(), None).await.unwrap(), Verdict::Wrong);
            assert_eq!(hasher.verify("x".into(), Some("no hash".into())).await.unwrap(), Verdict::Wrong);
        });
    }

    #[test]
    fn a_full_queue_answers_at_once() {
        block_on(async {
            let hasher = Hasher { queue_limit: 0, ..Hasher::new().await.unwrap() };
            assert!(matches!(hasher.verify("x".into(), None).await, Err(HashError::Busy)));
        });
    }
}
