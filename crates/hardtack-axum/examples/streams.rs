//! A page that receives live messages in two ways: as an event stream and over a WebSocket. Both connections end when
//! the user's session ends.
//!
//! To try it, log in as alice and open the page in a second window of the same browser. If you log out in one window,
//! the other window shows the log-in page as well.

use std::convert::Infallible;
use std::time::Duration;

use axum::extract::ws::{CloseFrame, Message, WebSocket, WebSocketUpgrade, close_code};
use axum::response::sse::{Event, KeepAlive, Sse};
use axum::response::{Html, IntoResponse, Redirect, Response};
use axum::{Form, Router, http::StatusCode, routing::get, routing::post};
use futures_util::stream::{self, Stream, StreamExt};
use hardtack_axum::future::Ended;
use hardtack_axum::{Algorithm, SigningKey, prelude::*};

const DEMO_USER: [&str; 2] = ["alice", "correct horse battery staple"];

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    tracing_subscriber::fmt().init();
    let listener = tokio::net::TcpListener::bind(std::env::var("LISTEN").unwrap_or("127.0.0.1:3000".into())).await?;
    let site = format!("http://{}", listener.local_addr()?);
    let keys = KeySet::new(SigningKey::generate(Algorithm::HS256)?);
    let auth = Authenticator::builder(keys).base_url(&site).sessions(MemorySessions::new()).build()?;
    println!("Listening on {site}\ndemo user: {}", DEMO_USER.join(" / "));
    Ok(hardtack_axum::serve(listener, app(auth)).await?)
}

pub(crate) fn app(auth: Authenticator) -> Router {
    Router::new()
        .route("/", get(home))
        .route("/events", get(events))
        .route("/socket", get(socket))
        .route("/login", get(log_in_page).post(log_in))
        .route("/logout", post(log_out))
        .layer(AuthLayer::new(auth))
}

/// An event stream that ends when the token expires. The browser then connects again, and Hardtack refreshes the token.
async fn events(token: AccessToken, auth: Auth) -> Sse<impl Stream<Item = Result<Event, Infallible>>> {
    let events = messages().map(|text| Ok(Event::default().data(text)));
    Sse::new(events.take_until(auth.ended(&token))).keep_alive(KeepAlive::default())
}

/// A WebSocket. It may outlive the token, and ends with the session.
async fn socket(token: AccessToken, auth: Auth, upgrade: WebSocketUpgrade) -> Response {
    let ended = auth.ended_session(&token);
    upgrade.on_upgrade(|socket| talk(socket, ended))
}

async fn talk(mut socket: WebSocket, ended: Ended) {
    // Wait for `ended` even while a message is being sent: if the client does not read, `send` might never complete.
    tokio::select! {
        () = ended => {}
        () = send_messages(&mut socket) => return,
    }
    let close = CloseFrame { code: close_code::POLICY, reason: "Your session has ended.".into() };
    let _ = tokio::time::timeout(Duration::from_secs(1), socket.send(Message::Close(Some(close)))).await;
}

/// Sends messages until the client disconnects.
async fn send_messages(socket: &mut WebSocket) {
    let mut messages = std::pin::pin!(messages());
    loop {
        let sent = tokio::select! {
            received = socket.recv() => received.is_some_and(|message| message.is_ok()),
            Some(text) = messages.next() => socket.send(Message::Text(text.into())).await.is_ok(),
        };
        if !sent {
            return;
        }
    }
}

/// A message now, and one every second.
fn messages() -> impl Stream<Item = String> {
    stream::unfold(0, |count| async move {
        if count > 0 {
            tokio::time::sleep(Duration::from_secs(1)).await;
        }
        Some((format!("Message {count}"), count + 1))
    })
}

const SCRIPT: &str = "<ul id='events'></ul><ul id='socket'></ul><script>
    const show = (id, textContent) =>
        document.getElementById(id).append(Object.assign(document.createElement('li'), { textContent }));
    const events = new EventSource('/events');
    events.onmessage = (event) => show('events', event.data);
    // The server refused the new connection, so the user is no longer allowed to see this page either.
    events.onerror = () => events.readyState === EventSource.CLOSED && location.reload();
    const socket = new WebSocket('/socket');
    socket.onmessage = (event) => show('socket', event.data);
    socket.onclose = (event) => event.code === 1008 && location.reload();
</script>";

async fn home(token: AccessToken) -> Html<String> {
    let main = format!("{SCRIPT}<button formaction='/logout'>Log out</button>");
    page(&format!("Messages for {}", token.subject()), &token.csrf_token(), &main)
}

async fn log_in_page(auth: Auth) -> Result<(SetCookies, Html<String>), AuthError> {
    let (csrf_token, cookies) = auth.pre_session()?;
    let main = "<input name='username'> <input name='password' type='password'> <button>Log in</button>";
    Ok((cookies, page("Log in", &csrf_token, main)))
}

#[derive(serde::Deserialize)]
struct Credentials {
    username: String,
    password: String,
}

async fn log_in(auth: Auth, Form(typed): Form<Credentials>) -> Result<Response, AuthError> {
    auth.require_pre_session()?; // refuses forged forms before their password is checked
    if [typed.username.as_str(), &typed.password] != DEMO_USER {
        return Ok((StatusCode::UNAUTHORIZED, log_in_page(auth).await?).into_response());
    }
    Ok((auth.log_in(typed.username).await?, Redirect::to(&auth.next_or_home())).into_response())
}

async fn log_out(auth: Auth) -> Result<(SetCookies, Redirect), AuthError> {
    Ok((auth.log_out().await?, Redirect::to("/login")))
}

fn page(title: &str, csrf_token: &str, main: &str) -> Html<String> {
    let csrf = format!("<input type='hidden' name='csrf_token' value='{csrf_token}'>"); // checked by Hardtack
    Html(format!("<!doctype html><title>{title}</title><h1>{title}</h1><form method='post'>{csrf}{main}</form>"))
}
