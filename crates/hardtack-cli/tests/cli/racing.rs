//! Many tabs that refresh at once, at two servers.

use std::collections::HashSet;

use hardtack_test_support::Client;

use crate::stores::{Store, TwoServers, on_every_store};
use crate::support::{is_logged_in, sign_up};

const TABS: usize = 50;

on_every_store! {{ s31_fifty_tabs_at_two_servers_get_one_generation }}

/// All tabs refresh at once with one refresh token, half of them at each server. All get the same new token, and
/// it is the current one: it can be exchanged in turn.
async fn s31_fifty_tabs_at_two_servers_get_one_generation(store: Store) {
    let TwoServers { one, other, .. } = &TwoServers::start(store).await;
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
                let response = tab.post("/token/refresh").accept_json().csrf().send().await;
                assert!(response.status().is_success(), "{} {}", response.status(), response.text());
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
    assert!(is_logged_in(&mut last).await);
    let response = last.post("/token/refresh").accept_json().csrf().send().await;
    assert!(response.status().is_success(), "{} {}", response.status(), response.text());
    assert_ne!(value(&last, "refresh_token_cookie"), second);
    assert!(is_logged_in(&mut last).await);
}

fn value(client: &Client, name: &str) -> String {
    client.cookie(name).unwrap().value.clone()
}
