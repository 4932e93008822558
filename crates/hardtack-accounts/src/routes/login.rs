//! `/login`.

use axum::extract::State;
use axum::response::{IntoResponse, Redirect, Response};
use hardtack::refusal::Reason;
use hardtack::request::Wants;
use hardtack::throttle::TooManyAttempts;
use hardtack_axum::{Auth, AuthError};
use http::StatusCode;
use serde_json::json;

use super::credentials::{CredentialsInput, LogInInput, require_own_form, show_form};
use super::{kept_form, link_used};
use crate::accounts::{Accounts, ActionError, VerifiedUser, WrongPassword};
use crate::extract::{FormOrJson, Visitor, done, next_or_home, own_query};
use crate::pages::{DoneView, FieldError, Notice, NoticeKind, Shell, done_page, login};
use crate::passwords::{PasswordProblem, TypedPassword};
use crate::respond;
use crate::site::Site;

/// The text is the same for an unknown name, a wrong password and a disabled user.
const NO_MATCH: &str = "That user name and password do not match.";

const KEPT: Notice<'_> = Notice {
    kind: NoticeKind::Info,
    text: "Your session has ended. We have kept what you typed, except passwords. Log in again to check and save your \
           changes.",
};

/// The notice if the user has logged in again and then goes back to this page, for example with the browser's Back
/// button.
const LOGGED_IN_SINCE: Notice<'_> = Notice {
    kind: NoticeKind::Info,
    text: "Your session had ended, but you are logged in now. Open the page that you want, or log in again.",
};

const CONTINUES_KEPT: Notice<'_> = Notice {
    kind: NoticeKind::Info,
    text: "We have kept what you typed, except passwords. Log in to check and save your changes.",
};

/// The title of the page that is shown after the browser has sent a form with replaced tokens. The browser might have
/// sent the form only once, in another tab, or twice, for example after a double click.
const SENT_TITLE: &str = "This form changed nothing";
const SENT: &str = "Your browser sent the form while your session was being renewed. Your session continues. If you \
                    pressed the button twice, the first press may already have taken effect. Otherwise, send the form \
                    again.";

/// The notices after a form whose token is not valid yet, because this server's clock is behind.
const EARLY: Notice<'_> = Notice {
    kind: NoticeKind::Info,
    text: "Nothing was changed. Your log-in is not valid here yet, because this server's clock is behind. Try again in a \
           moment, or log in again.",
};
const EARLY_KEPT: Notice<'_> = Notice {
    kind: NoticeKind::Info,
    text: "Nothing was changed. Your log-in is not valid here yet, because this server's clock is behind. We have kept \
           what you typed, except passwords. Open this page again in a moment, or log in again, to check and save your \
           changes.",
};

const NEEDED: Notice<'_> = Notice { kind: NoticeKind::Info, text: "Log in to open the page that you asked for." };

pub(crate) async fn show(State(site): State<Site>, auth: Auth, visitor: Visitor) -> Result<Response, AuthError> {
    let form = own_query(&auth, "form");
    let has_kept_form = kept_form::is_set(auth.headers(), &site);
    let ended = auth.query("ended").map(|_| match form.as_deref() {
        _ if visitor.is_logged_in() && !has_kept_form => LOGGED_IN_SINCE,
        Some("kept") => KEPT,
        Some("lost") => Notice {
            kind: NoticeKind::Info,
            text: "Your session has ended, so nothing was changed. Log in, then try again.",
        },
        _ if has_kept_form => KEPT,
        _ => Notice {
            kind: NoticeKind::Info,
            text: "Your session has ended. Log in again to continue where you left off.",
        },
    });
    // If this session's cookies have just been refused, do not redirect, because the next page would redirect back to
    // the log-in page. A link from another site, however, cannot make the log-in page claim that a session has ended.
    let shown_end = ended.filter(|_| !visitor.is_logged_in() || own_query(&auth, "ended").is_some());
    if visitor.is_logged_in() && ended.is_none() {
        // A link may have been used in a browser in which a different user is logged in.
        if let Some(notice) = done(&auth).filter(|done| done_text(done).is_some()) {
            // The home page of `hardtack serve` shows the result of following a link, even if a user is logged in.
            return Ok(match site.settings.is_demo {
                true => Redirect::to(&site.path(&format!("/?done={notice}"))).into_response(),
                false => link_used::message(&site, &auth, &notice).await,
            });
        }
        if form.as_deref() == Some("sent") {
            return Ok(already_sent(&site, &auth, &visitor));
        }
        let next = next_or_home(&site, &auth, auth.query("next").as_deref());
        return Ok(Redirect::to(&next).into_response());
    }
    let replaced = match form.as_deref() {
        Some("kept") => Some(CONTINUES_KEPT),
        Some("sent") => {
            // The request that renewed the session might have sent the same form.
            let text = "Your session was renewed, but your browser does not have the new session. If you sent the form \
                        twice, it may have been saved the first time. Log in to check. If you were changing your \
                        password, try your new password first.";
            Some(Notice { kind: NoticeKind::Info, text })
        }
        Some("early") => Some(EARLY),
        Some("early-kept") => Some(EARLY_KEPT),
        _ => None,
    };
    let done = done(&auth).and_then(|done| done_text(&done));
    let done = done.map(|text| Notice { kind: NoticeKind::Success, text });
    let input = CredentialsInput::from_query(&auth);
    let notice = shown_end
        .or(replaced)
        .or(done)
        .or_else(|| (!visitor.is_logged_in() && input.goes_on(&site, &auth)).then_some(NEEDED));
    show_form(&site, &auth, StatusCode::OK, &input, &[], visitor.shell(notice), login)
}

