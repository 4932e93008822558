//! An application with its own users changes passwords in a transaction of its own, as `hardtack-sqlx` documents it, in
//! axum and in actix-web.

use std::net::SocketAddr;
use std::sync::Arc;

use hardtack::session::EndedSessions;
use hardtack::{Authenticator, KeySet, MemorySessions, VerifiedToken};
use hardtack_db::{Pool, Statement, Transaction};
use hardtack_sqlx::{ChangeError, Database, PendingEnds, Sessions};
use hardtack_test_support::client::{Client, Response};
use hardtack_test_support::services::postgres;
use tempfile::TempDir;
use tokio::sync::Semaphore;

use crate::support::SECRET;

/// Where the application keeps its sessions.
#[derive(Clone)]
enum Ends {
    Here(Sessions<Database>),
    Elsewhere(PendingEnds<Database>),
}

impl Ends {
    async fn end_others(&self, tx: &mut Transaction, token: &VerifiedToken) -> Result<EndedSessions, ChangeError> {
        let (mut connection, id) = (tx.connection(), token.subject());
        match self {
            Self::Here(sessions) => sessions.end_others_in(&mut connection, id, token.session()).await,
            Self::Elsewhere(pending) => pending.end_others_in(&mut connection, id, token.session()).await,
        }
    }

    async fn end_all(&self, tx: &mut Transaction, user: &str) -> Result<EndedSessions, sqlx::Error> {
        match self {
            Self::Here(sessions) => sessions.end_all_in(&mut tx.connection(), user).await,
            Self::Elsewhere(pending) => pending.end_all_in(&mut tx.connection(), user).await,
        }
    }
}

#[derive(Clone)]
struct Shop {
    auth: Authenticator,
    users: Pool,
    ends: Ends,
    /// Handlers that have verified the token and wait, as for a body that arrives slowly.
    arrived: Arc<Semaphore>,
    /// Lets these handlers go on.
    admitted: Arc<Semaphore>,
    _directory: Arc<TempDir>,
}

#[derive(Clone, Copy, Debug)]
enum Store {
    Sqlite,
    Postgres,
    Elsewhere,
}

impl Shop {
    async fn new(store: Store, address: SocketAddr) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let url = match store {
            Store::Postgres => postgres::shared().database(),
            Store::Sqlite | Store::Elsewhere => format!("sqlite:{}", directory.path().join("shop.db").display()),
        };
        let database = Database::open(&url).await.unwrap();
        let builder =
            Authenticator::builder(KeySet::from_secret(SECRET).unwrap()).base_url(format!("http://{address}"));
        let (builder, ends) = match store {
            Store::Sqlite | Store::Postgres => {
                let sessions = database.sessions();
                sessions.migrate().await.unwrap();
                (builder.sessions(sessions.clone()), Ends::Here(sessions))
            }
            Store::Elsewhere => {
                let pending = database.pending_ends();
                pending.migrate().await.unwrap();
                let builder = builder.sessions(MemorySessions::new()).pending_revocations(pending.clone());
                (builder, Ends::Elsewhere(pending))
            }
        };
        let users = Pool::from(database);
        users.execute(Statement::new("CREATE TABLE people (id TEXT PRIMARY KEY, hash TEXT NOT NULL)")).await.unwrap();
        let [arrived, admitted] = [(); 2].map(|()| Arc::new(Semaphore::new(0)));
        Self { auth: builder.build().unwrap(), users, ends, arrived, admitted, _directory: Arc::new(directory) }
    }

    async fn set_hash(tx: &mut Transaction, user: &str, hash: &str) -> Result<(), sqlx::Error> {
        let sql = "INSERT INTO people VALUES ($1, $2) ON CONFLICT (id) DO UPDATE SET hash = excluded.hash";
        tx.execute(Statement::new(sql).bind(user).bind(hash)).await.map(drop)
    }

    async fn change_password(&self, token: &VerifiedToken, hash: &str) -> Result<EndedSessions, ChangeError> {
        self.arrived.add_permits(1);
        self.admitted.acquire().await.unwrap().forget();
        let mut tx = self.users.begin().await?;
        Self::set_hash(&mut tx, token.subject(), hash).await?;
        let ended = self.ends.end_others(&mut tx, token).await?;
        tx.commit().await?;
        Ok(ended)
    }

    /// The owner opens the link in an email.
    async fn reset_password(&self, user: &str, hash: &str) {
        let mut tx = self.users.begin().await.unwrap();
        Self::set_hash(&mut tx, user, hash).await.unwrap();
        let ended = self.ends.end_all(&mut tx, user).await.unwrap();
        tx.commit().await.unwrap();
        assert!(self.auth.finish_ending(ended).await);
    }

    async fn hash(&self, user: &str) -> Option<String> {
        let statement = Statement::new("SELECT hash FROM people WHERE id = $1").bind(user.to_owned());
        let rows: Vec<(String,)> = self.users.fetch(statement).await.unwrap();
        rows.into_iter().next().map(|(hash,)| hash)
    }

    /// Waits until this number of handlers have verified their tokens.
    async fn arrivals(&self, count: u32) {
        self.arrived.acquire_many(count).await.unwrap().forget();
    }
}

