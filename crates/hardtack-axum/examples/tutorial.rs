//! The application of the tutorial "Using JWT in cookies with a Flask app and RESTful API", written with axum.
//!
//! Run it with `cargo run -p hardtack-axum --example tutorial` and open <http://127.0.0.1:8080>. Log in as `alice` with
//! the password `correct horse`, or as `bob` with `battery staple`.
//!
//! The example reads the environment variables `LISTEN`, `JWT_SECRET_KEY`, `JWT_ACCESS_TOKEN_EXPIRES` (seconds) and
//! `REFRESH` (`transparent` or `redirect`).

pub(crate) mod people;

use std::{env, time::Duration};

use axum::response::{Html, IntoResponse, Redirect, Response};
use axum::{Form, Router, extract::State, http::StatusCode, routing::get, routing::post};
use hardtack_axum::{Algorithm, RefreshMode, SigningKey, prelude::*};
use maud::{DOCTYPE, Markup, html};
use people::{People, Person};

type Result<T = Response> = std::result::Result<T, AuthError>;

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

/// For everyone.
async fn index(token: Option<AccessToken>) -> Html<String> {
    let name = token.as_ref().map_or("nobody", |token| token.subject());
    page("Welcome", token.as_deref(), html! { p { "You are " (name) "." } })
}

/// For logged-in users.
async fn service(person: CurrentUser<Person>) -> Html<String> {
    page("Service", Some(person.token()), html! { p { "At your service, " (person.nickname) "." } })
}

/// For users who entered their password recently.
async fn account(token: FreshAccessToken, person: CurrentUser<Person>) -> Html<String> {
    let nickname = [("Nickname", "nickname", person.nickname.as_str())];
    page("Account", Some(&token), form("/account/change_settings", &token.csrf_token(), &nickname, "Save"))
}

#[derive(serde::Deserialize)]
struct Settings {
    nickname: String,
}

async fn change_settings(token: FreshAccessToken, State(people): State<People>, Form(new): Form<Settings>) -> Redirect {
    people.rename(token.subject(), new.nickname).await;
    Redirect::to("/account")
}

#[derive(serde::Deserialize)]
struct Credentials {
    username: String,
    password: String,
}

async fn login_form(auth: Auth) -> Result<impl IntoResponse> {
    let (csrf_token, cookies) = auth.pre_session()?;
    let notice = if auth.query("ended").is_some() { "Your session has ended." } else { "" };
    let form = form("", &csrf_token, &[("Name", "username", ""), ("Password", "password", "")], "Log in");
    Ok((cookies, page("Log in", None, html! { p { (notice) } (form) })))
}

async fn log_in(auth: Auth, State(people): State<People>, Form(form): Form<Credentials>) -> Result {
    auth.require_pre_session()?; // refuses forged forms before their password is checked
    Ok(match people.check(&form.username, &form.password).await {
        Some(person) => (auth.log_in(person.name).await?, Redirect::to(&auth.next_or_home())).into_response(),
        None => (StatusCode::UNAUTHORIZED, login_form(auth).await?).into_response(),
    })
}

async fn log_out(auth: Auth) -> Result<impl IntoResponse> {
    Ok((auth.log_out().await?, Redirect::to("/")))
}

async fn password_form(token: AccessToken) -> Html<String> {
    let again = [("Name", "username", token.subject()), ("Password", "password", "")];
    page("Your password again", Some(&token), form("", &token.csrf_token(), &again, "Continue"))
}

async fn reauthenticate(auth: Auth, token: AccessToken, people: State<People>, form: Form<Credentials>) -> Result {
    Ok(match people.check(&form.username, &form.password).await {
        Some(person) => (auth.reauthenticate(&person.name).await?, Redirect::to(&auth.next_or_home())).into_response(),
        None => (StatusCode::UNAUTHORIZED, password_form(token).await).into_response(),
    })
}

async fn refresh(auth: Auth) -> Result {
    auth.refresh_and_return().await
}

/// Renders a form. Each field is a label, a name and a value. If `action` is empty, the browser posts the form to the
/// page's own URL. The query of this URL can contain `next`.
fn form(action: &str, csrf_token: &str, fields: &[(&str, &str, &str)], button: &str) -> Markup {
    html! {
        form method="post" action=[(!action.is_empty()).then_some(action)] {
            input type="hidden" name="csrf_token" value=(csrf_token);
            @for (label, name, value) in fields {
                label { (label) " " input name=(name) type=(if *name == "password" { "password" } else { "text" }) value=(value); } " "
            }
            button { (button) }
        }
    }
}

/// Renders a page. The template escapes all values.
fn page(title: &str, token: Option<&VerifiedToken>, main: Markup) -> Html<String> {
    let log_out = token.map(|token| form("/logout", &token.csrf_token(), &[], "Log out"));
    let document = html! {
        (DOCTYPE)
        html lang="en" {
            head { meta charset="utf-8"; meta name="viewport" content="width=device-width"; title { (title) } }
            nav { a href="/" { "Home" } " " a href="/service" { "Service" } " " a href="/account" { "Account" } }
            (log_out.unwrap_or_else(|| html! { a href="/login" { "Log in" } }))
            main { h1 { (title) } (main) }
        }
    };
    Html(document.into_string())
}

#[tokio::main]
async fn main() -> std::result::Result<(), Box<dyn std::error::Error>> {
    let listen = env::var("LISTEN").unwrap_or_else(|_| "127.0.0.1:8080".to_owned());
    let keys = match env::var_os("JWT_SECRET_KEY") {
        Some(_) => KeySet::from_secret_env("JWT_SECRET_KEY")?,
        None => {
            println!("JWT_SECRET_KEY is not set: tokens are signed with a new key, so a restart logs every user out.");
            KeySet::new(SigningKey::generate(Algorithm::HS256)?)
        }
    };
    let mut auth = Authenticator::builder(keys).base_url(format!("http://{listen}")).sessions(MemorySessions::new());
    if env::var("REFRESH").is_ok_and(|mode| mode == "redirect") {
        auth = auth.refresh_mode(RefreshMode::Redirect);
    }
    if let Ok(seconds) = env::var("JWT_ACCESS_TOKEN_EXPIRES") {
        auth = auth.access_lifetime(Duration::from_secs(seconds.parse()?));
    }
    let (app, listener) = (app(auth.build()?, People::new()?), tokio::net::TcpListener::bind(&listen).await?);
    println!("Listening on http://{listen}");
    Ok(hardtack_axum::serve(listener, app).await?)
}
