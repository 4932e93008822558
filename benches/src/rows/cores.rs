//! Two threads over one: whether anything is shared that they wait for.

use std::sync::Barrier;
use std::time::{Duration, Instant};

use hardtack::{NoExtra, TokenKind};

use crate::Failed;
use crate::run::{Outcome, Plan, Spread, quietest_quarter};
use crate::table::{Row, Target, Unit};
use hardtack_bench_subject::{Hmac, Visitor, hs256_keys, stored, stored_without_cache};

pub(crate) fn measure(plan: &Plan) -> Result<Vec<Row>, Failed> {
    if std::thread::available_parallelism()?.get() < 2 {
        return Ok(Vec::new());
    }
    let (_, keys) = hs256_keys()?;
    let (plain, cached) = (stored_without_cache(keys.clone())?, stored(keys)?);
    let token = Visitor::of(&plain)?.token;
    let bare = Hmac::of(&token)?;

    let cases: [&(dyn Fn() -> bool + Sync); 3] =
        [&|| bare.verify().is_ok(), &|| plain.decode::<NoExtra>(&token, TokenKind::Access).is_good(), &|| {
            cached.decode::<NoExtra>(&token, TokenKind::Access).is_good()
        }];
    // What each case takes on one thread, and then what each takes on two.
    let mut costs = [const { Vec::new() }; 6];
    for round in 0..plan.rounds.min(200) {
        for turn in 0..cases.len() {
            let at = (round + turn) % cases.len();
            costs[at].push(1.0 / throughput(1, plan.round * 10, cases[at])?);
            costs[at + cases.len()].push(1.0 / throughput(2, plan.round * 10, cases[at])?);
        }
    }
    let kept = quietest_quarter(&costs);
    let [bare, missed, hit] = [0, 1, 2].map(|at| {
        let gain = |round: &usize| costs[at][*round] / costs[at + cases.len()][*round];
        Spread::of(kept.iter().map(gain).collect())
    });
    Ok(vec![
        Row::new("two cores' verify throughput over one core's, no cache", Unit::Ratio, missed)
            .target(Target::AtLeast(1.9, None))
            .peer("bare HMAC", bare),
        Row::new("the same, cache hit", Unit::Ratio, hit).target(Target::AtLeast(1.9, None)).peer("bare HMAC", bare),
    ])
}

/// Operations a second of all threads together, counted while all of them run.
fn throughput(threads: usize, span: Duration, operation: &(dyn Fn() -> bool + Sync)) -> Result<f64, Failed> {
    let start = Barrier::new(threads);
    let rates = std::thread::scope(|scope| {
        let work = || {
            start.wait();
            let begun = Instant::now();
            let (mut count, mut good) = (0_u64, true);
            while begun.elapsed() < span {
                for _ in 0..32 {
                    good &= operation();
                }
                count += 32;
            }
            good.then(|| count as f64 / begun.elapsed().as_secs_f64())
        };
        let running: Vec<_> = (0..threads).map(|_| scope.spawn(work)).collect();
        running.into_iter().map(|thread| thread.join().ok().flatten()).collect::<Option<Vec<f64>>>()
    });
    Ok(rates.ok_or("a verification failed on one of the threads")?.iter().sum())
}
