//! `/account/activity`: the user's recent activity, as JSON.

use axum::Json;
use axum::extract::State;
use axum::response::{IntoResponse, Redirect, Response};
use hardtack::request::Wants;
use hardtack_axum::{Auth, AuthError, CurrentUser};
use serde_json::{Value, json};

use crate::activity::Activity;
use crate::pages::device_name;
use crate::site::Site;
use crate::users::User;

/// The maximum number of failed log-ins in a response. Failed log-ins have a separate limit, so they cannot push out
/// other rows.
const MAX_FAILED: u32 = 20;

/// The maximum number of rows in a response, not counting failed log-ins.
const MAX_OTHERS: u32 = 100;

pub(crate) async fn list(State(site): State<Site>, auth: Auth, user: CurrentUser<User>) -> Result<Response, AuthError> {
    if auth.wants() != Wants::Api {
        return Ok(Redirect::to(&site.path("/account/sessions")).into_response());
    }
    let rows = site.accounts.activity(&user.id, MAX_FAILED, MAX_OTHERS).await;
    let rows = rows.map_err(|error| auth.refuse(error))?;
    let rows: Vec<Value> = rows.iter().map(to_json).collect();
    Ok(Json(json!({ "activity": rows })).into_response())
}

fn to_json(row: &Activity) -> Value {
    json!({
        "kind": row.kind.name(),
        "at": row.request.at.unix_seconds(),
        "session": row.session,
        "device": row.request.user_agent.as_deref().map(device_name),
        "user_agent": row.request.user_agent,
        "address": row.request.address,
    })
}