mod in_axum {
    use axum::Router;
    use axum::extract::State;
    use axum::response::{IntoResponse, Response};
    use axum::routing::{get, post};
    use hardtack_axum::{AccessToken, Auth, AuthError, AuthLayer};

    use super::*;

    pub(super) fn app(shop: Shop) -> Router {
        Router::new()
            .route("/login", post(async |auth: Auth, user: String| auth.log_in(user).await))
            .route("/logout", post(async |auth: Auth| auth.log_out().await))
            .route("/me", get(async |token: AccessToken| token.subject().to_owned()))
            .route("/password", post(change_password))
            .layer(AuthLayer::new(shop.auth.clone()))
            .with_state(shop)
    }

    async fn change_password(
        token: AccessToken,
        auth: Auth,
        State(shop): State<Shop>,
        hash: String,
    ) -> Result<Response, AuthError> {
        let ended = shop.change_password(&token, &hash).await.map_err(|error| auth.refuse(error))?;
        Ok((auth.renew(ended).await?, "Changed.").into_response())
    }
}

mod in_actix_web {
    use actix_web::web::{Data, ServiceConfig, get, post};
    use actix_web::{HttpRequest, HttpResponse, Responder};
    use hardtack_actix::{AccessToken, Auth, AuthError, SetCookies};

    use super::*;

    pub(super) fn routes(routes: &mut ServiceConfig, shop: &Shop) {
        routes
            .app_data(Data::new(shop.clone()))
            .route("/login", post().to(log_in))
            .route("/logout", post().to(log_out))
            .route("/me", get().to(async |token: AccessToken| token.subject().to_owned()))
            .route("/password", post().to(change_password));
    }

    fn respond(cookies: SetCookies, request: &HttpRequest) -> HttpResponse {
        cookies.onto("Changed.").respond_to(request).map_into_boxed_body()
    }

    async fn log_in(auth: Auth, user: String, request: HttpRequest) -> Result<HttpResponse, AuthError> {
        Ok(respond(auth.log_in(user).await?, &request))
    }

    async fn log_out(auth: Auth, request: HttpRequest) -> Result<HttpResponse, AuthError> {
        Ok(respond(auth.log_out().await?, &request))
    }

    async fn change_password(
        token: AccessToken,
        auth: Auth,
        shop: Data<Shop>,
        hash: String,
        request: HttpRequest,
    ) -> Result<HttpResponse, AuthError> {
        let ended = shop.change_password(&token, &hash).await.map_err(|error| auth.refuse(error))?;
        Ok(respond(auth.renew(ended).await?, &request))
    }
}

/// Starts the application in both frameworks, on each store, and runs the test with each.
async fn everywhere(test: impl AsyncFn(Shop, SocketAddr)) {
    for store in [Store::Sqlite, Store::Postgres, Store::Elsewhere] {
        let (listener, address) = hardtack_test_support::server::bind().await;
        let shop = Shop::new(store, address).await;
        let app = in_axum::app(shop.clone());
        let server = tokio::spawn(async move { axum::serve(listener, app).await.unwrap() });
        test(shop, address).await;
        server.abort();

        let listener = std::net::TcpListener::bind(("127.0.0.1", 0)).unwrap();
        let address = listener.local_addr().unwrap();
        let shop = Shop::new(store, address).await;
        let (auth, for_routes) = (shop.auth.clone(), shop.clone());
        let server = actix_web::HttpServer::new(move || {
            actix_web::App::new()
                .configure(|routes| in_actix_web::routes(routes, &for_routes))
                .wrap(hardtack_actix::AuthLayer::new(auth.clone()))
        });
        let server = tokio::spawn(server.workers(1).disable_signals().listen(listener).unwrap().run());
        test(shop, address).await;
        server.abort();
    }
}

