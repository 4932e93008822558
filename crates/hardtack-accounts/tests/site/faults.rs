//! Changes that end sessions, while the session store fails at any of its calls and clients hang up at any moment: the
//! change and the end of the sessions happen together, the response tells the truth, and trying again succeeds.

use std::future::poll_fn;
use std::task::Poll;

use hardtack::session::SessionStore;
use hardtack::testing::Fault;
use hardtack_db::Statement;
use serde_json::{Value, json};

use crate::faulty_site::{Browser, CHANGES, Change, FaultySite, with_site};
use crate::support::{PASSWORD, Store, flush, on_every_store, seconds};

on_every_store! {{
    s68_a_change_and_the_end_of_sessions_are_one_whatever_the_store_does,
    s68_a_hang_up_at_any_await_separates_nothing,
    e01_a_sign_up_never_leaves_an_account_behind_an_error,
    e01_an_operators_change_ends_sessions_whatever_the_store_does,
}}

/// Polls a future until it is done, or drops it after its n-th poll, as a server does when its client hangs up.
async fn cut_after<T>(polls: usize, future: impl Future<Output = T>) -> Option<T> {
    let mut future = Box::pin(future);
    let mut polled = 0;
    poll_fn(|context| {
        polled += 1;
        match future.as_mut().poll(context) {
            Poll::Ready(value) => Poll::Ready(Some(value)),
            Poll::Pending if polled == polls => Poll::Ready(None),
            Poll::Pending => Poll::Pending,
        }
    })
    .await
}

async fn s68_a_change_and_the_end_of_sessions_are_one_whatever_the_store_does(store: Store) {
    with_site!(store, fail_every_call);
}

async fn fail_every_call<S: SessionStore + Clone>(site: FaultySite<S>) {
    for change in CHANGES {
        for fault in Fault::ALL {
            for call in 1.. {
                let user = site.user(change).await;
                let request = site.request(change, &user);
                site.faulty.inject(call, fault);
                let response = site.read(request).await;
                site.faulty.clear();
                site.check(change, &user, Some(response), &format!("{change:?}, {fault:?} at call {call}")).await;
                if site.faulty.calls() < call {
                    break;
                }
            }
        }
    }
}

async fn s68_a_hang_up_at_any_await_separates_nothing(store: Store) {
    with_site!(store, hang_up_everywhere);
}

/// How many times the test tries to cut a request after it has stored its change. One round cuts requests after the
/// first poll, the second poll, and so on. It may miss that moment, because the number of polls varies.
const ROUNDS: usize = 20;

async fn hang_up_everywhere<S: SessionStore + Clone>(site: FaultySite<S>) {
    for change in CHANGES {
        let mut stored = 0;
        for _ in 0..ROUNDS {
            for polls in 1.. {
                let user = site.user(change).await;
                let response = cut_after(polls, site.read(site.request(change, &user))).await;
                flush(&site.accounts).await;
                let complete = response.is_some();
                stored += usize::from(!complete && site.is_stored(change, &user).await);
                site.check(change, &user, response, &format!("{change:?}, cut after poll {polls}")).await;
                if complete {
                    break;
                }
            }
            if stored > 0 {
                break;
            }
        }
        assert!(stored > 0, "{change:?}: no request was cut after it had begun to change something");
    }
}

/// With several threads, the log-in might finish just before the test cuts it off.
#[tokio::test(flavor = "current_thread")]
async fn e01_a_log_in_that_is_cut_leaves_no_session() {
    for store in [Store::Sqlite, Store::Postgres, Store::Redis] {
        with_site!(store, cut_log_ins);
    }
}

