//! A power cut at a random moment, a hundred times, while people log in, refresh, and log out.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use hardtack_conformance::Client;
use hardtack_conformance::client::Response;
use serde_json::json;

use crate::support::{PASSWORD, Place, sign_up, start};

const CRASHES: usize = 100;
const PEOPLE: usize = 5;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn s32_no_answered_login_or_logout_is_lost_in_a_hundred_crashes() {
    let place = Place::new();
    let mut server = place.start().await;
    let address = server.base_url().trim_start_matches("http://").to_owned();
    let program = place.hardtack(["serve", "--listen", &address]);

    let over = Arc::new(AtomicBool::new(false));
    let done = Arc::new(Done::default());
    let mut people = Vec::new();
    for number in 0..PEOPLE {
        let mut client = server.client();
        sign_up(&mut client, &format!("someone{number}")).await;
        let person = Person { name: format!("someone{number}"), client, done: Arc::clone(&done), dead: Vec::new() };
        people.push(tokio::spawn(person.live(Arc::clone(&over))));
    }
    for _ in 0..CRASHES {
        tokio::time::sleep(Duration::from_millis(rand::random_range(0..120))).await;
        server.kill();
        server = start(&program).await;
        assert!(people.iter().all(|person| !person.is_finished()), "someone was let down");
    }
    over.store(true, Ordering::Relaxed);
    for person in people {
        person.await.unwrap();
    }
    // The test has tested something.
    for (what, times) in [("log-ins", &done.logins), ("refreshes", &done.refreshes), ("log-outs", &done.logouts)] {
        assert!(times.load(Ordering::Relaxed) > PEOPLE, "hardly any {what}");
    }
    assert!(done.unanswered.load(Ordering::Relaxed) > 0, "no crash met a request");
}

/// How often what happened.
#[derive(Default)]
struct Done {
    logins: AtomicUsize,
    refreshes: AtomicUsize,
    logouts: AtomicUsize,
    unanswered: AtomicUsize,
}

/// Someone who holds a session, and remembers which ones must be over.
struct Person {
    name: String,
    client: Client,
    done: Arc<Done>,
    dead: Vec<Client>,
}

impl Person {
    async fn live(mut self, over: Arc<AtomicBool>) {
        while !over.load(Ordering::Relaxed) {
            match rand::random_range(0..10) {
                0 => self.log_out_and_in().await,
                1..4 => self.refresh().await,
                4 => self.look_back().await,
                _ => self.visit().await,
            }
        }
        self.visit().await;
        self.refresh().await;
        self.look_back().await;
    }

    /// The session is usable, whatever happened to the server.
    async fn visit(&mut self) {
        let answer = self.insist(|client| client.get("/service").accept_json()).await;
        assert_eq!(answer.status(), 200, "{}: a session was lost: {}", self.name, answer.text());
    }

    /// Without an access token, a request refreshes. One that got no answer comes back with the same
    /// refresh token.
    async fn refresh(&mut self) {
        self.client.jar().remove("access_token_cookie");
        self.visit().await;
        self.done.refreshes.fetch_add(1, Ordering::Relaxed);
    }

    async fn log_out_and_in(&mut self) {
        let held = self.client.clone();
        let answer = self.client.post("/logout").accept_json().csrf().try_send().await;
        match answer {
            Ok(answer) => {
                assert!(answer.status().is_success(), "{}: {}", self.name, answer.text());
                self.done.logouts.fetch_add(1, Ordering::Relaxed);
                self.dead.push(held);
            }
            // It may have been heard or not: a log-in comes next, which ends it either way.
            Err(_) => self.unanswered().await,
        }
        let body = json!({ "username": self.name, "password": PASSWORD });
        let answer = self.insist(|client| client.post("/login").accept_json().json(&body)).await;
        assert!(answer.status().is_success(), "{}: {} {}", self.name, answer.status(), answer.text());
        self.done.logins.fetch_add(1, Ordering::Relaxed);
    }

    /// What was logged out stays so: its access token, and its refresh token.
    async fn look_back(&mut self) {
        let Some(dead) = self.dead.pop() else { return };
        for left_out in ["refresh_token_cookie", "access_token_cookie"] {
            loop {
                let mut copy = dead.clone();
                copy.jar().remove(left_out);
                match copy.get("/service").accept_json().try_send().await {
                    Ok(answer) => {
                        assert_eq!(answer.status(), 401, "{}: a dead session came back", self.name);
                        break;
                    }
                    Err(_) => self.unanswered().await,
                }
            }
        }
    }

    /// Sends a request until it is answered.
    async fn insist(
        &mut self,
        request: impl for<'c> Fn(&'c mut Client) -> hardtack_conformance::Request<'c>,
    ) -> Response {
        loop {
            if let Ok(answer) = request(&mut self.client).try_send().await {
                return answer;
            }
            self.unanswered().await;
        }
    }

    async fn unanswered(&self) {
        self.done.unanswered.fetch_add(1, Ordering::Relaxed);
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}
