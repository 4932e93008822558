//! Users who log in, refresh and log out while something breaks, and check that nothing they did is lost.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use hardtack_test_support::Client;
use hardtack_test_support::client::Response;
use serde_json::json;
use tokio::task::JoinHandle;

use crate::support::{PASSWORD, sign_up};

/// How long a user waits before they try again.
const RETRY_AFTER: Duration = Duration::from_millis(5);

/// Users, each in a task.
pub(crate) struct Users {
    stop: Arc<AtomicBool>,
    counters: Arc<Counters>,
    tasks: Vec<JoinHandle<User>>,
}

/// How often each event happened.
#[derive(Default)]
pub(crate) struct Counters {
    pub(crate) logins: AtomicUsize,
    pub(crate) refreshes: AtomicUsize,
    pub(crate) logouts: AtomicUsize,
    pub(crate) unanswered: AtomicUsize,
    pub(crate) unavailable: AtomicUsize,
}

impl Users {
    /// Signs a user up with each of these browsers and starts the users. They repeat a request that gets no response.
    /// They repeat one that gets a 503 only if `expect_outages` is set.
    pub(crate) async fn start(clients: impl IntoIterator<Item = Client>, expect_outages: bool) -> Self {
        let (stop, counters) = (Arc::new(AtomicBool::new(false)), Arc::new(Counters::default()));
        let mut tasks = Vec::new();
        for (number, mut client) in clients.into_iter().enumerate() {
            let name = format!("someone{number}");
            sign_up(&mut client, &name).await;
            let counters = Arc::clone(&counters);
            let user = User { name, client, counters, logged_out: Vec::new(), checked: 0, expect_outages };
            tasks.push(tokio::spawn(user.run(Arc::clone(&stop))));
        }
        Self { stop, counters, tasks }
    }

    #[track_caller]
    pub(crate) fn assert_no_failure(&self) {
        assert!(self.tasks.iter().all(|user| !user.is_finished()), "an assertion of a user failed");
    }

    /// How many requests had a 503 as their response.
    pub(crate) fn unavailable(&self) -> usize {
        self.counters.unavailable.load(Ordering::Relaxed)
    }

    /// Stops the users, each after a last check of everything, and returns them.
    pub(crate) async fn stop(self) -> (Vec<User>, Arc<Counters>) {
        self.stop.store(true, Ordering::Relaxed);
        let mut users = Vec::new();
        for user in self.tasks {
            users.push(user.await.unwrap());
        }
        // Each kind of request must have occurred, or the test has tested nothing.
        for (what, times) in [
            ("log-ins", &self.counters.logins),
            ("refreshes", &self.counters.refreshes),
            ("log-outs", &self.counters.logouts),
        ] {
            let times = times.load(Ordering::Relaxed);
            assert!(times >= users.len(), "too few {what}: {times}");
        }
        (users, self.counters)
    }
}

/// A user with a session, who remembers the sessions that must have ended.
pub(crate) struct User {
    name: String,
    pub(crate) client: Client,
    /// The browser as it was before each log-out that succeeded.
    pub(crate) logged_out: Vec<Client>,
    /// How many of them have been checked.
    checked: usize,
    counters: Arc<Counters>,
    expect_outages: bool,
}

impl User {
    async fn run(mut self, stop: Arc<AtomicBool>) -> Self {
        // Do each at least once, even on a slow machine.
        self.refresh().await;
        self.log_out_and_in().await;
        while !stop.load(Ordering::Relaxed) {
            match rand::random_range(0..10) {
                0 => self.log_out_and_in().await,
                1..4 => self.refresh().await,
                4 => self.check_logged_out().await,
                _ => self.visit().await,
            }
        }
        self.visit().await;
        self.refresh().await;
        self.check_logged_out().await;
        self
    }

    /// The session must work, no matter what happened.
    async fn visit(&mut self) {
        let response = self.send(|client| client.get("/service").accept_json()).await;
        assert_eq!(response.status(), 200, "{}: a session was lost: {}", self.name, response.text());
    }

    /// Removes the access token, so that the request refreshes. If the request gets no response, the browser still has
    /// the same refresh token.
    async fn refresh(&mut self) {
        self.client.jar().remove("access_token_cookie");
        self.visit().await;
        self.counters.refreshes.fetch_add(1, Ordering::Relaxed);
    }

    async fn log_out_and_in(&mut self) {
        let before = self.client.clone();
        let response = self.client.post("/logout").accept_json().csrf().try_send().await;
        // If no response arrives, the session may still be live. The next log-in ends it in any case.
        if let Some(response) = self.received(response).await {
            assert!(response.status().is_success(), "{}: {} {}", self.name, response.status(), response.text());
            self.counters.logouts.fetch_add(1, Ordering::Relaxed);
            self.logged_out.push(before);
        }
        let body = json!({ "username": self.name, "password": PASSWORD });
        let response = self.send(|client| client.post("/login").accept_json().json(&body)).await;
        assert!(response.status().is_success(), "{}: {} {}", self.name, response.status(), response.text());
        self.counters.logins.fetch_add(1, Ordering::Relaxed);
    }

    /// Neither the access token nor the refresh token of an ended session works.
    async fn check_logged_out(&mut self) {
        let Some(ended) = self.logged_out.get(self.checked) else { return };
        self.checked += 1;
        let ended = ended.clone();
        for left_out in ["refresh_token_cookie", "access_token_cookie"] {
            loop {
                let mut copy = ended.clone();
                copy.jar().remove(left_out);
                let response = copy.get("/service").accept_json().try_send().await;
                if let Some(response) = self.received(response).await {
                    assert_eq!(response.status(), 401, "{}: an ended session came back", self.name);
                    break;
                }
            }
        }
    }

    /// Sends a request until it has a response.
    async fn send(
        &mut self,
        request: impl for<'c> Fn(&'c mut Client) -> hardtack_test_support::Request<'c>,
    ) -> Response {
        loop {
            let response = request(&mut self.client).try_send().await;
            if let Some(response) = self.received(response).await {
                return response;
            }
        }
    }

    /// Returns the response, unless there is none or the server has no store; then waits.
    async fn received(&self, response: Result<Response, String>) -> Option<Response> {
        let counter = match response {
            Ok(response) if response.status() == 503 && self.expect_outages => {
                // A refresh that preceded the outage may set its cookies, but no cookie may be deleted.
                let cookies = response.set_cookies();
                assert!(!cookies.iter().any(|cookie| cookie.is_deletion()), "{}: a 503 deletes cookies", self.name);
                &self.counters.unavailable
            }
            Ok(response) => return Some(response),
            Err(_) => &self.counters.unanswered,
        };
        counter.fetch_add(1, Ordering::Relaxed);
        tokio::time::sleep(RETRY_AFTER).await;
        None
    }
}