async fn cut_log_ins<S: SessionStore + Clone>(site: FaultySite<S>) {
    let mut cut = 0;
    for _ in 0..3 {
        for polls in 1.. {
            let user = site.user(Change::Password).await;
            site.auth.revoke_all_sessions(&user.id).await.unwrap();
            let logged_in = cut_after(polls, site.log_in(&user, PASSWORD)).await;
            flush(&site.accounts).await;
            let live = site.auth.sessions(&user.id).await.unwrap().len();
            assert_eq!(live, usize::from(logged_in.is_some()), "cut after poll {polls}");
            let Some(response) = logged_in else {
                cut += 1;
                continue;
            };
            assert_eq!(response.status, 200);
            break;
        }
    }
    assert!(cut > 0, "no log-in was cut");
}

async fn e01_a_sign_up_never_leaves_an_account_behind_an_error(store: Store) {
    with_site!(store, sign_up_with_faults);
}

async fn sign_up_with_faults<S: SessionStore + Clone>(site: FaultySite<S>) {
    let exists = async |name: &str| {
        let sql = "SELECT count(*) FROM users WHERE username = $1";
        let rows: Vec<(i64,)> = site.database.fetch(Statement::new(sql).bind(name)).await.unwrap();
        rows[0].0 == 1
    };
    let log_in = async |name: &str| {
        let body = json!({ "username": name, "password": PASSWORD });
        let response = site.send(&Browser::default(), "POST", "/login", body).await;
        assert_eq!(response.status, 200, "{name}");
        site.settle().await;
        assert_eq!(site.status(&Browser::holding(&response.cookies)).await, 200, "{name}");
    };
    for fault in Fault::ALL {
        for call in 1.. {
            let name = format!("new-{fault:?}-{call}");
            site.faulty.inject(call, fault);
            let response = site.sign_up(&name).await;
            site.faulty.clear();
            assert_eq!(response.status.is_success(), exists(&name).await, "{name}");
            if response.status.is_success() {
                let body: Value = serde_json::from_slice(&response.body).unwrap();
                assert_eq!(body["detail"].is_string(), response.cookies.is_empty(), "{name}: {body}");
            } else {
                assert_eq!(site.sign_up(&name).await.status, 200, "{name}: the retry");
            }
            log_in(&name).await;
            if site.faulty.calls() < call {
                break;
            }
        }
    }
    // The client hangs up.
    for polls in 1.. {
        let name = format!("cut-{polls}");
        let complete = cut_after(polls, site.sign_up(&name)).await.is_some();
        flush(&site.accounts).await;
        if !exists(&name).await {
            assert_eq!(site.sign_up(&name).await.status, 200, "{name}: the retry");
        }
        log_in(&name).await;
        if complete {
            break;
        }
    }
}

async fn e01_an_operators_change_ends_sessions_whatever_the_store_does(store: Store) {
    with_site!(store, operate_with_faults);
}

async fn operate_with_faults<S: SessionStore + Clone>(site: FaultySite<S>) {
    for change in ["disable", "log-out", "rename", "delete"] {
        for fault in Fault::ALL {
            for call in 1.. {
                let what = format!("{change}, {fault:?} at call {call}");
                let user = site.user(Change::Reset).await;
                let now = site.auth.now();
                let (_, ended) = match change {
                    "disable" => site.accounts.disable(&user.name, now).await.unwrap().unwrap(),
                    "log-out" => site.accounts.log_out(&user.name, now).await.unwrap().unwrap(),
                    "rename" => site.accounts.rename(&user.name, &format!("{}x", user.name), now).await.unwrap(),
                    _ => site.accounts.delete(&user.name).await.unwrap(),
                };
                site.faulty.inject(call, fault);
                // The future is dropped while the store hangs, as if the process had been stopped.
                let _ = tokio::time::timeout(seconds(1), site.auth.finish_ending(ended)).await;
                site.faulty.clear();
                assert_ne!(site.status(&user.device).await, 200, "{what}");
                site.settle().await;
                for browser in [&user.browser, &user.device] {
                    assert_eq!(site.status(browser).await, 401, "{what}");
                }
                if site.faulty.calls() < call {
                    break;
                }
            }
        }
    }
}
