//! The fingerprint of RSA keys that can be factored: ROCA, CVE-2017-15361.
//!
//! An Infineon library for smart cards and TPMs chose primes of the form `k·M + (65537^a mod M)`. `M` is the product of
//! the smallest primes (2, 3, 5 and so on). The number of primes in `M` depends on the length of the key. The modulus
//! of such a key is congruent to a power of 65537 modulo each prime that divides `M`. A random modulus has this
//! property with a probability of less than 2⁻¹⁵⁰. (Nemec, Sys, Svenda, Klinec, Matyas: The Return of Coppersmith's
//! Attack, 2017, section 2.3.)

/// The odd primes that divide `M` for the shortest keys (512 to 960 bits). For longer keys, `M` is the product of more
/// primes, including all of these.
const PRIMES: [u64; 38] = [
    3, 5, 7, 11, 13, 17, 19, 23, 29, 31, 37, 41, 43, 47, 53, 59, 61, 67, 71, 73, 79, 83, 89, 97, 101, 103, 107, 109,
    113, 127, 131, 137, 139, 149, 151, 157, 163, 167,
];

const GENERATOR: u64 = 65537;

/// Returns whether an RSA modulus (big-endian) has the ROCA fingerprint.
pub(super) fn has_fingerprint(modulus: &[u8]) -> bool {
    PRIMES.into_iter().all(|prime| {
        let rest = modulus.iter().fold(0, |rest, byte| (rest << 8 | u64::from(*byte)) % prime);
        is_power_of_generator(rest, prime)
    })
}

fn is_power_of_generator(number: u64, prime: u64) -> bool {
    // The powers repeat after at most `prime - 1` steps.
    let powers = std::iter::successors(Some(1), |power| Some(power * GENERATOR % prime));
    powers.zip(1..prime).any(|(power, _)| power == number)
}