async fn browser_of(address: SocketAddr, user: &str) -> Client {
    let mut browser = Client::new(address);
    let response =
        browser.post("/login").accept_json().header("content-type", "application/json").body(user.to_owned());
    let response = response.send().await;
    assert_eq!(response.status(), 200, "{}", response.text());
    browser
}

/// Sends the request with a copy of the browser's cookies, as a thief or a second click does.
async fn change(browser: &Client, hash: &str) -> Response {
    let mut copy = browser.clone();
    let request = copy.post("/password").accept_json().csrf().header("content-type", "application/json");
    request.body(hash.to_owned()).send().await
}

fn sets_cookies(response: &Response) -> bool {
    response.header("set-cookie").is_some_and(|cookie| !cookie.contains("Max-Age=0"))
}

async fn status(browser: &Client) -> u16 {
    browser.clone().get("/me").accept_json().send().await.status().as_u16()
}

#[tokio::test(flavor = "multi_thread")]
async fn e01_a_password_change_is_refused_if_its_session_has_ended_in_the_meantime() {
    everywhere(async |shop, address| {
        for by_log_out in [false, true] {
            let user = if by_log_out { "bob" } else { "alice" };
            let thief = browser_of(address, user).await;
            let end = async {
                shop.arrivals(1).await;
                if by_log_out {
                    let response = thief.clone().post("/logout").accept_json().csrf().send().await;
                    assert_eq!(response.status(), 200, "{}", response.text());
                } else {
                    shop.reset_password(user, "the owner's").await;
                }
                shop.admitted.add_permits(1);
            };
            let (refused, ()) = tokio::join!(change(&thief, "the thief's"), end);
            assert_eq!((refused.status().as_u16(), &refused.json()["code"]), (401, &"revoked".into()));
            let expected = (!by_log_out).then(|| "the owner's".to_owned());
            assert_eq!(shop.hash(user).await, expected);
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn e01_a_password_form_that_is_sent_twice_leaves_the_person_logged_in() {
    everywhere(async |shop, address| {
        for round in 0..4 {
            let (user, hash) = (format!("user{round}"), "new");
            let browser = browser_of(address, &user).await;
            let admit = async {
                shop.arrivals(2).await;
                shop.admitted.add_permits(2);
            };
            let (one, two, ()) = tokio::join!(change(&browser, hash), change(&browser, hash), admit);
            let responses = [&one, &two];
            let renewed: Vec<_> = responses.iter().filter(|response| sets_cookies(response)).collect();
            assert_eq!(renewed.len(), 1, "{} {}", one.text(), two.text());
            // The other response says that the password was changed, or that a new session has replaced this one.
            for response in responses {
                let is_replaced = response.status() == 401 && response.text().contains("were replaced by newer tokens");
                assert!(response.status() == 200 || is_replaced, "{}", response.text());
                assert!(response.header("set-cookie").is_none() || sets_cookies(response), "cookies are deleted");
            }
            assert_eq!((status(&browser).await, renewed[0].status().as_u16()), (401, 200));
            let mut browser = browser;
            browser.take_cookies(renewed[0]);
            assert_eq!(status(&browser).await, 200);
            assert_eq!(shop.hash(&user).await.as_deref(), Some(hash));
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn e01_of_two_browsers_that_change_the_password_at_once_one_stays_logged_in() {
    everywhere(async |shop, address| {
        for round in 0..4 {
            let user = format!("user{round}");
            let mut browsers = [browser_of(address, &user).await, browser_of(address, &user).await];
            let admit = async {
                shop.arrivals(2).await;
                shop.admitted.add_permits(2);
            };
            let (one, two, ()) = tokio::join!(change(&browsers[0], "one"), change(&browsers[1], "two"), admit);
            let winner = usize::from(one.status() != 200);
            let (renewed, refused) = if winner == 0 { (one, two) } else { (two, one) };
            assert_eq!((renewed.status().as_u16(), refused.status().as_u16()), (200, 401), "{}", refused.text());
            assert_eq!(shop.hash(&user).await.as_deref(), Some(["one", "two"][winner]));
            browsers[winner].take_cookies(&renewed);
            assert_eq!(status(&browsers[winner]).await, 200);
            assert_eq!(status(&browsers[1 - winner]).await, 401);
        }
    })
    .await;
}
