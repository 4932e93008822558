//! Runs [`hardtack_fuzz::targets::claims`] with libFuzzer.

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| hardtack_fuzz::targets::claims(data));