/// Responds with a page that says that the form that was sent changed nothing, and that the user's session continues.
fn already_sent(site: &Site, auth: &Auth, visitor: &Visitor) -> Response {
    let next = next_or_home(site, auth, auth.query("next").as_deref());
    let action = site.settings.own_path(&next).map(|path| (path, "Continue"));
    let view = DoneView { title: SENT_TITLE, text: SENT, action };
    respond::page(StatusCode::OK, done_page(&visitor.shell(None), &view))
}

/// Returns the shell for showing the form again with an error. The shell's notice still says why the user was sent to
/// the log-in page.
fn shell_of_failed<'s>(site: &'s Site, auth: &Auth, input: &CredentialsInput) -> Shell<'s> {
    let notice = match kept_form::is_set(auth.headers(), site) {
        // The session may continue: its tokens may have been replaced, or may not be valid yet.
        true => Some(CONTINUES_KEPT),
        false => input.goes_on(site, auth).then_some(NEEDED),
    };
    Shell { notice, ..Shell::unknown(&site.settings) }
}

/// Returns the text of the notice about what the user has just done on another page, such as choosing a new password.
/// `done` is the query parameter of the same name. Returns `None` if the value of `done` is unknown.
fn done_text(done: &str) -> Option<&'static str> {
    match done {
        "reset" => {
            Some("Your password has been changed and all devices have been logged out. Log in with your new password.")
        }
        "reset-soon" => Some(
            "Your password has been changed. All devices will be logged out within seconds. \
             Log in with your new password.",
        ),
        "undo" => Some(
            "Your email address has been restored and all devices have been logged out. If someone else changed the \
             address, that person knows your password. Choose a new password with “Forgot your password?”.",
        ),
        "undo-soon" => Some(
            "Your email address has been restored. All devices will be logged out within seconds. If someone else changed \
             the address, that person knows your password. Choose a new password with “Forgot your password?”.",
        ),
        "undo-password" => Some(
            "Your email address has been restored, your password has been changed, and all devices have been logged out. \
             Log in with your new password.",
        ),
        "undo-password-soon" => Some(
            "Your email address has been restored and your password has been changed. All devices will be logged out \
             within seconds. Log in with your new password.",
        ),
        "chosen" => Some("Your password is set. You can now log in with it."),
        "signup" => Some("Your account is ready. Log in with your user name and password."),
        _ => None,
    }
}

