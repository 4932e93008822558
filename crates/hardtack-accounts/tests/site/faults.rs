//! Changes that end sessions, while the session store fails at any of its calls and clients hang up at any moment: the
//! change and the end of the sessions happen together, the response tells the truth, and trying again succeeds.

use std::collections::BTreeMap;
use std::future::poll_fn;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::Poll;

use axum::Router;
use axum::body::{Body, Bytes};
use hardtack::session::SessionStore;
use hardtack::testing::{Fault, FaultySessions, TestClock};
use hardtack::{Authenticator, KeySet};
use hardtack_accounts::{Accounts, Site};
use hardtack_db::{Pool, Statement};
use hardtack_redis::RedisSessions;
use hardtack_sqlx::Database;
use hardtack_test_support::services::postgres;
use hardtack_test_support::services::redis::RedisServer;
use http::{Request, StatusCode, header};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use tempfile::TempDir;
use tower_service::Service;

use crate::support::{PASSWORD, SECRET, Store, on_every_store, seconds};

on_every_store! {{
    s68_a_change_and_the_end_of_sessions_are_one_whatever_the_store_does,
    s68_a_hang_up_at_any_await_separates_nothing,
    e01_a_sign_up_never_leaves_an_account_behind_an_error,
    e01_an_operators_change_ends_sessions_whatever_the_store_does,
}}

const NEW_PASSWORD: &str = "an umbrella in the aquarium";

/// A change that ends the sessions of its user.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Change {
    Password,
    Reset,
    UndoEmail,
}

const CHANGES: [Change; 3] = [Change::Password, Change::Reset, Change::UndoEmail];

/// A browser without a socket: its requests are futures, which a test can poll and drop.
#[derive(Clone, Default)]
struct Browser(BTreeMap<String, String>);

impl Browser {
    fn holding(cookies: impl IntoIterator<Item = impl AsRef<str>>) -> Self {
        let mut browser = Self::default();
        cookies.into_iter().for_each(|cookie| browser.take(cookie.as_ref()));
        browser
    }

    fn take(&mut self, set_cookie: &str) {
        let (name, value) = set_cookie.split(';').next().unwrap().split_once('=').unwrap();
        if set_cookie.contains("Max-Age=0") {
            self.0.remove(name);
        } else {
            self.0.insert(name.to_owned(), value.to_owned());
        }
    }

    fn request(&self, method: &str, path: &str, body: &Value) -> Request<Body> {
        let cookies: Vec<_> = self.0.iter().map(|(name, value)| format!("{name}={value}")).collect();
        let csrf = self.0.get("csrf_access_token").map_or("", String::as_str);
        let request = Request::builder().method(method).uri(path).header(header::ACCEPT, "application/json");
        let request = request.header(header::CONTENT_TYPE, "application/json").header("x-csrf-token", csrf);
        request.header(header::COOKIE, cookies.join("; ")).body(Body::from(body.to_string())).unwrap()
    }
}

/// A response that was read completely.
struct Got {
    status: StatusCode,
    cookies: Vec<String>,
    body: Bytes,
}

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

/// A user with two devices, a mail link, and a confirmed address that someone has just replaced.
struct User {
    id: String,
    name: String,
    browser: Browser,
    device: Browser,
    token: String,
}

/// A site whose session store has faults.
struct FaultySite<S> {
    clock: TestClock,
    accounts: Accounts,
    auth: Authenticator,
    router: Router,
    database: Pool,
    faulty: FaultySessions<S>,
    /// The hash of [`PASSWORD`].
    hash: String,
    users: AtomicUsize,
    _directory: TempDir,
}

const BASE_URL: &str = "http://127.0.0.1:8000";

fn authenticator<S: SessionStore>(accounts: &Accounts, clock: &TestClock, sessions: S) -> Authenticator {
    let builder = accounts.configure(Authenticator::builder(KeySet::from_secret(SECRET).unwrap()));
    builder.base_url(BASE_URL).clock(clock.clone()).sessions(sessions).build().unwrap()
}

