//! The site on a socket, with a clock that tests set, and the people who use it.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use hardtack::authenticator::Builder;
use hardtack::testing::TestClock;
use hardtack::{Authenticator, Clock, KeySet, RefreshMode, Session, SessionId, SessionStore, Timestamp};
use hardtack_accounts::{Accounts, EmailAddress, Outbox, Site};
use hardtack_conformance::client::{Client, Response};
use hardtack_conformance::services::postgres;
use hardtack_conformance::services::redis::RedisServer;
use hardtack_db::{Pool, Statement};
use hardtack_redis::RedisSessions;
use hardtack_sqlx::{Database, Sessions};
use hmac::{Hmac, KeyInit, Mac};
use serde_json::{Value, json};
use sha2::Sha256;
use tempfile::TempDir;

/// The HMAC secret of every site here, unless [`Options::keys`] says otherwise.
pub(crate) const SECRET: &[u8] = b"5pKq0xvX3nGm7wTzQhLrC1dYbJ9sFaEuVoRi2kMe8WlN4cBy";

/// What everybody's password is, unless a test is about passwords.
pub(crate) const PASSWORD: &str = "correct horse battery staple";

pub(crate) const ACCESS: &str = "access_token_cookie";
pub(crate) const REFRESH: &str = "refresh_token_cookie";

/// The refresh modes in which a session goes on when its access token has expired.
pub(crate) const BOTH_MODES: [RefreshMode; 2] = [RefreshMode::Transparent, RefreshMode::Redirect];

/// Where the rows can be, as [`Options::on_postgres`] says.
pub(crate) const BOTH_DATABASES: [bool; 2] = [false, true];

/// Where the sessions can be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Store {
    Sqlite,
    Postgres,
    /// Beside a database of accounts.
    Redis,
}

impl Store {
    /// The defaults, on this store.
    pub(crate) fn options(self) -> Options {
        Options { on_postgres: self == Self::Postgres, on_redis: self == Self::Redis, ..Options::default() }
    }
}

/// Makes a test for each store of each function.
macro_rules! on_every_store {
    ($tests:tt) => {
        hardtack_conformance::on_every_store! {
            [
                on_sqlite: crate::support::Store::Sqlite,
                on_postgres: crate::support::Store::Postgres,
                on_redis: crate::support::Store::Redis,
            ]
            $tests
        }
    };
}
pub(crate) use on_every_store;

/// How a site is set up.
pub(crate) struct Options {
    /// Where the rows are: in a file, unless it is on a PostgreSQL server.
    pub(crate) on_postgres: bool,
    /// Whether the sessions are on a Redis instead.
    pub(crate) on_redis: bool,
    /// What happens when an access token has expired.
    pub(crate) refresh: RefreshMode,
    /// Where people reach the site; none is the address that it listens on.
    pub(crate) base_url: Option<&'static str>,
    pub(crate) access_lifetime: Duration,
    pub(crate) refresh_lifetime: Duration,
    pub(crate) session_lifetime: Duration,
    pub(crate) keys: KeySet,
    /// Where letters are put, if any are sent.
    pub(crate) outbox: Option<PathBuf>,
    /// Routes of the application, beside the ready ones.
    pub(crate) routes: fn(&Authenticator) -> Router,
    /// Anything else.
    pub(crate) configure: fn(Builder) -> Builder,
}

impl Default for Options {
    /// The ready site's own defaults, on plain http.
    fn default() -> Self {
        Self {
            on_postgres: false,
            on_redis: false,
            refresh: RefreshMode::Transparent,
            base_url: None,
            access_lifetime: minutes(15),
            refresh_lifetime: minutes(24 * 60),
            session_lifetime: minutes(30 * 24 * 60),
            keys: KeySet::from_secret(SECRET).unwrap(),
            outbox: None,
            routes: |_| Router::new(),
            configure: |builder| builder,
        }
    }
}

