//! An application's own log-in routes over the same users, in axum and in actix-web. The ready-made pages are not
//! served.

use std::net::SocketAddr;

use hardtack_accounts::{Accounts, ActionError, NewUser, User};
use hardtack_test_support::client::{Client, Response};
use serde::Deserialize;
use serde_json::json;

use super::{Accountant, NEW};
use crate::support::{ACCESS, PASSWORD};

#[derive(Deserialize)]
struct Passwords {
    current: String,
    new: String,
}

#[tokio::test(flavor = "multi_thread")]
async fn own_pages_in_axum() {
    let (listener, address) = hardtack_test_support::server::bind().await;
    let shop = Accountant::at(&format!("http://{address}"), false).await;
    let service = in_axum::app(&shop).into_make_service_with_connect_info::<SocketAddr>();
    tokio::spawn(async move { axum::serve(listener, service).await.unwrap() });
    visit(address).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn own_pages_in_actix_web() {
    let listener = std::net::TcpListener::bind(("127.0.0.1", 0)).unwrap();
    let address = listener.local_addr().unwrap();
    let shop = Accountant::at(&format!("http://{address}"), false).await;
    let (accounts, auth) = (shop.accounts.clone(), shop.auth.clone());
    let server = actix_web::HttpServer::new(move || {
        actix_web::App::new()
            .configure(|routes| in_actix_web::routes(routes, &accounts))
            .wrap(hardtack_actix::AuthLayer::new(auth.clone()))
    });
    tokio::spawn(server.workers(1).disable_signals().listen(listener).unwrap().run());
    visit(address).await;
}

mod in_axum {
    use axum::extract::State;
    use axum::response::{IntoResponse, Response};
    use axum::routing::{get, post};
    use axum::{Json, Router};
    use hardtack_axum::{
        AccessToken, Auth, AuthError, AuthLayer, Credentials, CurrentUser, LogInForm, ReauthenticationForm,
    };

    use super::*;

    pub(super) fn app(shop: &Accountant) -> Router {
        Router::new()
            .route("/join", post(sign_up))
            .route("/login", post(log_in))
            .route("/reauthenticate", post(reauthenticate))
            .route("/password", post(change_password))
            .route("/me", get(async |user: CurrentUser<User>| user.username.clone()))
            .with_state(shop.accounts.clone())
            .layer(AuthLayer::new(shop.auth.clone()))
    }

    async fn sign_up(
        State(accounts): State<Accounts>,
        auth: Auth,
        Json(typed): Json<Credentials>,
    ) -> Result<Response, AuthError> {
        auth.require_pre_session()?;
        let new = NewUser::named(typed.username).password(typed.password);
        match accounts.sign_up_by(new, &auth.client_info()).await {
            Ok(signed_up) => Ok((auth.log_in(signed_up).await?, "Welcome!").into_response()),
            Err(ActionError::Invalid(problems)) => {
                Ok((http::StatusCode::CONFLICT, problems.to_string()).into_response())
            }
            Err(error) => Err(auth.refuse(error)),
        }
    }

    async fn log_in(State(accounts): State<Accounts>, typed: LogInForm<Credentials>) -> Result<Response, AuthError> {
        let Credentials { username, password, .. } = &typed.form;
        match accounts.verify_password(username, password, &typed.client_info()).await {
            Ok(user) => typed.log_in(user).await,
            Err(error) => Err(typed.refuse(error)),
        }
    }

    async fn reauthenticate(
        State(accounts): State<Accounts>,
        typed: ReauthenticationForm<Credentials>,
    ) -> Result<Response, AuthError> {
        match accounts.verify_password_of(typed.token(), &typed.form.password, &typed.client_info()).await {
            Ok(user) => typed.reauthenticate(user.id()).await,
            Err(error) => Err(typed.refuse(error)),
        }
    }

    async fn change_password(
        State(accounts): State<Accounts>,
        token: AccessToken,
        auth: Auth,
        Json(typed): Json<Passwords>,
    ) -> Result<Response, AuthError> {
        let changed = accounts.change_password(&token, typed.current, typed.new, &auth.client_info()).await;
        let ended = changed.map_err(|error| auth.refuse(error))?;
        Ok((auth.renew(ended).await?, "Changed.").into_response())
    }
}

mod in_actix_web {
    use actix_web::web::{Data, Json, ServiceConfig, get, post};
    use actix_web::{HttpRequest, HttpResponse, Responder};
    use hardtack_actix::{AccessToken, Auth, AuthError, Credentials, CurrentUser, LogInForm, ReauthenticationForm};

    use super::*;

    pub(super) fn routes(routes: &mut ServiceConfig, accounts: &Accounts) {
        routes
            .app_data(Data::new(accounts.clone()))
            .route("/join", post().to(sign_up))
            .route("/login", post().to(log_in))
            .route("/reauthenticate", post().to(reauthenticate))
            .route("/password", post().to(change_password))
            .route("/me", get().to(async |user: CurrentUser<User>| user.username.clone()));
    }

    async fn sign_up(
        accounts: Data<Accounts>,
        auth: Auth,
        typed: Json<Credentials>,
        request: HttpRequest,
    ) -> Result<HttpResponse, AuthError> {
        auth.require_pre_session()?;
        let Credentials { username, password, .. } = typed.into_inner();
        match accounts.sign_up_by(NewUser::named(username).password(password), &auth.client_info()).await {
            Ok(signed_up) => {
                Ok(auth.log_in(signed_up).await?.onto("Welcome!").respond_to(&request).map_into_boxed_body())
            }
            Err(ActionError::Invalid(problems)) => Ok(HttpResponse::Conflict().body(problems.to_string())),
            Err(error) => Err(auth.refuse(error)),
        }
    }

    async fn log_in(accounts: Data<Accounts>, typed: LogInForm<Credentials>) -> Result<HttpResponse, AuthError> {
        let Credentials { username, password, .. } = &typed.form;
        match accounts.verify_password(username, password, &typed.client_info()).await {
            Ok(user) => typed.log_in(user).await,
            Err(error) => Err(typed.refuse(error)),
        }
    }

    async fn reauthenticate(
        accounts: Data<Accounts>,
        typed: ReauthenticationForm<Credentials>,
    ) -> Result<HttpResponse, AuthError> {
        match accounts.verify_password_of(typed.token(), &typed.form.password, &typed.client_info()).await {
            Ok(user) => typed.reauthenticate(user.id()).await,
            Err(error) => Err(typed.refuse(error)),
        }
    }

    async fn change_password(
        accounts: Data<Accounts>,
        token: AccessToken,
        auth: Auth,
        typed: Json<Passwords>,
        request: HttpRequest,
    ) -> Result<HttpResponse, AuthError> {
        let Passwords { current, new } = typed.into_inner();
        let changed = accounts.change_password(&token, current, new, &auth.client_info()).await;
        let ended = changed.map_err(|error| auth.refuse(error))?;
        Ok(auth.renew(ended).await?.onto("Changed.").respond_to(&request).map_into_boxed_body())
    }
}

/// Uses the pages as a user does. The results are the same in both frameworks.
async fn visit(address: SocketAddr) {
    let join = async |client: &mut Client, password: &str| {
        let typed = json!({ "username": "alice", "password": password });
        client.post("/join").accept_json().json(&typed).send().await
    };
    let log_in = async |client: &mut Client, password: &str| -> Response {
        let typed = json!({ "username": "alice", "password": password });
        client.post("/login").accept_json().json(&typed).send().await
    };
    let mut first = Client::new(address);
    assert_eq!(join(&mut first, "short").await.status(), 409);
    assert_eq!(join(&mut first, PASSWORD).await.status(), 200);
    assert_eq!(first.get("/me").accept_json().send().await.text(), "alice");
    assert!(first.cookie("known_device").is_some());

    let mut second = Client::new(address);
    let refused = log_in(&mut second, "wrong").await;
    assert_eq!((refused.status().as_u16(), &refused.json()["code"]), (401, &json!("log_in_refused")));
    assert_eq!(refused.json()["detail"], "That user name and password do not match.");
    assert_eq!(second.cookie(ACCESS), None);
    let response = log_in(&mut second, PASSWORD).await;
    assert_eq!(response.status(), 200, "{}", response.text());

    let reauthenticate = async |client: &mut Client, password: &str| {
        let typed = json!({ "username": "alice", "password": password });
        client.post("/reauthenticate").accept_json().csrf().json(&typed).send().await.status().as_u16()
    };
    assert_eq!(reauthenticate(&mut second, "wrong").await, 401);
    assert_eq!(reauthenticate(&mut second, PASSWORD).await, 200);

    // The change logs out the first browser. The second browser stays logged in.
    let change = json!({ "current": PASSWORD, "new": NEW });
    let response = second.post("/password").accept_json().csrf().json(&change).send().await;
    assert_eq!((response.status().as_u16(), response.text()), (200, "Changed."));
    assert_eq!(second.get("/me").accept_json().send().await.text(), "alice");
    assert_eq!(first.get("/me").accept_json().send().await.status(), 401);

    // A stranger uses up the attempts of the account. The attempts of Alice's browsers remain.
    let mut stranger = Client::new(address);
    let mut checked = 0;
    let refused = loop {
        let response = log_in(&mut stranger, "wrong").await;
        if response.status() == 429 {
            break response;
        }
        checked += 1;
        assert!(response.status() == 401 && checked <= 10, "{}", response.text());
    };
    assert!(refused.header("retry-after").is_some());
    assert_eq!(log_in(&mut stranger, NEW).await.status(), 429);
    assert_eq!(log_in(&mut second, NEW).await.status(), 200);
}