impl<S: SessionStore + Clone> FaultySite<S> {
    async fn start(accounts: Accounts, database: Database, sessions: S, directory: TempDir) -> Self {
        let (clock, faulty) = (TestClock::start_now(), FaultySessions::new(sessions));
        let auth = authenticator(&accounts, &clock, faulty.clone());
        auth.sync_revocations().await.unwrap();
        let router = Site::new(auth.clone(), accounts.clone()).router();
        let (database, users) = (Pool::from(database), AtomicUsize::new(0));
        let hash = String::new();
        let mut site = Self { clock, accounts, auth, router, database, faulty, hash, users, _directory: directory };
        let first = site.sign_up("first").await;
        assert_eq!(first.status, 200);
        let rows: Vec<(String,)> =
            site.database.fetch(Statement::new("SELECT password_hash FROM users")).await.unwrap();
        site.hash.clone_from(&rows[0].0);
        site
    }

    async fn send(&self, browser: &Browser, method: &str, path: &str, body: Value) -> Got {
        self.read(browser.request(method, path, &body)).await
    }

    async fn read(&self, request: Request<Body>) -> Got {
        let response = self.router.clone().call(request).await.unwrap();
        let (parts, body) = response.into_parts();
        let cookies = parts.headers.get_all(header::SET_COOKIE).iter();
        let cookies = cookies.map(|cookie| cookie.to_str().unwrap().to_owned()).collect();
        Got { status: parts.status, cookies, body: axum::body::to_bytes(body, usize::MAX).await.unwrap() }
    }

    async fn sign_up(&self, name: &str) -> Got {
        let body = json!({ "username": name, "password": PASSWORD });
        self.send(&Browser::default(), "POST", "/signup", body).await
    }

    /// Adds a user, without hashing a password again.
    async fn user(&self, change: Change) -> User {
        let number = self.users.fetch_add(1, Ordering::Relaxed);
        let (name, id) = (format!("user{number}"), format!("{number:032x}"));
        let sql = "INSERT INTO users (id, username, username_key, password_hash, password_version, display_name, email, \
                   email_key, email_confirmed_at, created_at) VALUES ($1, $2, $2, $3, 1, '', $4, $4, 0, 0)";
        let old = format!("{name}@old.example");
        let email = if change == Change::UndoEmail { format!("{name}@new.example") } else { old.clone() };
        let statement = Statement::new(sql).bind(&id).bind(&name).bind(&self.hash).bind(&email);
        self.database.execute(statement).await.unwrap();

        let token = format!("{:032x}", rand::random::<u128>());
        let hash: String = Sha256::digest(&token).iter().map(|byte| format!("{byte:02x}")).collect();
        let purpose = if change == Change::UndoEmail { "undo_email" } else { "reset_password" };
        let sql = "INSERT INTO links (token_hash, user_id, purpose, address, password_version, created_at, expires_at) \
                   VALUES ($1, $2, $3, $4, 1, 0, $5)";
        let expiry = (self.auth.now() + seconds(3600)).unix_seconds();
        let statement = Statement::new(sql).bind(hash).bind(&id).bind(purpose).bind(&old).bind(expiry);
        self.database.execute(statement).await.unwrap();

        let browser = Browser::holding(self.auth.log_in(id.as_str()).await.unwrap());
        let device = Browser::holding(self.auth.log_in(id.as_str()).await.unwrap());
        User { id, name, browser, device, token }
    }

    fn request(&self, change: Change, user: &User) -> Request<Body> {
        let (path, body) = match change {
            Change::Password => {
                ("/account/password", json!({ "current_password": PASSWORD, "new_password": NEW_PASSWORD }))
            }
            Change::Reset => ("/password/reset", json!({ "token": user.token, "new_password": NEW_PASSWORD })),
            Change::UndoEmail => ("/email/undo", json!({ "token": user.token })),
        };
        let browser = if change == Change::Password { user.browser.clone() } else { Browser::default() };
        browser.request("POST", path, &body)
    }

    async fn is_stored(&self, change: Change, user: &User) -> bool {
        let sql = "SELECT password_hash, email FROM users WHERE id = $1";
        let rows: Vec<(String, String)> = self.database.fetch(Statement::new(sql).bind(&user.id)).await.unwrap();
        let (hash, email) = &rows[0];
        match change {
            Change::Password | Change::Reset => *hash != self.hash,
            Change::UndoEmail => email.ends_with("@old.example"),
        }
    }

