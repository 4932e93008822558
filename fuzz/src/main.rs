//! Runs the targets with the stable toolchain, without feedback from coverage.
//!
//! - `hardtack-fuzz [SECONDS] [TARGET…]` runs each target for this many seconds. Default: 10 seconds, all targets.
//! - `hardtack-fuzz growth` looks for inputs whose time grows faster than their length. It repeats a seed or a
//!   dictionary entry until the input has 16 KiB, and again until it has 256 KiB. It prints each input that takes over
//!   64 times as long at 16 times the length. Results vary on a busy machine, so repeat the run before you draw
//!   conclusions.
//! - `hardtack-fuzz seeds` writes the seeds to `corpus/TARGET`, where `cargo fuzz` finds them.

use std::process::ExitCode;
use std::time::{Duration, Instant};

use hardtack_fuzz::targets::{ALL, Target};
use hardtack_fuzz::{mutate, seeds};

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    if arguments.first().is_some_and(|first| first == "seeds") {
        return match write_seeds() {
            Ok(()) => ExitCode::SUCCESS,
            Err(error) => {
                eprintln!("the seeds cannot be written: {error}");
                ExitCode::FAILURE
            }
        };
    }
    if arguments.first().is_some_and(|first| first == "growth") {
        return if growth() { ExitCode::SUCCESS } else { ExitCode::FAILURE };
    }
    let (seconds, names) = match arguments.split_first() {
        Some((first, rest)) => match first.parse() {
            Ok(seconds) => (seconds, rest),
            Err(_) => (10, &arguments[..]),
        },
        None => (10, &[][..]),
    };
    if let Some(unknown) = names.iter().find(|name| !ALL.iter().any(|(target, _)| target == name)) {
        let all: Vec<&str> = ALL.iter().map(|(name, _)| *name).collect();
        eprintln!("there is no target {unknown}; the targets are {}", all.join(", "));
        return ExitCode::FAILURE;
    }
    let seed = std::env::var("SEED").ok().and_then(|text| text.parse().ok()).unwrap_or(1);
    let mut failed = false;
    for target in ALL.iter().filter(|(name, _)| names.is_empty() || names.iter().any(|wanted| wanted == name)) {
        failed |= !run(*target, Duration::from_secs(seconds), seed);
    }
    if failed { ExitCode::FAILURE } else { ExitCode::SUCCESS }
}

/// Runs one target. Returns `false` if it panics.
fn run((name, target): Target, time: Duration, seed: u64) -> bool {
    let mut random = mutate::Random::new(seed);
    let start = Instant::now();
    let (mut executions, mut slowest, mut slowest_input) = (0_u64, Duration::ZERO, Vec::new());
    while start.elapsed() < time {
        for _ in 0..64 {
            let input = mutate::input(name, &mut random);
            let before = Instant::now();
            if std::panic::catch_unwind(|| target(&input)).is_err() {
                println!("{name}: this input breaks a rule: {:?}", String::from_utf8_lossy(&input));
                return false;
            }
            executions += 1;
            if before.elapsed() > slowest {
                (slowest, slowest_input) = (before.elapsed(), input);
            }
        }
    }
    println!("{name}: {executions} executions, slowest {slowest:?} for {} bytes", slowest_input.len());
    true
}

fn write_seeds() -> std::io::Result<()> {
    for (name, _) in ALL {
        let folder = std::path::Path::new("corpus").join(name);
        std::fs::create_dir_all(&folder)?;
        for (index, seed) in seeds::of(name).iter().enumerate() {
            std::fs::write(folder.join(format!("seed-{index}")), seed)?;
        }
    }
    Ok(())
}

/// Looks for inputs whose time grows faster than their length. Returns whether there is none.
fn growth() -> bool {
    const SHORT: usize = 1 << 14;
    let mut linear = true;
    for (name, target) in ALL {
        let (mut count, mut slowest) = (0, Duration::ZERO);
        for before in seeds::of(name).iter().chain([&""]) {
            for word in seeds::DICTIONARY.iter().chain(seeds::of(name)) {
                let time = |length: usize| {
                    let mut input = before.as_bytes().to_vec();
                    input.extend(word.as_bytes().iter().cycle().take(length));
                    let runs = (0..3).map(|_| {
                        let start = Instant::now();
                        let _ = std::panic::catch_unwind(|| target(&input));
                        start.elapsed()
                    });
                    runs.min().unwrap_or_default()
                };
                let (short, long) = (time(SHORT), time(16 * SHORT));
                (count, slowest) = (count + 1, slowest.max(long));
                if long > Duration::from_millis(2) && long > 64 * short {
                    println!("{name}: {before:?} and {word:?} repeated: {short:?}, then {long:?}");
                    linear = false;
                }
            }
        }
        println!("{name}: {count} families of inputs, slowest {slowest:?} for 256 KiB");
    }
    linear
}
