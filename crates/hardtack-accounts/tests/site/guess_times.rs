//! Times: whether they tell known names from unknown ones. `scripts/guesses` compares 700 tries of each kind.

use std::time::{Duration, Instant};

use hardtack::throttle::Rate;
use hardtack_accounts::{Accounts, LogInLimits};
use rand::seq::SliceRandom;

use crate::support::{Options, TestSite, log_in, minutes};

/// A difference that chance alone causes once in 100,000 times.
const TOLD_APART: f64 = 4.5;

type Rules = fn(Accounts) -> Accounts;

/// The z of the rank test of Mann and Whitney. Equal times are rare enough to be ignored.
fn rank_test(one: &[Duration], two: &[Duration]) -> f64 {
    let mut ordered: Vec<_> = one.iter().map(|time| (time, true)).chain(two.iter().map(|time| (time, false))).collect();
    ordered.sort_unstable();
    let ranks: usize = ordered.iter().enumerate().filter(|(_, (_, is_one))| *is_one).map(|(rank, _)| rank + 1).sum();
    let (n, m) = (one.len() as f64, two.len() as f64);
    (ranks as f64 - n * (n + m + 1.0) / 2.0) / (n * m * (n + m + 1.0) / 12.0).sqrt()
}

#[test]
fn the_rank_test_sees_a_difference() {
    let times = |from: u64| (from..from + 50).map(Duration::from_micros).collect::<Vec<_>>();
    assert!(rank_test(&times(0), &times(0)).abs() < 1.0);
    assert!(rank_test(&times(40), &times(0)) > TOLD_APART);
    assert!(rank_test(&times(0), &times(40)) < -TOLD_APART);
}

#[tokio::test]
async fn s55_l4_times_do_not_tell_known_names_from_unknown_ones() {
    let unlimited = |accounts: Accounts| accounts.with_log_in_limits(LogInLimits::insecure_off());
    let refusing =
        |accounts: Accounts| accounts.with_log_in_limits(LogInLimits::default().account(Rate::new(1, minutes(60))));
    let cases: [(&str, Rules, String, usize, u16); 3] = [
        ("a wrong password", unlimited, "not it at all".to_owned(), 40, 401),
        ("a password over the limit", unlimited, "x".repeat(1025), 100, 422),
        ("too many attempts", refusing, "not it at all".to_owned(), 100, 429),
    ];
    for (what, rules, password, tries, expected) in cases {
        let site = TestSite::start(Options { rules, ..Options::default() }).await;
        site.person("known").await;
        let (mut guesser, mut neighbour) = (site.client(), site.client());
        for name in ["known", "ghost"] {
            let _ = log_in(&mut guesser, name, &password).await;
        }
        let mut names = ["known", "ghost"].repeat(tries);
        names.shuffle(&mut rand::rng());
        // How long the response and the next request took, for the known name and for the unknown one.
        let mut times: [[Vec<Duration>; 2]; 2] = Default::default();
        for name in names {
            let start = Instant::now();
            let response = log_in(&mut guesser, name, &password).await;
            let taken = start.elapsed();
            assert_eq!(response.status(), expected, "{what}: {}", response.text());
            let start = Instant::now();
            assert_eq!(neighbour.get("/healthz").send().await.status(), 200);
            times[0][usize::from(name == "known")].push(taken);
            times[1][usize::from(name == "known")].push(start.elapsed());
        }
        for (part, [unknown, known]) in ["the response", "/healthz right after it"].iter().zip(&times) {
            let z = rank_test(known, unknown);
            println!("{what}: {part}: z {z:+.1}");
            assert!(z.abs() < TOLD_APART, "{what}: {part}: z {z:+.1}");
        }
    }
}