pub(crate) async fn submit(
    State(site): State<Site>,
    auth: Auth,
    FormOrJson(LogInInput(input)): FormOrJson<LogInInput>,
) -> Result<Response, AuthError> {
    let again = |shell: Shell<'_>| show_form(&site, &auth, StatusCode::FORBIDDEN, &input, &[], shell, login);
    if let Err(refused) = require_own_form(&site, &auth, again) {
        return *refused;
    }
    let wants = auth.wants();
    let password = match TypedPassword::new(input.password.clone()) {
        Ok(password) => password,
        Err(problem) => return too_long(&site, &auth, &input, problem),
    };
    let browser = site.accounts.browser(&auth.client_info());
    let (request, client) = (&browser.request, &browser.client);
    // The future is boxed to keep the handler's own future small while the handler waits for the body.
    match Box::pin(site.accounts.verify_log_in(&input.username, password, request, client)).await {
        Ok(verified) => {
            let user = VerifiedUser::new(Accounts::clone(&site.accounts), verified, Some(browser));
            let work = Box::pin(log_in(site.clone(), auth.clone(), input, user));
            site.run_uninterrupted(&auth, work).await
        }
        Err(ActionError::TooMany(refused)) => too_many(&site, &auth, &input, &refused),
        Err(error) => match respond::invalid_input(wants, error) {
            Ok(WrongPassword) => no_match(&site, &auth, &input),
            Err(response) => Ok(*response),
        },
    }
}

/// Logs in a user whose password has been verified. This future must run to completion even if the client disconnects:
/// if the password is changed or the user is disabled during the log-in, the future has to end the new session.
async fn log_in(
    site: Site,
    auth: Auth,
    input: CredentialsInput,
    verified: VerifiedUser,
) -> Result<Response, AuthError> {
    let user = site.accounts.find(verified.id()).await.map_err(|error| auth.refuse(error))?;
    let Some(user) = user else { return no_match(&site, &auth, &input) };
    // Do not wait for anything after the log-in. If the client disconnects before the log-in is complete, `Auth::log_in`
    // ends the session.
    match auth.log_in(input.log_in(verified, auth.wants())).await {
        Ok(cookies) => {
            let response = respond::success(auth.wants(), &input.next_or_home(&site, &auth), json!(user));
            Ok((cookies, response).into_response())
        }
        // While this log-in was in flight, the password was changed or the user was disabled.
        Err(error) if matches!(error.failure().reason(), Reason::LogInRefused(_)) => no_match(&site, &auth, &input),
        Err(error) => Err(error),
    }
}

/// Returns the response to a log-in after too many attempts. A browser gets the log-in form with an error, as it does
/// after a wrong password.
fn too_many(
    site: &Site,
    auth: &Auth,
    input: &CredentialsInput,
    refused: &TooManyAttempts,
) -> Result<Response, AuthError> {
    let (wait, administrator) = (refused.wait(), site.administrator());
    // The text is the same for every name, so it cannot say whether this user has confirmed an address.
    let text = match site.accounts.sends_mail() {
        true => format!(
            "Too many attempts. Try again in {wait}. You can also set a new password: by email if you have confirmed an \
             address, or with a link from {administrator}."
        ),
        false => {
            format!("Too many attempts. Try again in {wait}, or ask {administrator} for a link to set a new password.")
        }
    };
    let status = StatusCode::TOO_MANY_REQUESTS;
    let response = match auth.wants() {
        Wants::Page => {
            let errors = [FieldError { field: "", text: &text }];
            show_form(site, auth, status, input, &errors, shell_of_failed(site, auth, input), login)?
        }
        wants => respond::problem(wants, status, "too_many_attempts", &text, &[]),
    };
    Ok(respond::retry_after(response, refused))
}

/// Returns the response to a password that is too long. This response is sent before the user is looked up, so it is
/// the same for every name.
fn too_long(
    site: &Site,
    auth: &Auth,
    input: &CredentialsInput,
    problem: PasswordProblem,
) -> Result<Response, AuthError> {
    let text = problem.to_string();
    let errors = [FieldError { field: "password", text: &text }];
    if auth.wants() == Wants::Page {
        let shell = shell_of_failed(site, auth, input);
        return show_form(site, auth, StatusCode::UNPROCESSABLE_ENTITY, input, &errors, shell, login);
    }
    Ok(respond::invalid_fields(auth.wants(), &errors))
}

fn no_match(site: &Site, auth: &Auth, input: &CredentialsInput) -> Result<Response, AuthError> {
    let errors = [FieldError { field: "", text: NO_MATCH }];
    if auth.wants() == Wants::Page {
        return show_form(
            site,
            auth,
            StatusCode::UNAUTHORIZED,
            input,
            &errors,
            shell_of_failed(site, auth, input),
            login,
        );
    }
    Ok(respond::problem(auth.wants(), StatusCode::UNAUTHORIZED, "wrong_credentials", NO_MATCH, &[]))
}
