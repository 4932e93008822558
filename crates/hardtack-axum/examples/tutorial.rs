//! The tutorial "Using JWT in cookies with a Flask app and RESTful API", in axum: log in once, stay logged
//! in, and type the password again before settings change.
//!
//! ```text
//! cargo run -p hardtack-axum --example tutorial
//! ```
//!
//! Then open <http://127.0.0.1:8080>; `alice` logs in with `correct horse`, `bob` with `battery staple`.
//! The environment may set `LISTEN`, `JWT_SECRET_KEY`, `JWT_ACCESS_TOKEN_EXPIRES` (seconds) and `REFRESH`
//! (`transparent` or `redirect`).

mod people;

use std::{env, time::Duration};

use axum::extract::{Form, RawQuery, State};
use axum::http::StatusCode;
use axum::response::{Html, IntoResponse, Redirect, Response};
use axum::{Router, routing::get, routing::post};
use hardtack::{Authenticator, KeySet, MemorySessions, RefreshMode, SigningKey, VerifiedToken, jwt::Algorithm};
use hardtack_axum::{AccessToken, Auth, AuthError, AuthLayer, CurrentUser, FreshAccessToken};
use maud::{DOCTYPE, Markup, html};
use people::{People, Person};
use serde::Deserialize;

pub(crate) fn app(auth: Authenticator, people: People) -> Router {
    Router::new()
        .route("/", get(index))
        .route("/login", get(login_form).post(log_in))
        .route("/logout", post(log_out))
        .route("/service", get(service))
        .route("/account", get(account))
        .route("/account/change_settings", post(change_settings))
        .route("/reauthenticate", get(password_form).post(reauthenticate))
        .route("/token/refresh", get(refresh).post(refresh))
        .layer(AuthLayer::new(auth))
        .with_state(people)
}

/// For anyone.
async fn index(token: Option<AccessToken>) -> Html<String> {
    let name = token.as_ref().map_or("nobody", |token| token.subject());
    page("Welcome", token.as_deref(), html! { p { "You are " strong { (name) } "." } })
}

/// For whoever is logged in.
async fn service(person: CurrentUser<Person>) -> Html<String> {
    page("Service", Some(person.token()), html! { p { "At your service, " (person.nickname) "." } })
}

/// For whoever typed the password recently.
async fn account(token: FreshAccessToken, person: CurrentUser<Person>) -> Html<String> {
    let form = html! {
        form method="post" action="/account/change_settings" {
            (csrf_field(token.csrf_token()))
            label { "Nickname " input name="nickname" value=(person.nickname) required; }
            button { "Save" }
        }
    };
    page("Account", Some(&token), form)
}

#[derive(Deserialize)]
struct Settings {
    nickname: String,
}

async fn change_settings(token: FreshAccessToken, State(people): State<People>, Form(new): Form<Settings>) -> Redirect {
    people.rename(token.subject(), new.nickname).await;
    Redirect::to("/account")
}

#[derive(Deserialize)]
struct Credentials {
    username: String,
    password: String,
}

async fn login_form(auth: Auth, RawQuery(query): RawQuery) -> Result<impl IntoResponse, AuthError> {
    let ended = query.is_some_and(|query| query.split('&').any(|pair| pair == "ended=1"));
    login_page(&auth, if ended { "Your session has ended." } else { "" })
}

async fn log_in(auth: Auth, State(people): State<People>, Form(form): Form<Credentials>) -> Result<Response, AuthError> {
    // Before the password is looked at: only our own form may try one.
    auth.require_pre_session()?;
    Ok(match people.check(&form.username, form.password).await {
        Some(person) => (auth.log_in(person.name).await?, Redirect::to(&auth.next_or_home())).into_response(),
        None => (StatusCode::UNAUTHORIZED, login_page(&auth, "Name and password do not match.")?).into_response(),
    })
}

