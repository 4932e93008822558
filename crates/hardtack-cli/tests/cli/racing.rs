//! Many tabs that refresh at once, at two servers.

use std::collections::HashSet;

use hardtack_test_support::Client;

use crate::stores::{Store, Two, on_every_store};
use crate::support::{is_let_in, sign_up};

const TABS: usize = 50;

on_every_store! {{ s31_fifty_tabs_at_two_servers_get_one_generation }}

/// Every tab asks at once with one refresh token, half of them at each server. All get the same new one,
/// and it is the next: presented in its turn, it is exchanged.
async fn s31_fifty_tabs_at_two_servers_get_one_generation(store: Store) {
    let Two { one, other, .. } = &Two::start(store).await;
    let mut at_one = one.client();
    sign_up(&mut at_one, "someone").await;
    let mut at_other = other.client();
    for name in ["access_token_cookie", "refresh_token_cookie", "csrf_access_token", "csrf_refresh_token"] {
        at_other.set_cookie_raw(&at_one.cookie(name).unwrap().raw);
    }
    let first = value(&at_one, "refresh_token_cookie");

    let racing: Vec<_> = (0..TABS)
        .map(|tab| {
            let mut tab = if tab % 2 == 0 { at_one.clone() } else { at_other.clone() };
            tokio::spawn(async move {
                let answer = tab.post("/token/refresh").accept_json().csrf().send().await;
                assert!(answer.status().is_success(), "{} {}", answer.status(), answer.text());
                tab
            })
        })
        .collect();
    let mut tabs = Vec::new();
    for tab in racing {
        tabs.push(tab.await.unwrap());
    }

    for name in ["access_token_cookie", "refresh_token_cookie", "csrf_access_token", "csrf_refresh_token"] {
        let raws: HashSet<_> = tabs.iter().map(|tab| tab.cookie(name).unwrap().raw.clone()).collect();
        assert_eq!(raws.len(), 1, "{name}: {raws:?}");
    }
    let second = value(&tabs[0], "refresh_token_cookie");
    assert_ne!(second, first);
    let mut last = tabs.swap_remove(1);
    assert!(is_let_in(&mut last).await);
    let answer = last.post("/token/refresh").accept_json().csrf().send().await;
    assert!(answer.status().is_success(), "{} {}", answer.status(), answer.text());
    assert_ne!(value(&last, "refresh_token_cookie"), second);
    assert!(is_let_in(&mut last).await);
}

fn value(client: &Client, name: &str) -> String {
    client.cookie(name).unwrap().value.clone()
}
