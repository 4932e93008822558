//! The application of the tutorial "Using JWT in cookies with a Flask app and RESTful API", written with actix-web.
//!
//! Run it with `cargo run -p hardtack-actix --example tutorial` and open <http://127.0.0.1:8080>. Log in as `alice`
//! with the password `correct horse`, or as `bob` with `battery staple`.
//!
//! The example reads the environment variables `LISTEN`, `JWT_SECRET_KEY`, `JWT_ACCESS_TOKEN_EXPIRES` (seconds) and
//! `REFRESH` (`transparent` or `redirect`).

// This module defines the same users as in the axum tutorial.
#[path = "../../hardtack-axum/examples/people/mod.rs"]
pub(crate) mod people;

use std::{borrow::Cow, env, time::Duration};

use actix_web::http::StatusCode;
use actix_web::web::{self, Data, Form, Html, Redirect, ServiceConfig};
use actix_web::{App, Either, HttpResponse, HttpServer, Responder};
use hardtack_actix::{Algorithm, RefreshMode, SigningKey, prelude::*};
use maud::{DOCTYPE, Markup, html};
use people::{People, Person};

pub(crate) fn routes(app: &mut ServiceConfig) {
    app.service(web::resource("/").get(index))
        .service(web::resource("/login").get(login_form).post(log_in))
        .service(web::resource("/logout").post(log_out))
        .service(web::resource("/service").get(service))
        .service(web::resource("/account").get(account))
        .service(web::resource("/account/change_settings").post(change_settings))
        .service(web::resource("/reauthenticate").get(password_form).post(reauthenticate))
        .service(web::resource("/token/refresh").get(refresh).post(refresh));
}

/// For everyone.
async fn index(Optional(token): Optional<AccessToken>) -> Html {
    let name = token.as_ref().map_or("nobody", |token| token.subject());
    page("Welcome", token.as_deref(), html! { p { "You are " (name) "." } })
}

/// For logged-in users.
async fn service(person: CurrentUser<Person>) -> Html {
    page("Service", Some(person.token()), html! { p { "At your service, " (person.nickname) "." } })
}

/// For users who entered their password recently.
async fn account(token: FreshAccessToken, person: CurrentUser<Person>) -> Html {
    let nickname = [("Nickname", "nickname", person.nickname.as_str())];
    page("Account", Some(&token), form("/account/change_settings", &token.csrf_token(), &nickname, "Save"))
}

#[derive(serde::Deserialize)]
struct Settings {
    nickname: String,
}

async fn change_settings(token: FreshAccessToken, people: Data<People>, Form(new): Form<Settings>) -> Redirect {
    people.rename(token.subject(), new.nickname).await;
    see_other("/account")
}

#[derive(serde::Deserialize)]
struct Credentials {
    username: String,
    password: String,
}

async fn login_form(auth: Auth) -> Result<impl Responder, AuthError> {
    let (csrf_token, cookies) = auth.pre_session()?;
    let notice = if auth.query("ended").is_some() { "Your session has ended." } else { "" };
    let form = form("", &csrf_token, &[("Name", "username", ""), ("Password", "password", "")], "Log in");
    Ok(cookies.onto(page("Log in", None, html! { p { (notice) } (form) })))
}

async fn log_in(auth: Auth, people: Data<People>, Form(form): Form<Credentials>) -> Result<impl Responder, AuthError> {
    auth.require_pre_session()?; // refuses forged forms before their password is checked
    Ok(match people.check(&form.username, &form.password).await {
        Some(person) => Either::Left(auth.log_in(person.name).await?.onto(see_other(auth.next_or_home()))),
        None => Either::Right((login_form(auth).await?, StatusCode::UNAUTHORIZED)),
    })
}

async fn log_out(auth: Auth) -> Result<impl Responder, AuthError> {
    Ok(auth.log_out().await?.onto(see_other("/")))
}

async fn password_form(token: AccessToken) -> Html {
    let again = [("Name", "username", token.subject()), ("Password", "password", "")];
    page("Your password again", Some(&token), form("", &token.csrf_token(), &again, "Continue"))
}

async fn reauthenticate(
    auth: Auth,
    token: AccessToken,
    people: Data<People>,
    Form(form): Form<Credentials>,
) -> Result<impl Responder, AuthError> {
    Ok(match people.check(&form.username, &form.password).await {
        Some(person) => Either::Left(auth.reauthenticate(&person.name).await?.onto(see_other(auth.next_or_home()))),
        None => Either::Right((password_form(token).await, StatusCode::UNAUTHORIZED)),
    })
}

async fn refresh(auth: Auth) -> Result<HttpResponse, AuthError> {
    auth.refresh_and_return().await
}

/// Redirects with 303. `Redirect::to` alone responds with 307, and the browser would then post the form again to the
/// new URL.
fn see_other(to: impl Into<Cow<'static, str>>) -> Redirect {
    Redirect::to(to).see_other()
}

/// Renders a form. Each field is a label, a name and a value. If `action` is empty, the browser posts the form to the
/// page's own URL, whose query may contain `next`.
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
fn page(title: &str, token: Option<&VerifiedToken>, main: Markup) -> Html {
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
    Html::new(document.into_string())
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
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
    let (auth, people) = (auth.build()?, Data::new(People::new()?));
    let app = move || App::new().app_data(people.clone()).configure(routes).wrap(AuthLayer::new(auth.clone()));
    let server = HttpServer::new(app).bind(&listen)?;
    println!("Listening on http://{listen}");
    Ok(server.run().await?)
}