fn login_page(auth: &Auth, notice: &str) -> Result<impl IntoResponse + use<>, AuthError> {
    let (csrf_token, cookies) = auth.pre_session()?;
    // Without an action, a form goes to the page's own URL, and so keeps its `next`.
    let form = html! {
        p { (notice) }
        form method="post" {
            (csrf_field(&csrf_token))
            label { "Name " input name="username" autocomplete="username" required; }
            label { "Password " input name="password" type="password" autocomplete="current-password" required; }
            button { "Log in" }
        }
    };
    Ok((cookies, page("Log in", None, form)))
}

async fn log_out(auth: Auth) -> Result<impl IntoResponse, AuthError> {
    Ok((auth.log_out().await?, Redirect::to("/")))
}

#[derive(Deserialize)]
struct Password {
    password: String,
}

async fn password_form(token: AccessToken) -> Html<String> {
    let form = html! {
        form method="post" {
            (csrf_field(token.csrf_token()))
            label { "Password of " (token.subject()) " "
                input name="password" type="password" autocomplete="current-password" required; }
            button { "Continue" }
        }
    };
    page("Type your password again", Some(&token), form)
}

async fn reauthenticate(
    auth: Auth,
    token: AccessToken,
    State(people): State<People>,
    Form(form): Form<Password>,
) -> Result<Response, AuthError> {
    Ok(match people.check(token.subject(), form.password).await {
        Some(person) => (auth.reauthenticate(&person.name).await?, Redirect::to(&auth.next_or_home())).into_response(),
        None => (StatusCode::UNAUTHORIZED, password_form(token).await).into_response(),
    })
}

async fn refresh(auth: Auth) -> Result<Response, AuthError> {
    auth.refresh_and_return().await
}

fn csrf_field(value: &str) -> Markup {
    html! { input type="hidden" name="csrf_token" value=(value); }
}

/// What every page has around it. The template escapes whatever is put into it.
fn page(title: &str, token: Option<&VerifiedToken>, main: Markup) -> Html<String> {
    let document = html! {
        (DOCTYPE)
        html lang="en" {
            head { meta charset="utf-8"; meta name="viewport" content="width=device-width"; title { (title) } }
            body {
                nav { a href="/" { "Home" } " " a href="/service" { "Service" } " " a href="/account" { "Account" } }
                @match token {
                    Some(token) => form method="post" action="/logout" {
                        (csrf_field(token.csrf_token()))
                        button { "Log out " (token.subject()) }
                    },
                    None => p { a href="/login" { "Log in" } },
                }
                main { h1 { (title) } (main) }
            }
        }
    };
    Html(document.into_string())
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let listen = env::var("LISTEN").unwrap_or_else(|_| "127.0.0.1:8080".to_owned());
    let keys = if env::var_os("JWT_SECRET_KEY").is_some() {
        KeySet::from_secret_env("JWT_SECRET_KEY")?
    } else {
        println!("JWT_SECRET_KEY is not set: signing with a key made just now; a restart logs everybody out.");
        KeySet::new(SigningKey::generate(Algorithm::HS256)?)
    };
    let mode = match env::var("REFRESH").as_deref() {
        Ok("redirect") => RefreshMode::Redirect,
        Ok("transparent") | Err(_) => RefreshMode::Transparent,
        Ok(other) => return Err(format!("REFRESH is {other:?}; expected transparent or redirect").into()),
    };
    let mut auth = Authenticator::builder(keys)
        .base_url(&format!("http://{listen}"))
        .sessions(MemorySessions::new())
        .refresh_mode(mode);
    if let Ok(seconds) = env::var("JWT_ACCESS_TOKEN_EXPIRES") {
        auth = auth.access_lifetime(Duration::from_secs(seconds.parse()?));
    }
    let listener = tokio::net::TcpListener::bind(&listen).await?;
    println!("Listening on http://{}", listener.local_addr()?);
    axum::serve(listener, app(auth.build()?, People::new()?)).await?;
    Ok(())
}
