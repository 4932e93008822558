//! The throughput of two threads relative to the throughput of one thread. It shows whether threads wait for shared
//! data.

use std::sync::Barrier;
use std::time::{Duration, Instant};

use hardtack::jwt::{NoExtra, TokenKind};
use rustix::thread::{CpuSet, sched_getaffinity, sched_setaffinity};

use crate::Failed;
use crate::run::{Outcome, Plan, Spread, quietest_quarter};
use crate::table::{Row, Target, Unit};
use hardtack_bench_subject::{Hmac, Visitor, hs256_keys, stored, stored_without_cache};

pub(crate) fn measure(plan: &Plan) -> Result<Vec<Row>, Failed> {
    let Some([one, other]) = two_cores()? else { return Ok(Vec::new()) };
    let (_, keys) = hs256_keys()?;
    let (plain, cached) = (stored_without_cache(keys.clone())?, stored(keys)?);
    let token = Visitor::of(&plain)?.token;
    let bare = Hmac::of(&token)?;

    let cases: [&(dyn Fn() -> bool + Sync); 3] =
        [&|| bare.verify().is_ok(), &|| plain.decode::<NoExtra>(&token, TokenKind::Access).is_good(), &|| {
            cached.decode::<NoExtra>(&token, TokenKind::Access).is_good()
        }];
    // For each case, the average time per operation on either core alone, and the time on both cores at once.
    let mut costs = [const { Vec::new() }; 6];
    for round in 0..plan.rounds.min(200) {
        for turn in 0..cases.len() {
            let at = (round + turn) % cases.len();
            let rate = |cores: &[usize]| throughput(cores, plan.round * 10, cases[at]);
            let (before, both, after) = (rate(&[one])?, rate(&[one, other])?, rate(&[other])?);
            costs[at].push(2.0 / (before + after));
            costs[at + cases.len()].push(1.0 / both);
        }
    }
    let kept = quietest_quarter(&costs);
    let [bare, missed, hit] = [0, 1, 2].map(|at| {
        let gain = |round: &usize| costs[at][*round] / costs[at + cases.len()][*round];
        Spread::of(kept.iter().map(gain).collect())
    });
    Ok(vec![
        Row::new("verification throughput on two cores, relative to one core, without cache", Unit::Ratio, missed)
            .target(Target::AtLeast(1.9, None))
            .peer("bare HMAC", bare),
        Row::new("verification throughput on two cores, relative to one core, cache hit", Unit::Ratio, hit)
            .target(Target::AtLeast(1.9, None))
            .peer("bare HMAC", bare),
    ])
}

/// Returns two of the cores that this process may run on.
fn two_cores() -> Result<Option<[usize; 2]>, Failed> {
    let allowed = sched_getaffinity(None)?;
    let mut cores = (0..CpuSet::MAX_CPU).filter(|core| allowed.is_set(*core));
    Ok(cores.next().zip(cores.next()).map(|(one, other)| [one, other]))
}

/// Returns the operations per second of all threads together, with one thread pinned to each of these cores. If threads
/// were not pinned, a single thread could move to an idle core when its core is busy, but two threads could not.
fn throughput(cores: &[usize], span: Duration, operation: &(dyn Fn() -> bool + Sync)) -> Result<f64, Failed> {
    let start = Barrier::new(cores.len());
    let work = |core: usize| {
        let mut own = CpuSet::new();
        own.set(core);
        let placed = sched_setaffinity(None, &own);
        start.wait();
        placed.ok()?;
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
    let rates = std::thread::scope(|scope| {
        let running: Vec<_> = cores.iter().map(|core| scope.spawn(move || work(*core))).collect();
        running.into_iter().map(|thread| thread.join().ok().flatten()).collect::<Option<Vec<f64>>>()
    });
    Ok(rates.ok_or("a thread could not be pinned to its core, or a verification failed")?.iter().sum())
}
