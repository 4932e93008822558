//! People who log in, refresh and log out while something breaks, and who know what they are owed.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use hardtack_test_support::Client;
use hardtack_test_support::client::Response;
use serde_json::json;
use tokio::task::JoinHandle;

use crate::support::{PASSWORD, sign_up};

/// How long somebody waits before they try again.
const PAUSE: Duration = Duration::from_millis(5);

/// A crowd at work, each in a task.
pub(crate) struct People {
    over: Arc<AtomicBool>,
    done: Arc<Done>,
    tasks: Vec<JoinHandle<Person>>,
}

/// How often what happened.
#[derive(Default)]
pub(crate) struct Done {
    pub(crate) logins: AtomicUsize,
    pub(crate) refreshes: AtomicUsize,
    pub(crate) logouts: AtomicUsize,
    pub(crate) unanswered: AtomicUsize,
    pub(crate) unavailable: AtomicUsize,
}

impl People {
    /// Signs somebody up with each of these browsers and lets them live. A 503 is a let-down unless it is
    /// `expected`; no answer at all never is.
    pub(crate) async fn start(clients: impl IntoIterator<Item = Client>, expected: bool) -> Self {
        let (over, done) = (Arc::new(AtomicBool::new(false)), Arc::new(Done::default()));
        let mut tasks = Vec::new();
        for (number, mut client) in clients.into_iter().enumerate() {
            let name = format!("someone{number}");
            sign_up(&mut client, &name).await;
            let person = Person { name, client, done: Arc::clone(&done), dead: Vec::new(), seen: 0, expected };
            tasks.push(tokio::spawn(person.live(Arc::clone(&over))));
        }
        Self { over, done, tasks }
    }

    #[track_caller]
    pub(crate) fn assert_content(&self) {
        assert!(self.tasks.iter().all(|person| !person.is_finished()), "someone was let down");
    }

    /// How often somebody was told to come again.
    pub(crate) fn turned_away(&self) -> usize {
        self.done.unavailable.load(Ordering::Relaxed)
    }

    /// Lets them finish what they do, each with a last look at everything. Answers who they were.
    pub(crate) async fn end(self) -> (Vec<Person>, Arc<Done>) {
        self.over.store(true, Ordering::Relaxed);
        let mut people = Vec::new();
        for person in self.tasks {
            people.push(person.await.unwrap());
        }
        // The test has tested something.
        for (what, times) in
            [("log-ins", &self.done.logins), ("refreshes", &self.done.refreshes), ("log-outs", &self.done.logouts)]
        {
            let times = times.load(Ordering::Relaxed);
            assert!(times >= people.len(), "hardly any {what}: {times}");
        }
        (people, self.done)
    }
}

/// Someone who holds a session, and remembers which ones must be over.
pub(crate) struct Person {
    name: String,
    pub(crate) client: Client,
    /// The browsers of before each log-out that was answered.
    pub(crate) dead: Vec<Client>,
    /// How many of them were looked at.
    seen: usize,
    done: Arc<Done>,
    expected: bool,
}

impl Person {
    async fn live(mut self, over: Arc<AtomicBool>) -> Self {
        // However slow the machine: each of these is tested.
        self.refresh().await;
        self.log_out_and_in().await;
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
        self
    }

    /// The session is usable, whatever happened.
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
        // Unanswered, it may have been heard or not: a log-in comes next, which ends it either way.
        if let Some(answer) = self.heard(answer).await {
            assert!(answer.status().is_success(), "{}: {} {}", self.name, answer.status(), answer.text());
            self.done.logouts.fetch_add(1, Ordering::Relaxed);
            self.dead.push(held);
        }
        let body = json!({ "username": self.name, "password": PASSWORD });
        let answer = self.insist(|client| client.post("/login").accept_json().json(&body)).await;
        assert!(answer.status().is_success(), "{}: {} {}", self.name, answer.status(), answer.text());
        self.done.logins.fetch_add(1, Ordering::Relaxed);
    }

    /// What was logged out stays so: its access token, and its refresh token.
    async fn look_back(&mut self) {
        let Some(dead) = self.dead.get(self.seen) else { return };
        self.seen += 1;
        let dead = dead.clone();
        for left_out in ["refresh_token_cookie", "access_token_cookie"] {
            loop {
                let mut copy = dead.clone();
                copy.jar().remove(left_out);
                let answer = copy.get("/service").accept_json().try_send().await;
                if let Some(answer) = self.heard(answer).await {
                    assert_eq!(answer.status(), 401, "{}: a dead session came back", self.name);
                    break;
                }
            }
        }
    }

    /// Sends a request until it is answered.
    async fn insist(
        &mut self,
        request: impl for<'c> Fn(&'c mut Client) -> hardtack_test_support::Request<'c>,
    ) -> Response {
        loop {
            let answer = request(&mut self.client).try_send().await;
            if let Some(answer) = self.heard(answer).await {
                return answer;
            }
        }
    }

    /// An answer that is one: no server may be there, or it has no store.
    async fn heard(&self, answer: Result<Response, String>) -> Option<Response> {
        let counter = match answer {
            Ok(answer) if answer.status() == 503 && self.expected => {
                // A refresh that was done before the outage brings its cookies along; none is ever taken away.
                let cookies = answer.set_cookies();
                assert!(!cookies.iter().any(|cookie| cookie.is_deletion()), "{}: a 503 logs out", self.name);
                &self.done.unavailable
            }
            Ok(answer) => return Some(answer),
            Err(_) => &self.done.unanswered,
        };
        counter.fetch_add(1, Ordering::Relaxed);
        tokio::time::sleep(PAUSE).await;
        None
    }
}
