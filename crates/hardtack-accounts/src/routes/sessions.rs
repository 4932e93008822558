//! `/account/sessions`: the devices that are logged in, and how to log them out.

use axum::Json;
use axum::extract::rejection::PathRejection;
use axum::extract::{Path, State};
use axum::response::{IntoResponse, Response};
use hardtack::SessionId;
use hardtack::clock::Timestamp;
use hardtack::request::Wants;
use hardtack::session::Session;
use hardtack_axum::{Auth, AuthError, CurrentUser};
use http::StatusCode;
use serde_json::{Value, json};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use super::{answer, visitor};
use crate::activity::Activity;
use crate::pages::{Device, Happening, Notice, NoticeKind, device_name, sessions};
use crate::site::Site;
use crate::users::User;

/// Where the forms lead back to.
const HERE: &str = "/account/sessions";

/// How much of what happened the page shows.
const SHOWN: u32 = 20;

pub(crate) async fn list(State(site): State<Site>, auth: Auth, user: CurrentUser<User>) -> Result<Response, AuthError> {
    let mut rows = auth.authenticator().sessions(&user.id).await.map_err(|error| auth.refuse(error))?;
    let here = user.token().session();
    // This device first, then as the store has them: the newest first.
    rows.sort_by_key(|row| Some(row.id) != here);
    if auth.wants() == Wants::Api {
        let devices: Vec<Value> = rows.iter().map(|row| as_json(row, here)).collect();
        return Ok(Json(json!({ "sessions": devices })).into_response());
    }
    let texts: Vec<Texts> = rows.iter().map(Texts::of).collect();
    let devices: Vec<Device<'_>> =
        rows.iter().zip(&texts).map(|(row, texts)| texts.device(Some(row.id) == here)).collect();
    let activity = site.accounts.activity(&user.id, SHOWN).await.map_err(|error| auth.refuse(error))?;
    let activity: Vec<Happening> = activity.iter().map(happening).collect();
    let notice = auth.query("done").map(|_| Notice { kind: NoticeKind::Success, text: "Logged out there." });
    let csrf_token = user.token().csrf_token();
    Ok(answer::page(StatusCode::OK, sessions(&visitor::shell_of(&user, notice), csrf_token, &devices, &activity)))
}

pub(crate) async fn revoke(
    auth: Auth,
    user: CurrentUser<User>,
    id: Result<Path<String>, PathRejection>,
) -> Result<Response, AuthError> {
    let wants = auth.wants();
    let ended = match id.ok().and_then(|Path(id)| id.parse::<SessionId>().ok()) {
        Some(id) => auth.authenticator().revoke_session(&user.id, id).await.map_err(|error| auth.refuse(error))?,
        None => false,
    };
    if !ended {
        let detail = "You have no such session. It may have ended already.";
        let shell = visitor::shell_of(&user, None);
        return Ok(answer::problem_in(&shell, wants, StatusCode::NOT_FOUND, "no_such_session", detail, &[]));
    }
    Ok(answer::done(wants, "/account/sessions?done=revoke", json!({ "revoked": 1 })))
}

pub(crate) async fn revoke_others(auth: Auth, user: CurrentUser<User>) -> Result<Response, AuthError> {
    let ended = match user.token().session() {
        Some(here) => {
            auth.authenticator().revoke_other_sessions(&user.id, here).await.map_err(|error| auth.refuse(error))?
        }
        None => 0,
    };
    let location = if ended > 0 { "/account/sessions?done=revoke" } else { HERE };
    Ok(answer::done(auth.wants(), location, json!({ "revoked": ended })))
}

fn as_json(row: &Session, here: Option<SessionId>) -> Value {
    json!({
        "id": row.id.to_string(),
        "current": Some(row.id) == here,
        "device": device_name(row.user_agent.as_deref().unwrap_or_default()),
        "user_agent": row.user_agent,
        "address": row.address,
        "created_at": row.created_at.unix_seconds(),
        "last_seen_at": row.rotated_at.unix_seconds(),
        "expires_at": row.expires_at.unix_seconds(),
    })
}

/// What a device's row says, as text.
struct Texts {
    id: String,
    agent: String,
    address: String,
    signed_in: (String, String),
    last_seen: (String, String),
}

impl Texts {
    fn of(row: &Session) -> Self {
        Self {
            id: row.id.to_string(),
            agent: device_name(row.user_agent.as_deref().unwrap_or_default()),
            address: row.address.clone().unwrap_or_else(|| "unknown address".to_owned()),
            signed_in: (minute_of(row.created_at), iso(row.created_at)),
            last_seen: (minute_of(row.rotated_at), iso(row.rotated_at)),
        }
    }

    fn device(&self, this_device: bool) -> Device<'_> {
        Device {
            id: &self.id,
            this_device,
            agent: &self.agent,
            address: &self.address,
            signed_in: &self.signed_in.0,
            signed_in_iso: &self.signed_in.1,
            last_seen: &self.last_seen.0,
            last_seen_iso: &self.last_seen.1,
        }
    }
}

fn happening(row: &Activity) -> Happening {
    Happening {
        what: row.kind.text(),
        grave: row.kind.is_grave(),
        at: minute_of(row.source.at),
        at_iso: iso(row.source.at),
        agent: row.source.user_agent.as_deref().map(device_name),
        address: row.source.address.clone(),
    }
}

fn iso(at: Timestamp) -> String {
    let time = OffsetDateTime::from_unix_timestamp(at.unix_seconds()).unwrap_or(OffsetDateTime::UNIX_EPOCH);
    time.format(&Rfc3339).unwrap_or_default()
}

/// `23 November 2026`.
pub(super) fn date_of(at: Timestamp) -> String {
    let time = OffsetDateTime::from_unix_timestamp(at.unix_seconds()).unwrap_or(OffsetDateTime::UNIX_EPOCH);
    format!("{} {} {}", time.day(), time.month(), time.year())
}

/// `23 Nov 2026, 14:05 UTC`: short enough for a line on a telephone.
fn minute_of(at: Timestamp) -> String {
    let time = OffsetDateTime::from_unix_timestamp(at.unix_seconds()).unwrap_or(OffsetDateTime::UNIX_EPOCH);
    let (day, month, year) = (time.day(), time.month().to_string(), time.year());
    format!("{day} {month:.3} {year}, {:02}:{:02} UTC", time.hour(), time.minute())
}