    async fn status(&self, browser: &Browser) -> u16 {
        self.send(browser, "GET", "/service", json!(null)).await.status.as_u16()
    }

    async fn log_in(&self, user: &User, password: &str) -> Got {
        let body = json!({ "username": user.name, "password": password });
        self.send(&Browser::default(), "POST", "/login", body).await
    }

    /// Lets another process, which knows only the stores, carry out the intentions that are due, and then this process.
    async fn settle(&self) {
        self.accounts.flush().await;
        let sql = "UPDATE pending_ends SET created_at = 0";
        self.database.execute(Statement::new(sql)).await.unwrap();
        authenticator(&self.accounts, &self.clock, self.faulty.store().clone()).sync_revocations().await.unwrap();
        self.auth.sync_revocations().await.unwrap();
        let left: Vec<(i64,)> = self.database.fetch(Statement::new("SELECT count(*) FROM pending_ends")).await.unwrap();
        assert_eq!(left, [(0,)], "an intention is left");
    }

    /// Asserts what must hold after a change, whatever went wrong. `response` is `None` if the client did not get it.
    async fn check(&self, change: Change, user: &User, response: Option<Got>, what: &str) {
        let stored = self.is_stored(change, user).await;
        if let Some(response) = &response {
            let text = String::from_utf8_lossy(&response.body);
            assert_eq!(response.status.is_success(), stored, "{what}: {} {text}", response.status);
        }
        if stored {
            assert_ne!(self.status(&user.device).await, 200, "{what}: this process does not refuse it at once");
        }
        self.settle().await;
        let expected = if stored { 401 } else { 200 };
        assert_eq!(self.status(&user.device).await, expected, "{what}: the other device, stored: {stored}");
        if change != Change::Password {
            assert_eq!(self.status(&user.browser).await, expected, "{what}: the first device, stored: {stored}");
        }
        if !stored {
            // Trying again succeeds.
            assert_eq!(self.status(&user.browser).await, 200, "{what}");
            assert_eq!(self.read(self.request(change, user)).await.status, 200, "{what}: the retry");
            assert!(self.is_stored(change, user).await, "{what}: the retry");
            self.settle().await;
            assert_eq!(self.status(&user.device).await, 401, "{what}: after the retry");
            return;
        }
        if let Some(response) = response.filter(|response| !response.cookies.is_empty() && change == Change::Password) {
            let mut browser = user.browser.clone();
            response.cookies.iter().for_each(|cookie| browser.take(cookie));
            assert_eq!(self.status(&browser).await, 200, "{what}: this browser");
            assert_eq!(self.status(&user.browser).await, 401, "{what}: a copy of this browser's old cookies");
        }
        let password = if change == Change::UndoEmail { PASSWORD } else { NEW_PASSWORD };
        let again = self.log_in(user, password).await;
        assert_eq!(again.status, 200, "{what}: the log-in after it");
        self.settle().await;
        assert_eq!(self.status(&Browser::holding(&again.cookies)).await, 200, "{what}: the new session was ended");
        if change != Change::UndoEmail {
            assert_eq!(self.log_in(user, PASSWORD).await.status, 401, "{what}: the old password");
        }
    }
}

/// Runs a test with each store: the database of the accounts, or Redis.
macro_rules! with_site {
    ($store:expr, $test:expr) => {{
        let (store, directory) = ($store, TempDir::with_prefix("hardtack-faults-").unwrap());
        let url = match store {
            Store::Postgres => postgres::shared().database(),
            _ => format!("sqlite:{}", directory.path().join("app.db").display()),
        };
        let database = Database::open(&url).await.unwrap();
        let accounts = Accounts::open(database.clone()).await.unwrap();
        if store == Store::Redis {
            let server = RedisServer::shared();
            let sessions = RedisSessions::open_named(server.url().as_str(), &server.name()).await.unwrap();
            $test(FaultySite::start(accounts, database, sessions, directory).await).await;
        } else {
            let sessions = database.sessions();
            sessions.migrate().await.unwrap();
            $test(FaultySite::start(accounts.with_sessions(), database, sessions, directory).await).await;
        }
    }};
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
                site.accounts.flush().await;
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
        site.accounts.flush().await;
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
