//! `/account/sessions`: lists the user's sessions and ends them.

use axum::Json;
use axum::extract::rejection::PathRejection;
use axum::extract::{FromRequest, Path, Request, State};
use axum::response::{IntoResponse, Response};
use hardtack::adapter::CLEAR_CACHE;
use hardtack::clock::Timestamp;
use hardtack::request::Wants;
use hardtack::session::{Session, SessionCursor};
use hardtack::{BackendError, SessionId};
use hardtack_axum::{Auth, AuthError, CurrentUser, FreshAccessToken};
use http::StatusCode;
use serde_json::{Value, json};

use super::activity_rows::activity_rows;
use super::fresh::{AfterProof, ask_for_password};
use crate::activity::MAX_FAILED_LOG_INS;
use crate::extract::{AccountForm, NoInput, SentForm, done, shell_of};
use crate::pages::{DevicePage, DeviceRow, Notice, NoticeKind, TimeText, device_name, sessions};
use crate::respond;
use crate::site::Site;
use crate::users::User;

const NOTHING_LOGGED_OUT: &str = "Nothing has been logged out yet. Choose again which devices to log out.";

/// The maximum number of activity rows on the page, not counting failed log-ins.
const MAX_ACTIVITY: u32 = 20;

pub(crate) async fn list(State(site): State<Site>, auth: Auth, user: CurrentUser<User>) -> Result<Response, AuthError> {
    if auth.wants() == Wants::Api {
        let current = user.token().session();
        let after = auth.query("after").and_then(|after| after.parse().ok());
        let (rows, next) = page_of(&auth, &user.id, current, after).await.map_err(|error| auth.refuse(error))?;
        let next = next.map(|next| next.to_string());
        let rows: Vec<Value> = rows.iter().map(|row| to_json(row, current)).collect();
        return Ok(Json(json!({ "sessions": rows, "next": next })).into_response());
    }
    let notice = match done(&auth).as_deref() {
        Some("proof") => Some(Notice { kind: NoticeKind::Info, text: NOTHING_LOGGED_OUT }),
        Some("revoke") => Some(Notice { kind: NoticeKind::Success, text: "The device has been logged out." }),
        Some("revoke-others") => {
            Some(Notice { kind: NoticeKind::Success, text: "All other devices have been logged out." })
        }
        _ => None,
    };
    show(&site, &auth, &user, StatusCode::OK, notice).await
}

/// Responds with the page.
async fn show(
    site: &Site,
    auth: &Auth,
    user: &CurrentUser<User>,
    status: StatusCode,
    notice: Option<Notice<'_>>,
) -> Result<Response, AuthError> {
    let (current, now) = (user.token().session(), auth.authenticator().now());
    let after = auth.query("after").and_then(|after| after.parse().ok());
    let (rows, next) = page_of(auth, &user.id, current, after).await.map_err(|error| auth.refuse(error))?;
    let rows: Vec<DeviceRow> = rows.iter().map(|row| device_row(row, current, now)).collect();
    let devices = DevicePage { rows, is_first: after.is_none(), next: next.map(|next| next.to_string()) };
    let activity = site.accounts.activity(&user.id, MAX_FAILED_LOG_INS, MAX_ACTIVITY).await;
    let activity = activity_rows(&activity.map_err(|error| auth.refuse(error))?, now);
    let page = sessions(&shell_of(&site.settings, user, notice), &user.token().csrf_token(), &devices, &activity);
    Ok(respond::page_with_times(status, page))
}

/// A form whose button logs out one device or all other devices. The form has no inputs for the user to fill in.
pub(crate) struct DeviceForm;

impl AccountForm for DeviceForm {
    const PAGE: &'static str = "/account/sessions";
    const UNCHANGED: Option<&'static str> = Some("proof");
    const OUT_OF_DATE: &'static str =
        "Nothing was changed, so no device has been logged out. Choose again which devices to log out.";

    async fn read(request: Request, site: &Site) -> Result<Self, Response> {
        NoInput::from_request(request, site).await.map(|NoInput| Self)
    }

    async fn show_again(
        self,
        site: &Site,
        auth: &Auth,
        user: &CurrentUser<User>,
        notice: Notice<'_>,
    ) -> Result<Response, AuthError> {
        show(site, auth, user, StatusCode::FORBIDDEN, Some(notice)).await
    }
}

