//! argon2id hashes as PHC strings, with a pool of reusable working memory.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use argon2::password_hash::Error;
use argon2::password_hash::phc::{Output, ParamsString, PasswordHash, Salt};
use argon2::{Algorithm, Argon2, Block, Params, Version};

/// The parameters that OWASP recommends (ASVS 5.0 V11.4.2): 19 MiB, two passes, one lane.
const MEMORY_KIB: u32 = 19 * 1024;
const PASSES: u32 = 2;
const LANES: u32 = 1;

/// Hashes and verifies passwords, with a pool of reusable buffers. Without the pool, allocating 19 MiB for every hash
/// would cause thousands of page faults and fragment the heap. If no buffer is free, a new buffer is allocated. The
/// number of buffers therefore equals the largest number of hashes ever computed at the same time.
#[derive(Clone, Default)]
pub(super) struct Argon2id(Arc<Mutex<Vec<Vec<Block>>>>);

impl Argon2id {
    /// Hashes a password with a random salt. Returns the hash as a PHC string, `$argon2id$v=19$…`.
    pub(super) fn hash(&self, password: &[u8]) -> Result<String, Error> {
        let salt = Salt::new(&rand::random::<[u8; 16]>())?;
        let params = Params::new(MEMORY_KIB, PASSES, LANES, None)?;
        let encoded = ParamsString::try_from(&params)?;
        let hash = self.output(Algorithm::Argon2id, Version::V0x13, params, password, &salt)?;
        let algorithm = Algorithm::Argon2id.ident();
        Ok(PasswordHash {
            algorithm,
            version: Some(Version::V0x13.into()),
            params: encoded,
            salt: Some(salt),
            hash: Some(hash),
        }
        .to_string())
    }

    /// Returns whether the password matches the hash. If the hash is not an argon2 hash, returns `false`.
    pub(super) fn verify(&self, password: &[u8], hash: &PasswordHash) -> bool {
        let computed = || {
            let algorithm = Algorithm::try_from(hash.algorithm.as_str()).ok()?;
            let version = hash.version.map_or(Ok(Version::V0x13), Version::try_from).ok()?;
            let params = Params::try_from(hash).ok()?;
            self.output(algorithm, version, params, password, hash.salt.as_ref()?).ok()
        };
        // `Output` compares in constant time.
        matches!((computed(), &hash.hash), (Some(computed), Some(expected)) if computed == *expected)
    }

    fn output(
        &self,
        algorithm: Algorithm,
        version: Version,
        params: Params,
        password: &[u8],
        salt: &Salt,
    ) -> Result<Output, Error> {
        let blocks = params.block_count();
        let mut output = [0; Output::MAX_LENGTH];
        let length = params.output_len().unwrap_or(Params::DEFAULT_OUTPUT_LEN);
        let output = output.get_mut(..length).ok_or(Error::OutputSize)?;
        let mut memory = self.take();
        if memory.len() < blocks {
            memory.resize(blocks, Block::default());
        }
        let done = Argon2::new(algorithm, version, params).hash_password_into_with_memory(
            password,
            salt.as_ref(),
            output,
            &mut memory[..blocks],
        );
        self.give_back(memory);
        done?;
        Ok(Output::new(output)?)
    }

    fn take(&self) -> Vec<Block> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).pop().unwrap_or_default()
    }

    /// Shrinks a buffer to the usual size and returns it to the pool. A stored hash with a higher memory cost needs a
    /// larger buffer, but the pool must not keep the additional memory.
    fn give_back(&self, mut memory: Vec<Block>) {
        memory.truncate(MEMORY_KIB as usize);
        memory.shrink_to_fit();
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push(memory);
    }
}

/// Omits the buffers, which contain data derived from passwords.
impl fmt::Debug for Argon2id {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Argon2id")
    }
}

/// Returns whether a hash was computed with weaker parameters than the current ones.
pub(super) fn is_weak(hash: &PasswordHash) -> bool {
    let Ok(params) = Params::try_from(hash) else { return true };
    hash.algorithm.as_str() != "argon2id" || params.m_cost() < MEMORY_KIB || params.t_cost() < PASSES
}

#[cfg(test)]
mod tests {
    use argon2::PasswordHasher;

    use super::*;

    #[test]
    fn memory_is_reused_and_kept_small() {
        let argon2id = Argon2id::default();
        let pooled = || argon2id.0.lock().unwrap().iter().map(Vec::len).collect::<Vec<_>>();
        let first = argon2id.hash(b"one").unwrap();
        let second = argon2id.hash(b"two").unwrap();
        assert_eq!(pooled(), [MEMORY_KIB as usize]);
        // Data that one password leaves in memory does not affect the next hash.
        for (password, hash) in [("one", &first), ("two", &second)] {
            assert!(argon2id.verify(password.as_bytes(), &PasswordHash::new(hash).unwrap()));
        }
        assert!(!argon2id.verify(b"one", &PasswordHash::new(&second).unwrap()));

        let heavy = Argon2::new(Algorithm::Argon2id, Version::V0x13, Params::new(2 * MEMORY_KIB, 1, 1, None).unwrap());
        let heavy = heavy.hash_password(b"one").unwrap();
        assert!(argon2id.verify(b"one", &heavy));
        assert_eq!(pooled(), [MEMORY_KIB as usize]);
    }

    #[test]
    fn argon2_hashes_are_verified_with_their_own_parameters() {
        for algorithm in [Algorithm::Argon2i, Algorithm::Argon2d, Algorithm::Argon2id] {
            for version in [Version::V0x10, Version::V0x13] {
                let other = Argon2::new(algorithm, version, Params::new(64, 1, 2, Some(40)).unwrap());
                let hash = other.hash_password(b"correct").unwrap();
                assert!(Argon2id::default().verify(b"correct", &hash), "{hash}");
                assert!(!Argon2id::default().verify(b"wrong", &hash), "{hash}");
                assert!(is_weak(&hash));
            }
        }
    }
}
