//! Repeats one operation, for a tool that counts instructions (`scripts/instructions`).

#![allow(clippy::print_stderr, reason = "errors")]

use std::hint::black_box;
use std::process::ExitCode;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use clap::{Parser, ValueEnum};
use hardtack::Authenticator;
use hardtack::jwt::{NoExtra, TokenKind};
use hardtack_bench_subject::{
    Call, Failed, SITE, Visitor, bare, binding, guarded, hs256_keys, user, visit, without_cache,
};
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

/// Repeats one operation. Prints nothing.
#[derive(Parser)]
#[command(name = "hardtack-bench-instructions", version)]
struct Options {
    #[arg(long, value_enum)]
    operation: Operation,
    #[arg(long)]
    count: u64,
}

/// The operation to repeat.
#[derive(Clone, Copy, ValueEnum)]
enum Operation {
    /// A bare HMAC-SHA256 check of the token with a prepared key, by the crate that Hardtack uses.
    Hmac,
    /// The verification of a token, without the cache.
    Verify,
    /// The verification of a request from its header map, without the cache.
    Request,
    /// The verification of a request from its header map, with the default cache.
    Cached,
    /// The same for a session that is stored.
    Stored,
    /// The same for a session that is bound to a device.
    Bound,
    /// A request through an axum router without authentication.
    Bare,
    /// A request through an axum router with authentication.
    Router,
}

fn main() -> ExitCode {
    let options = Options::parse();
    match repeat(options.operation, options.count) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("hardtack-bench-instructions: {error}");
            ExitCode::FAILURE
        }
    }
}

/// Repeats an operation.
fn repeat(operation: Operation, count: u64) -> Result<(), Failed> {
    let (secret, keys) = hs256_keys()?;
    let builder = || Authenticator::builder(keys.clone()).base_url(SITE);
    let (plain, cached) = (without_cache(builder()).build()?, builder().build()?);
    let visitor = Visitor::of(&plain)?;
    let headers = visitor.headers()?;
    let (signed, tag) = visitor.token.rsplit_once('.').ok_or("the token has no dot")?;
    let tag = base64_simd::URL_SAFE_NO_PAD.decode_to_vec(tag)?;
    let prepared = Hmac::<Sha256>::new_from_slice(secret.as_bytes())?;

    let good = match operation {
        Operation::Hmac => counted_instructions(count, &mut || {
            let mut mac = prepared.clone();
            mac.update(black_box(signed.as_bytes()));
            mac.verify_slice(&tag).is_ok()
        }),
        Operation::Verify => {
            counted_instructions(count, &mut || plain.decode::<NoExtra>(&visitor.token, TokenKind::Access).is_ok())
        }
        Operation::Request => {
            counted_instructions(count, &mut || user(&plain, &headers).is_some_and(|user| user.is_ok()))
        }
        Operation::Cached => {
            counted_instructions(count, &mut || user(&cached, &headers).is_some_and(|user| user.is_ok()))
        }
        Operation::Stored | Operation::Bound => {
            let authenticator = binding(keys)?;
            let visitor = match operation {
                Operation::Bound => Visitor::bound(&authenticator)?,
                _ => Visitor::of(&authenticator)?,
            };
            let headers = visitor.headers()?;
            visit(&authenticator, &headers)?;
            counted_instructions(count, &mut || user(&authenticator, &headers).is_some_and(|user| user.is_ok()))
        }
        Operation::Bare => {
            let mut app = Call::new(bare(), &headers);
            counted_instructions(count, &mut || app.make().is_some())
        }
        Operation::Router => {
            let mut app = Call::new(guarded(cached), &headers);
            counted_instructions(count, &mut || app.make().is_some())
        }
    };
    if good { Ok(()) } else { Err("an operation failed, so its instructions cannot be compared".into()) }
}

/// Waits until a second begins. In the last tenth of a second, operations read a second clock, so they take more
/// instructions.
fn wait_for_a_second() {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    std::thread::sleep(Duration::from_secs(1).saturating_sub(Duration::from_nanos(since.subsec_nanos().into())));
}

/// The function whose instructions the tool counts. The tool finds it by its name.
#[inline(never)]
fn counted_instructions(count: u64, operation: &mut dyn FnMut() -> bool) -> bool {
    wait_for_a_second();
    (0..count).fold(true, |good, _| good & black_box(operation()))
}