/// Returns one page of the user's sessions, and the position of the next page. The current session comes first,
/// followed by the other sessions, newest first.
async fn page_of(
    auth: &Auth,
    user_id: &str,
    current: Option<SessionId>,
    after: Option<SessionCursor>,
) -> Result<(Vec<Session>, Option<SessionCursor>), BackendError> {
    let authenticator = auth.authenticator();
    let page = authenticator.sessions_page(user_id, after).await?;
    let mut rows = Vec::new();
    if let (Some(id), None) = (current, after) {
        rows.extend(authenticator.session(user_id, id).await?);
    }
    rows.extend(page.sessions.into_iter().filter(|row| Some(row.id) != current));
    Ok((rows, page.next))
}

/// Ends one session. To end a session other than the current one, the user must have logged in recently (ASVS 5.0
/// V7.5.2), so that a thief who has copied an older cookie cannot log out the user's other devices.
pub(crate) async fn revoke(
    State(site): State<Site>,
    auth: Auth,
    fresh: Result<FreshAccessToken, AuthError>,
    id: Result<Path<String>, PathRejection>,
    SentForm { user, .. }: SentForm<DeviceForm>,
) -> Result<Response, AuthError> {
    let id = id.ok().and_then(|Path(id)| id.parse::<SessionId>().ok());
    if let Err(error) = fresh
        && id.is_none_or(|id| Some(id) != user.token().session())
    {
        return ask_for_password(&site, &auth, error, AfterProof::Devices);
    }
    let work = Box::pin(end_one(site.clone(), auth.clone(), user, id));
    site.run_uninterrupted(&auth, work).await
}

async fn end_one(
    site: Site,
    auth: Auth,
    user: CurrentUser<User>,
    id: Option<SessionId>,
) -> Result<Response, AuthError> {
    let wants = auth.wants();
    let ended = match id {
        // This is the current session. End it even if the store has lost its row.
        Some(id) if Some(id) == user.token().session() => {
            auth.authenticator().revoke_session_of(user.token()).await.map_err(|error| auth.refuse(error))?;
            true
        }
        Some(id) => auth.authenticator().revoke_session(&user.id, id).await.map_err(|error| auth.refuse(error))?,
        None => false,
    };
    if !ended {
        let status = StatusCode::NOT_FOUND;
        if wants == Wants::Page {
            let text = "That device was already logged out. These devices are still logged in.";
            let notice = Notice { kind: NoticeKind::Info, text };
            return show(&site, &auth, &user, status, Some(notice)).await;
        }
        let detail = "You have no session with this id. The session may have ended already.";
        return Ok(respond::problem(wants, status, "no_such_session", detail, &[]));
    }
    Ok(respond::success(wants, &site.path("/account/sessions?done=revoke"), json!({ "revoked": 1 })))
}

pub(crate) async fn revoke_others(
    State(site): State<Site>,
    auth: Auth,
    fresh: Result<FreshAccessToken, AuthError>,
    SentForm { user, .. }: SentForm<DeviceForm>,
) -> Result<Response, AuthError> {
    if let Err(error) = fresh {
        return ask_for_password(&site, &auth, error, AfterProof::Devices);
    }
    let work = Box::pin(end_others(site.clone(), auth.clone(), user));
    site.run_uninterrupted(&auth, work).await
}

async fn end_others(site: Site, auth: Auth, user: CurrentUser<User>) -> Result<Response, AuthError> {
    let ended = match user.token().session() {
        Some(current) => {
            auth.authenticator().revoke_other_sessions(&user.id, current).await.map_err(|error| auth.refuse(error))?
        }
        None => 0,
    };
    let location = "/account/sessions?done=revoke-others";
    let clear = [("clear-site-data", CLEAR_CACHE)];
    Ok((clear, respond::success(auth.wants(), &site.path(location), json!({ "revoked": ended }))).into_response())
}

fn to_json(row: &Session, current: Option<SessionId>) -> Value {
    json!({
        "id": row.id.to_string(),
        "current": Some(row.id) == current,
        "device": device_name(row.user_agent.as_deref().unwrap_or_default()),
        "user_agent": row.user_agent,
        "address": row.address,
        "created_at": row.created_at.unix_seconds(),
        "last_seen_at": row.rotated_at.unix_seconds(),
        "expires_at": row.expires_at.unix_seconds(),
        "bound_at": row.bound_at.map(Timestamp::unix_seconds),
    })
}

fn device_row(row: &Session, current: Option<SessionId>, now: Timestamp) -> DeviceRow {
    DeviceRow {
        id: row.id.to_string(),
        is_current: Some(row.id) == current,
        is_bound: row.bound_at.is_some(),
        device: device_name(row.user_agent.as_deref().unwrap_or_default()),
        address: row.address.clone(),
        logged_in_at: TimeText::new(row.created_at, now),
        last_seen_at: TimeText::new(row.rotated_at, now),
    }
}
