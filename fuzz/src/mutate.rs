//! A small generator of inputs for the stable toolchain. It has no feedback from coverage.

use crate::seeds;

/// A random number generator (xorshift64*). The same seed gives the same inputs.
#[derive(Debug)]
pub struct Random(u64);

impl Random {
    /// Creates a generator.
    pub const fn new(seed: u64) -> Self {
        Self(seed ^ 0x9e37_79b9_7f4a_7c15 | 1)
    }

    fn next(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_f491_4f6c_dd1d)
    }

    /// Returns a number below `end`, which must not be zero.
    pub fn below(&mut self, end: usize) -> usize {
        ((self.next() >> 33) as usize) % end
    }
}

/// Returns one of the target's seeds after some random changes.
pub fn input(target: &str, random: &mut Random) -> Vec<u8> {
    let all = seeds::of(target);
    let seed = all[random.below(all.len())];
    let mut data = seed.as_bytes().to_vec();
    for _ in 0..random.below(8) {
        change(&mut data, all, random);
    }
    data.truncate(1 << 14);
    data
}

fn change(data: &mut Vec<u8>, seeds: &[&str], random: &mut Random) {
    let at = random.below(data.len() + 1);
    let to = at + random.below((data.len() - at + 1).min(32));
    match random.below(8) {
        0 => {
            let word = seeds::DICTIONARY[random.below(seeds::DICTIONARY.len())];
            data.splice(at..at, word.bytes());
        }
        1 => {
            let word = seeds::DICTIONARY[random.below(seeds::DICTIONARY.len())];
            data.splice(at..to, word.bytes());
        }
        2 => drop(data.drain(at..to)),
        3 => {
            let part = data[at..to].to_vec();
            let place = random.below(data.len() + 1);
            data.splice(place..place, part);
        }
        4 if at < data.len() => data[at] = random.below(256) as u8,
        5 if at < data.len() => data[at] ^= 1 << random.below(8),
        6 => {
            let other = seeds[random.below(seeds.len())].as_bytes();
            let from = random.below(other.len() + 1);
            data.splice(at.., other[from..].iter().copied());
        }
        // A long repetition.
        _ if random.below(16) == 0 => {
            let part = data[at..to].to_vec();
            let times = random.below(200);
            data.splice(at..at, part.repeat(times));
        }
        _ => data.insert(at, b"\"\\{}[]:,;=.\x00 %&"[random.below(15)]),
    }
}