pub(crate) const fn seconds(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

pub(crate) const fn minutes(minutes: u64) -> Duration {
    Duration::from_secs(minutes * 60)
}

/// A running site. It stops when it is dropped; its database goes with the last one that uses it.
pub(crate) struct TestSite {
    /// The time as the site sees it: [`TestClock::advance`] makes tokens expire.
    pub(crate) clock: TestClock,
    auth: Authenticator,
    router: Router,
    database: Pool,
    sessions: Sessions<Database>,
    /// The sessions, if they are not in the database.
    redis: Option<RedisSessions>,
    address: SocketAddr,
    place: Arc<Place>,
    server: tokio::task::JoinHandle<()>,
}

/// Where the database is, and the folder that goes with it.
struct Place {
    url: String,
    /// A Redis, and what its keys begin with.
    redis: Option<(String, String)>,
    _directory: TempDir,
}

impl Place {
    fn new(on_postgres: bool, redis: Option<&RedisServer>) -> Self {
        let redis = redis.map(|server| (server.url(), server.name()));
        let directory = TempDir::with_prefix("hardtack-site-").unwrap();
        let url = match on_postgres {
            true => postgres::shared().database(),
            false => format!("sqlite:{}", directory.path().join("app.db").display()),
        };
        Self { url, redis, _directory: directory }
    }
}

impl Drop for TestSite {
    fn drop(&mut self) {
        self.server.abort();
    }
}

impl TestSite {
    /// A site with a database of its own.
    pub(crate) async fn start(options: Options) -> Self {
        let redis = options.on_redis.then(RedisServer::shared);
        Self::over(Arc::new(Place::new(options.on_postgres, redis)), TestClock::start_now(), options).await
    }

    /// A site whose sessions are on this Redis.
    pub(crate) async fn on(redis: &RedisServer, options: Options) -> Self {
        Self::over(Arc::new(Place::new(options.on_postgres, Some(redis))), TestClock::start_now(), options).await
    }

    /// A site over a database that is there.
    pub(crate) async fn at(url: &str, options: Options) -> Self {
        let place = Place { url: url.to_owned(), redis: None, _directory: TempDir::new().unwrap() };
        Self::over(Arc::new(place), TestClock::start_now(), options).await
    }

    /// Another process, so to speak, over the same database and at the same time.
    pub(crate) async fn beside(&self, options: Options) -> Self {
        Self::over(Arc::clone(&self.place), self.clock.clone(), options).await
    }

    async fn over(place: Arc<Place>, clock: TestClock, options: Options) -> Self {
        let (listener, address) = hardtack_conformance::server::bind().await;
        let base_url = options.base_url.map_or_else(|| format!("http://{address}"), str::to_owned);
        let database = Database::open(&place.url).await.unwrap();
        let mut accounts = Accounts::open(database.clone()).await.unwrap();
        if let Some(folder) = &options.outbox {
            let from = EmailAddress::parse("noreply@site.example").unwrap();
            accounts = accounts.with_mail(from, &base_url, Outbox::new(folder));
        }
        let sessions = database.sessions();
        sessions.migrate().await.unwrap();
        let builder = accounts
            .wire(Authenticator::builder(options.keys))
            .base_url(&base_url)
            .clock(clock.clone())
            .refresh_mode(options.refresh)
            .access_lifetime(options.access_lifetime)
            .refresh_lifetime(options.refresh_lifetime)
            .session_lifetime(options.session_lifetime);
        let redis = match &place.redis {
            Some((url, name)) => Some(RedisSessions::open_named(url.as_str(), name).await.unwrap()),
            None => None,
        };
        let builder = match &redis {
            Some(redis) => builder.sessions(redis.clone()),
            None => builder.sessions(sessions.clone()),
        };
        let auth = (options.configure)(builder).build().unwrap();
        auth.sync_revocations().await.unwrap();
        let router = Site::new(auth.clone(), accounts).router().merge((options.routes)(&auth));
        let service = router.clone().into_make_service_with_connect_info::<SocketAddr>();
        let server = tokio::spawn(async move { axum::serve(listener, service).await.unwrap() });
        Self { clock, auth, router, database: database.into(), sessions, redis, address, place, server }
    }

    /// A browser, or a program, without cookies.
    pub(crate) fn client(&self) -> Client {
        Client::new(self.address)
    }

    /// The address to open, without a slash at its end.
    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// The database.
    pub(crate) fn database(&self) -> &Pool {
        &self.database
    }

    pub(crate) fn auth(&self) -> &Authenticator {
        &self.auth
    }

    pub(crate) fn router(&self) -> Router {
        self.router.clone()
    }

    pub(crate) fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// Lets every access token of this moment expire, and no refresh token.
    pub(crate) fn expire_access(&self) {
        self.clock.advance(minutes(15));
    }

    /// The browser of somebody who has just signed up.
    pub(crate) async fn person(&self, username: &str) -> Client {
        let mut client = self.client();
        sign_up(&mut client, username).await;
        client
    }

    /// One more browser of somebody who has an account.
    pub(crate) async fn device_of(&self, username: &str) -> Client {
        let mut client = self.client();
        let response = log_in(&mut client, username, PASSWORD).await;
        assert_eq!(response.status(), 200, "{}", response.text());
        client
    }

    /// The same without the password and its hash: a session of the user with that id.
    pub(crate) async fn session_of(&self, id: &str) -> Client {
        let mut client = self.client();
        for cookie in self.auth.log_in(id).await.unwrap() {
            client.set_cookie_raw(&cookie);
        }
        client
    }

    /// A session's row, as whoever has a copy of the store sees it.
    pub(crate) async fn row(&self, id: SessionId) -> Option<Session> {
        match &self.redis {
            Some(redis) => redis.find(id).await.unwrap(),
            None => self.sessions.find(id).await.unwrap(),
        }
    }

    /// Disables a user, as an operator does.
    pub(crate) async fn disable(&self, username: &str) {
        let sql = "UPDATE users SET disabled_at = $1 WHERE username = $2";
        let statement = Statement::new(sql).bind(self.now().unix_seconds()).bind(username);
        assert_eq!(self.database.execute(statement).await.unwrap(), 1, "{username}");
    }
}

/// Signs up as a program does, and is then logged in. Answers the user.
pub(crate) async fn sign_up(client: &mut Client, username: &str) -> Value {
    let body = json!({ "username": username, "password": PASSWORD });
    let response = client.post("/signup").accept_json().json(&body).send().await;
    assert_eq!(response.status(), 200, "{}", response.text());
    response.json()
}

/// Logs in as a program does.
pub(crate) async fn log_in(client: &mut Client, username: &str, password: &str) -> Response {
    client.post("/login").accept_json().json(&json!({ "username": username, "password": password })).send().await
}

/// Whom `/service` names, for a program; its status where it names nobody.
pub(crate) async fn whoami(client: &mut Client) -> Result<String, u16> {
    let response = client.get("/service").accept_json().send().await;
    match response.status().as_u16() {
        200 => Ok(response.json()["username"].as_str().unwrap().to_owned()),
        status => Err(status),
    }
}

/// Opens a page as a browser does, redirects and all.
pub(crate) async fn open(client: &mut Client, path: &str) -> Response {
    client.get(path).accept_html().follow().await
}

/// A form of a page with some of its fields typed into.
pub(crate) fn filled(page: &Response, action: &str, typed: &[(&str, &str)]) -> Vec<(String, String)> {
    let mut fields = page.form_fields(action);
    for (name, value) in typed {
        let field = fields.iter_mut().find(|(own, _)| own == name);
        field.unwrap_or_else(|| panic!("the form {action} has no field {name}")).1 = (*value).to_owned();
    }
    fields
}

/// Sends a form of a page that is open, without following where it leads.
pub(crate) async fn submit(client: &mut Client, page: &Response, action: &str, typed: &[(&str, &str)]) -> Response {
    client.post(action).accept_html().form(&filled(page, action, typed)).send().await
}

/// The value of a field in a form of a page.
pub(crate) fn field(page: &Response, action: &str, name: &str) -> String {
    let fields = page.form_fields(action);
    let found = fields.into_iter().find(|(own, _)| own == name);
    found.unwrap_or_else(|| panic!("the form {action} has no field {name}")).1
}

/// A cookie's value, which has to be there; the name may lack its prefix.
pub(crate) fn cookie(client: &Client, name: &str) -> String {
    let cookies = client.cookies();
    let found = cookies.iter().find(|cookie| cookie.name.trim_start_matches("__Host-") == name);
    found.unwrap_or_else(|| panic!("no cookie {name} in the jar")).value.clone()
}

/// Puts a value in place of a cookie's, as somebody with access to the browser could.
pub(crate) fn plant(client: &mut Client, name: &str, value: &str) {
    let path = client.cookie(name).map_or_else(|| "/".to_owned(), |cookie| cookie.path.clone());
    client.set_cookie_raw(&format!("{name}={value}; Path={path}"));
}

/// What a token says, unverified.
pub(crate) fn claims(token: &str) -> Value {
    let payload = token.split('.').nth(1).unwrap();
    serde_json::from_slice(&base64_simd::URL_SAFE_NO_PAD.decode_to_vec(payload).unwrap()).unwrap()
}

/// A token under the site's own secret, with any header and payload at all.
pub(crate) fn forge(header: &str, payload: &str) -> String {
    let encode = |text: &str| base64_simd::URL_SAFE_NO_PAD.encode_to_string(text);
    let signed = format!("{}.{}", encode(header), encode(payload));
    let signature = signature(SECRET, &signed);
    format!("{signed}.{signature}")
}

/// The HS256 signature of the first two segments.
pub(crate) fn signature(secret: &[u8], signed: &str) -> String {
    let mut mac = <Hmac<Sha256> as KeyInit>::new_from_slice(secret).unwrap();
    mac.update(signed.as_bytes());
    base64_simd::URL_SAFE_NO_PAD.encode_to_string(mac.finalize().into_bytes())
}

/// The header that the site writes.
pub(crate) const USUAL_HEADER: &str = r#"{"alg":"HS256","typ":"JWT"}"#;
