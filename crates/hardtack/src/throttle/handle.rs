//! The throttle that handlers use.

use std::fmt;
use std::sync::Arc;

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

use super::counters::{Counters, ErasedClock};
use super::store::{ErasedThrottleStore, ThrottleStore, Verdict};
use super::{Attempt, Budget, BudgetKey, MemoryThrottleStore, TooManyAttempts};
use crate::clock::{Clock, SystemClock};
use crate::error::BackendError;
use crate::jwt::KeySet;

/// Limits attempts, such as log-ins. Clones share the counters.
///
/// A throttle from [`Throttle::new`] keeps its counters in this process's memory. If the site runs on several servers,
/// set a store that they share: see [`Throttle::builder`].
#[derive(Clone)]
pub struct Throttle(Arc<Inner>);

struct Inner {
    counters: Arc<Counters>,
    state: Hmac<Sha256>,
}

/// Builds a [`Throttle`].
#[must_use = "a builder does nothing until build() is called"]
pub struct ThrottleBuilder {
    shared: Option<Box<dyn ErasedThrottleStore>>,
    local: MemoryThrottleStore,
    clock: Box<dyn ErasedClock>,
    state: Hmac<Sha256>,
}

impl ThrottleBuilder {
    /// Sets a store that several servers share. If the store fails, each server counts in its own memory.
    pub fn store(mut self, store: impl ThrottleStore) -> Self {
        self.shared = Some(Box::new(store));
        self
    }

    /// Sets the clock. Default: [`SystemClock`].
    pub fn clock(mut self, clock: impl Clock) -> Self {
        self.clock = Box::new(clock);
        self
    }

    /// Sets the store for this process's own counters. Default: [`MemoryThrottleStore::new`].
    pub fn memory(mut self, store: MemoryThrottleStore) -> Self {
        self.local = store;
        self
    }

    /// Builds the throttle.
    pub fn build(self) -> Throttle {
        let Self { shared, local, clock, state } = self;
        Throttle(Arc::new(Inner { counters: Arc::new(Counters::new(shared, local, clock)), state }))
    }
}

impl Throttle {
    /// Creates a throttle that keeps its counters in this process's memory. [`Self::key`] uses a secret that is derived
    /// from the signing key.
    pub fn new(keys: &KeySet) -> Self {
        Self::builder(keys).build()
    }

    /// Starts building a throttle. Servers that share a store must have the same signing key. A throttle with a
    /// different signing key starts with new counters.
    pub fn builder(keys: &KeySet) -> ThrottleBuilder {
        // If there is no signing key, use a random secret.
        let secret: [u8; 32] = keys.signing_key().map_or_else(rand::random, |key| key.derive("throttle"));
        ThrottleBuilder {
            shared: None,
            local: MemoryThrottleStore::new(),
            clock: Box::new(SystemClock),
            state: <Hmac<Sha256> as KeyInit>::new(&hmac_key(&secret).into()),
        }
    }

    /// Returns the key of a budget: an HMAC of the label and the parts. Different labels or parts result in different
    /// keys.
    pub fn key<P: AsRef<[u8]>>(&self, label: &str, parts: &[P]) -> BudgetKey {
        let mut state = self.0.state.clone();
        for part in std::iter::once(label.as_bytes()).chain(parts.iter().map(AsRef::as_ref)) {
            state.update(&(part.len() as u64).to_be_bytes());
            state.update(part);
        }
        let tag: [u8; 32] = state.finalize().into_bytes().into();
        let mut key = [0; 16];
        key.copy_from_slice(&tag[..16]);
        BudgetKey::from_bytes(key)
    }

    /// Takes a token from each budget. If any budget is empty, takes no tokens at all. Call this method before the work
    /// that the budgets limit, such as hashing a password. If several budgets have the same key, only the first of
    /// these budgets is used.
    ///
    /// # Errors
    /// A budget is empty.
    pub async fn take(&self, budgets: &[Budget]) -> Result<Attempt, TooManyAttempts> {
        let mut budgets = budgets.to_vec();
        budgets.sort_by_key(Budget::key);
        budgets.dedup_by_key(|budget| budget.key());
        let (verdict, shared) = self.0.counters.take(&budgets).await;
        match verdict {
            Verdict::Taken => Ok(Attempt::new(Arc::clone(&self.0.counters), budgets, shared)),
            Verdict::Refused { wait, failures_in_a_row } => Err(TooManyAttempts::new(wait, failures_in_a_row)),
        }
    }

    /// Refills the budgets that have these keys, for example after a user has set a new password.
    ///
    /// # Errors
    /// The shared store failed.
    pub async fn clear(&self, keys: &[BudgetKey]) -> Result<(), BackendError> {
        self.0.counters.clear(keys).await
    }
}

/// Pads the key with zeros to the block size of SHA-256 (RFC 2104 §2).
fn hmac_key(secret: &[u8; 32]) -> [u8; 64] {
    let mut block = [0; 64];
    block[..32].copy_from_slice(secret);
    block
}

/// Omits the secret.
impl fmt::Debug for Throttle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Throttle").field("shared", &self.0.counters.has_store()).finish_non_exhaustive()
    }
}

/// Omits the secret.
impl fmt::Debug for ThrottleBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ThrottleBuilder").field("shared", &self.shared.is_some()).finish_non_exhaustive()
    }
}
