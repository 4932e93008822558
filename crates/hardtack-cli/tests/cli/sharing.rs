//! Two servers on one store behave as one.

use std::time::{Duration, Instant};

use hardtack_test_support::wait;
use serde_json::json;

use crate::stores::{Store, TwoServers, at, on_every_store};
use crate::support::{
    PASSWORD, is_logged_in, is_refused_soon, log_in, log_out, refresh, sign_up, with_copied_access_cookie,
};

on_every_store! {{
    s27_a_log_in_at_the_other_server_ends_the_session_of_the_first,
    s27_a_reauthentication_at_one_server_replaces_the_tokens_at_both,
    s27_s35_a_late_request_with_the_old_cookies_deletes_none_at_either_server,
    s28_s29_copies_are_dead_at_one_server_after_the_log_out_at_the_other,
    s30_an_old_refresh_token_ends_the_session_at_both_servers,
    s33_s34_sessions_end_at_both_servers,
    s35_a_password_change_at_one_server_ends_all_other_sessions_at_both,
    s38_sessions_are_listed_and_ended_at_either_server,
}}

async fn s27_a_log_in_at_the_other_server_ends_the_session_of_the_first(store: Store) {
    let two = TwoServers::start(store).await;
    let mut client = two.one.client();
    sign_up(&mut client, "someone").await;
    let copies = [with_copied_access_cookie(&client, &two.one), with_copied_access_cookie(&client, &two.other)];
    let mut old = client.clone();
    let mut moved = at(&two.other, &client);
    assert!(is_logged_in(&mut moved).await, "a user who is logged in at one server is logged in at the other");
    assert_eq!(log_in(&mut moved, "someone", PASSWORD).await, 200);
    assert!(is_logged_in(&mut moved).await && is_logged_in(&mut at(&two.one, &moved)).await);
    for copy in &copies {
        is_refused_soon(copy, "the session that was replaced").await;
    }
    assert_eq!(refresh(&mut old).await, 401);
}

async fn s27_a_reauthentication_at_one_server_replaces_the_tokens_at_both(store: Store) {
    let two = TwoServers::start(store).await;
    let mut client = two.one.client();
    sign_up(&mut client, "someone").await;
    for _ in 0..2 {
        let old = client.clone();
        let body = json!({ "password": PASSWORD });
        let response = client.post("/reauthenticate").accept_json().csrf().json(&body).send().await;
        assert_eq!(response.status(), 200, "{}", response.text());
        for server in two.both() {
            // A refresh reads the row, so both servers refuse it at once. The session goes on.
            let mut copy = at(server, &old);
            copy.jar().remove("access_token_cookie");
            assert_eq!(refresh(&mut copy).await, 401);
            assert!(is_logged_in(&mut at(server, &client)).await);
        }
        assert!(!is_logged_in(&mut with_copied_access_cookie(&old, &two.one)).await, "at once at this server");
        is_refused_soon(&with_copied_access_cookie(&old, &two.other), "the access token from before").await;
    }
}

/// A request may be in flight while the response to another request gives the browser a new session.
async fn s27_s35_a_late_request_with_the_old_cookies_deletes_none_at_either_server(store: Store) {
    let two = TwoServers::start(store).await;
    let mut client = two.one.client();
    sign_up(&mut client, "someone").await;
    for renewed in [false, true] {
        let late = client.clone();
        if renewed {
            let body = json!({ "current_password": PASSWORD, "new_password": "canary-password-9a7c" });
            let response = client.post("/account/password").accept_json().csrf().json(&body).send().await;
            assert_eq!(response.status(), 200, "{}", response.text());
        } else {
            assert_eq!(log_in(&mut client, "someone", PASSWORD).await, 200);
        }
        for server in two.both() {
            // First send only the refresh cookie: the server reads the session's row, before it has read the log.
            for left_out in ["access_token_cookie", "refresh_token_cookie"] {
                let mut late = at(server, &late);
                late.jar().remove(left_out);
                let refused = async || {
                    let response = late.clone().get("/service").accept_json().send().await;
                    (response.status() != 200).then_some(response)
                };
                let response = wait::until_some(|| format!("without {left_out}"), refused).await;
                assert_eq!(response.status(), 401, "{}", response.text());
                let cookies = response.set_cookies();
                assert!(cookies.is_empty(), "without {left_out}, renewed: {renewed}: {cookies:?}");
            }
            assert!(is_logged_in(&mut at(server, &client)).await);
        }
    }
}

async fn s28_s29_copies_are_dead_at_one_server_after_the_log_out_at_the_other(store: Store) {
    let two = TwoServers::start(store).await;
    let mut client = two.one.client();
    sign_up(&mut client, "someone").await;
    let access = with_copied_access_cookie(&client, &two.other);
    let mut everything = at(&two.other, &client);
    assert!(is_logged_in(&mut access.clone()).await);
    log_out(&mut client).await;
    // A refresh reads the row, so both servers refuse it at once.
    everything.jar().remove("access_token_cookie");
    assert_eq!(refresh(&mut everything).await, 401);
    is_refused_soon(&access, "the copied access cookie").await;
}

