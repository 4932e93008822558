//! Refresh tokens: rotated, raced for, lost in transit, replayed and forged.

use std::collections::HashSet;

use hardtack::KeySet;
use hardtack_test_support::client::Client;

use crate::support::{
    ACCESS, Options, REFRESH, Store, TestSite, claims, cookie, minutes, on_every_store, plant, refresh, seconds,
    sign_up, signature, whoami,
};

on_every_store! {{
    s30_a_grandparent_that_comes_back_ends_the_session_for_good,
    s31_fifty_refreshes_at_once_are_one,
    s32_a_lost_answer_is_given_again,
    s40_a_copy_of_the_store_forges_no_refresh_cookie,
}}

async fn refreshed(client: &mut Client) {
    let response = refresh(client).await;
    assert_eq!(response.status(), 200, "{}", response.text());
}

/// Asserts that a refresh is refused and the cookies are deleted.
async fn assert_refused(client: &Client, what: &str) {
    let response = refresh(&mut client.clone()).await;
    assert_eq!(response.status(), 401, "{what}: {}", response.text());
    assert!(response.set_cookies().iter().all(|cookie| cookie.is_deletion()), "{what}: {:?}", response.set_cookies());
}

async fn s30_a_grandparent_that_comes_back_ends_the_session_for_good(store: Store) {
    let site = TestSite::start(store.options()).await;
    let mut ada = site.client();
    let id = sign_up(&mut ada, "ada").await["id"].as_str().unwrap().to_owned();
    let other = site.session_of(&id).await;
    let r0 = ada.clone();
    refreshed(&mut ada).await;
    let r1 = ada.clone();
    refreshed(&mut ada).await;
    assert_eq!(whoami(&mut ada.clone()).await.as_deref(), Ok("ada"));

    assert_refused(&r0, "two generations ago").await;
    // The request was refused, but the session has ended and stays ended.
    let beside = site.beside(store.options()).await;
    for (holder, what) in [(&ada, "the owner's"), (&r1, "the parent's"), (&r0, "the thief's")] {
        assert_refused(holder, what).await;
        assert_eq!(whoami(&mut holder.clone()).await, Err(401), "{what}");
        let mut moved = beside.client();
        *moved.jar() = holder.clone().jar().clone();
        assert_eq!(whoami(&mut moved).await, Err(401), "{what}, at another process");
    }
    assert_eq!(whoami(&mut other.clone()).await.as_deref(), Ok("ada"), "another session of theirs was ended");
}

async fn s31_fifty_refreshes_at_once_are_one(store: Store) {
    let site = TestSite::start(store.options()).await;
    let mut ada = site.person("ada").await;
    let first = cookie(&ada, REFRESH);
    let tabs: Vec<_> = (0..50)
        .map(|_| {
            let mut tab = ada.clone();
            tokio::spawn(async move {
                refreshed(&mut tab).await;
                [ACCESS, REFRESH].map(|name| tab.cookie(name).unwrap().raw.clone())
            })
        })
        .collect();
    let mut responses = HashSet::new();
    for tab in tabs {
        responses.insert(tab.await.unwrap());
    }
    assert_eq!(responses.len(), 1, "{responses:?}");
    refreshed(&mut ada).await;
    let (second, old) = (cookie(&ada, REFRESH), claims(&first));
    assert_ne!(second, first);
    assert_eq!(claims(&second)["gen"].as_u64(), old["gen"].as_u64().map(|generation| generation + 1));
    assert_eq!(whoami(&mut ada).await.as_deref(), Ok("ada"));
}

async fn s32_a_lost_answer_is_given_again(store: Store) {
    let site = TestSite::start(store.options()).await;
    let mut ada = site.person("ada").await;
    let held = ada.clone();
    refreshed(&mut ada).await;
    let lost = [ACCESS, REFRESH].map(|name| cookie(&ada, name));
    // The browser never received the response. Later, it sends the old token, to either process.
    site.clock.advance(minutes(5));
    let beside = site.beside(store.options()).await;
    let at = |site: &TestSite, holder: &Client| {
        let mut moved = site.client();
        *moved.jar() = holder.clone().jar().clone();
        moved
    };
    let mut again = at(&beside, &held);
    refreshed(&mut again).await;
    assert_eq!([ACCESS, REFRESH].map(|name| cookie(&again, name)), lost, "not the response that was lost");
    // After the new token has been used, the old one can only come from a thief, so the session ends.
    assert_eq!(whoami(&mut at(&site, &again)).await.as_deref(), Ok("ada"));
    site.clock.advance(seconds(31));
    assert_refused(&at(&beside, &held), "after its successor was seen").await;
    for site in [&site, &beside] {
        assert_refused(&at(site, &again), "the session of a copied token").await;
    }
}

async fn s40_a_copy_of_the_store_forges_no_refresh_cookie(store: Store) {
    let site = TestSite::start(store.options()).await;
    let mut ada = site.client();
    let id = sign_up(&mut ada, "ada").await["id"].as_str().unwrap().to_owned();
    let token = cookie(&ada, REFRESH);
    let sid = claims(&token)["sid"].as_str().unwrap().to_owned();
    let row = site.row(sid.parse().unwrap()).await.expect("the session has a row");
    assert_eq!(row.subject, id);

    // The attacker can also write to the store, and has another key.
    let keys = KeySet::from_secret(b"Jd8sKq0xvX3nGm7wTzQhLrC1YbJ9sFaEuVoRi2kMe8WlN4cB").unwrap();
    let thief = site.beside(Options { keys, ..store.options() }).await;
    let theirs = thief.session_of(&id).await;
    assert_eq!(whoami(&mut theirs.clone()).await.as_deref(), Ok("ada"), "at their own site");
    let mut tried = vec![cookie(&theirs, REFRESH)];
    // Sign the claims of the valid token with values from the session's row.
    let (signed, right) = token.rsplit_once('.').unwrap();
    let hex: String = row.salt.iter().map(|byte| format!("{byte:02x}")).collect();
    for secret in [&row.salt[..], hex.as_bytes(), sid.as_bytes(), id.as_bytes(), &[]] {
        let forged = signature(secret, signed);
        assert_ne!(forged, right, "the store holds the key");
        tried.push(format!("{signed}.{forged}"));
    }
    for forged in &tried {
        let mut browser = site.client();
        plant(&mut browser, REFRESH, forged);
        assert_refused(&browser, forged).await;
        assert_eq!(whoami(&mut browser).await, Err(401), "{forged}");
    }
    // None of the attempts has ended the session.
    refreshed(&mut ada).await;
}