async fn s30_an_old_refresh_token_ends_the_session_at_both_servers(store: Store) {
    let two = TwoServers::start(store).await;
    let mut client = two.one.client();
    sign_up(&mut client, "someone").await;
    let mut thief = at(&two.other, &client);
    for server in [&two.one, &two.other] {
        client = at(server, &client);
        assert_eq!(refresh(&mut client).await, 200);
        assert!(is_logged_in(&mut client).await);
    }
    let copy = with_copied_access_cookie(&client, &two.one);
    assert_eq!(refresh(&mut thief).await, 401, "two generations ago");
    is_refused_soon(&copy, "the session that was stolen").await;
    for server in [&two.one, &two.other] {
        assert_eq!(refresh(&mut at(server, &client)).await, 401);
    }
}

async fn s33_s34_sessions_end_at_both_servers(store: Store) {
    let args = ["--access-lifetime", "2s", "--refresh-lifetime", "5s", "--session-lifetime", "11s"];
    let two = TwoServers::start_with(store, &args).await;
    let mut idle = two.one.client();
    sign_up(&mut idle, "someone").await;
    let mut busy = two.one.client();
    assert_eq!(log_in(&mut busy, "someone", PASSWORD).await, 200);
    let since = Instant::now();
    // `begun` is the time at which the last accepted request began.
    let (mut rounds, mut begun) = (0, Duration::ZERO);
    loop {
        busy = at(if rounds % 2 == 0 { &two.other } else { &two.one }, &busy);
        let now = since.elapsed();
        if !is_logged_in(&mut busy).await {
            break;
        }
        begun = now;
        assert!(begun < Duration::from_secs(12), "a session ends at the absolute limit: {begun:?}");
        rounds += 1;
        tokio::time::sleep(Duration::from_millis(300)).await;
    }
    assert!(begun > Duration::from_secs(5), "a session in use outlives the idle limit: {begun:?}");
    assert!(!is_logged_in(&mut at(&two.other, &idle)).await, "an unused session ends");
}

async fn s35_a_password_change_at_one_server_ends_all_other_sessions_at_both(store: Store) {
    let two = TwoServers::start(store).await;
    let mut client = two.one.client();
    sign_up(&mut client, "someone").await;
    let mut phone = two.other.client();
    assert_eq!(log_in(&mut phone, "someone", PASSWORD).await, 200);
    let copies = [&two.one, &two.other].map(|server| with_copied_access_cookie(&phone, server));

    let body = json!({ "current_password": PASSWORD, "new_password": "canary-password-9a7c" });
    let response = client.post("/account/password").accept_json().csrf().json(&body).send().await;
    assert_eq!(response.status(), 200, "{}", response.text());
    let mut late = phone.clone();
    late.jar().remove("access_token_cookie");
    assert_eq!(refresh(&mut late).await, 401);
    for copy in &copies {
        is_refused_soon(copy, "another session").await;
    }
    assert!(is_logged_in(&mut client).await && is_logged_in(&mut at(&two.other, &client)).await);
    assert_eq!(log_in(&mut two.other.client(), "someone", PASSWORD).await, 401);
    assert_eq!(log_in(&mut two.other.client(), "someone", "canary-password-9a7c").await, 200);
}

async fn s38_sessions_are_listed_and_ended_at_either_server(store: Store) {
    let two = TwoServers::start(store).await;
    let mut client = two.one.client();
    sign_up(&mut client, "someone").await;
    let mut phone = two.other.client();
    assert_eq!(log_in(&mut phone, "someone", PASSWORD).await, 200);
    let mut stranger = two.one.client();
    sign_up(&mut stranger, "stranger").await;

    let (mut devices, mut others) = (Vec::new(), Vec::new());
    for server in two.both() {
        let listed = at(server, &client).get("/account/sessions").accept_json().send().await.json();
        let listed = listed["sessions"].as_array().unwrap().clone();
        assert_eq!(listed.len(), 2, "{listed:?}");
        others.extend(listed.iter().filter(|one| one["current"] == false).map(|one| one["id"].clone()));
        devices.push(listed);
    }
    assert_eq!(devices[0], devices[1]);
    let path = format!("/account/sessions/{}/revoke", others[0].as_str().unwrap());
    for server in two.both() {
        let response = at(server, &stranger).post(&path).accept_json().csrf().send().await;
        assert_eq!(response.status(), 404, "{}", response.text());
    }
    assert!(is_logged_in(&mut phone).await, "another user ended the session");

    let copies = two.both().map(|server| with_copied_access_cookie(&phone, server));
    assert_eq!(client.post(&path).accept_json().csrf().send().await.status(), 200);
    phone.jar().remove("access_token_cookie");
    assert_eq!(refresh(&mut phone).await, 401);
    for copy in &copies {
        is_refused_soon(copy, "the session that was ended from another device").await;
    }
    assert!(is_logged_in(&mut client).await && is_logged_in(&mut at(&two.other, &client)).await);
}
