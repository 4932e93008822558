//! Tests for properties that every page's HTML must have.

use std::sync::LazyLock;

use maud::Markup;

use super::*;
use crate::settings::SiteSettings;

const HOSTILE: &str = r#""><script>alert('x')</script>&<b onmouseover="y">"#;

static SITE: LazyLock<SiteSettings> = LazyLock::new(SiteSettings::demo);

static VIEWER: LazyLock<Shell<'static>> = LazyLock::new(|| Shell {
    site: &SITE,
    viewer: Some(Viewer { name: HOSTILE, csrf_token: std::borrow::Cow::Borrowed("shell-token") }),
    notice: Some(Notice { kind: NoticeKind::Problem, text: HOSTILE }),
    is_known: true,
});

static VISITOR: LazyLock<Shell<'static>> = LazyLock::new(|| Shell::unknown(&SITE));

const fn wrong<'a>(field: &'a str, text: &'a str) -> FieldError<'a> {
    FieldError { field, text }
}

/// An element's opening tag.
struct Tag<'a> {
    name: &'a str,
    text: &'a str,
}

impl<'a> Tag<'a> {
    fn get(&self, attribute: &str) -> Option<&'a str> {
        let (_, rest) = self.text.split_once(&format!(" {attribute}=\""))?;
        rest.split_once('"').map(|(value, _)| value)
    }

    fn has(&self, attribute: &str) -> bool {
        self.text.split_ascii_whitespace().any(|word| word == attribute)
    }
}

/// Returns every opening tag. The HTML can be split at `<` and `>`, because these characters occur unescaped only where
/// a tag begins or ends.
fn tags(html: &str) -> Vec<Tag<'_>> {
    html.split('<')
        .skip(1)
        .filter_map(|part| part.split_once('>'))
        .filter(|(text, _)| !text.starts_with('/') && !text.starts_with('!'))
        .map(|(text, _)| Tag { name: text.split([' ', '>']).next().unwrap(), text })
        .collect()
}

fn forms(html: &str) -> Vec<&str> {
    html.split("<form").skip(1).map(|part| part.split_once("</form>").unwrap().0).collect()
}

fn credentials<'a>(errors: &'a [FieldError<'a>]) -> CredentialsView<'a> {
    CredentialsView {
        csrf_token: "token",
        next: Some("/a?b=1&c=2"),
        username: HOSTILE,
        email: HOSTILE,
        sends_mail: true,
        remember: false,
        min_password: 8,
        errors,
    }
}

fn hostile() -> String {
    HOSTILE.to_owned()
}

fn hostile_time() -> TimeText {
    TimeText { ago: hostile(), clock: hostile(), machine: hostile() }
}

/// The only page.
fn all(rows: Vec<DeviceRow>) -> DevicePage {
    DevicePage { rows, is_first: true, next: None }
}

/// A page between others.
fn middle(rows: Vec<DeviceRow>) -> DevicePage {
    DevicePage { rows, is_first: false, next: Some("7.0a?".into()) }
}

fn device(id: &str, is_current: bool) -> DeviceRow {
    DeviceRow {
        id: id.to_owned(),
        is_current,
        is_bound: is_current,
        device: hostile(),
        address: Some(hostile()),
        logged_in_at: hostile_time(),
        last_seen_at: hostile_time(),
    }
}

fn activity(is_suspicious: bool) -> ActivityRow {
    let (device, address) = (Some(hostile()), Some(hostile()));
    ActivityRow { text: HOSTILE.into(), is_suspicious, at: hostile_time(), device, address }
}

/// Renders every page in each of its states, with hostile text in every value.
fn every_page() -> Vec<(&'static str, bool, String)> {
    pages_for(&VISITOR, &VIEWER)
}

fn pages_for(visitor: &Shell<'_>, viewer: &Shell<'_>) -> Vec<(&'static str, bool, String)> {
    let profile = [wrong("display_name", HOSTILE), wrong("email", HOSTILE), wrong("current_password", HOSTILE)];
    let passwords = [wrong("current_password", "Wrong."), wrong("new_password", HOSTILE), wrong("", "Both are wrong.")];
    let fields = [
        wrong("", HOSTILE),
        wrong("username", "Taken."),
        wrong("username", "Not allowed."),
        wrong("password", HOSTILE),
        wrong("no such field", "Still shown."),
    ];
    let account_view = |profile_errors, password_errors| AccountView {
        min_password: 8,
        csrf_token: "token",
        username: HOSTILE,
        display_name: HOSTILE,
        email: HOSTILE,
        stored_email: HOSTILE,
        email_confirmed: false,
        sends_mail: true,
        owner: HOSTILE,
        created: hostile_time(),
        profile_errors,
        password_errors,
    };
    let reauthenticate_view =
        |errors| ReauthenticateView { csrf_token: "token", username: HOSTILE, next: Some("/account"), errors };
    let forgot_view =
        |errors| ForgotPasswordView { csrf_token: "token", email: HOSTILE, contact: Some(HOSTILE), errors };
    let reset_view = |errors| ResetPasswordView {
        csrf_token: "token",
        form_key: HOSTILE,
        username: HOSTILE,
        is_first: false,
        min_password: 8,
        errors,
    };
    let undo_view = |errors| UndoEmailView {
        csrf_token: "token",
        form_key: HOSTILE,
        username: HOSTILE,
        address: HOSTILE,
        min_password: 8,
        errors,
    };
    let confirm_view = ConfirmEmailView { csrf_token: "token", form_key: HOSTILE, username: HOSTILE, address: HOSTILE };
    let done_view = DoneView { title: HOSTILE, text: HOSTILE, action: Some(("/account", HOSTILE)) };
    let error_view = |action| ErrorView { status: 403, title: HOSTILE, explanation: HOSTILE, action };
    let devices = [device("here", true), device("../there?", false), device("elsewhere", false)];
    let pages: Vec<(&'static str, bool, Markup)> = vec![
        ("home", false, home(visitor)),
        ("home, logged in", true, home(viewer)),
        ("log-in", false, login(visitor, &credentials(&[]))),
        ("log-in, failed", false, login(visitor, &credentials(&fields))),
        ("sign-up", false, signup(visitor, &credentials(&[]))),
        ("sign-up, failed", false, signup(visitor, &credentials(&fields))),
        ("log-out", true, confirm_logout(viewer, "token")),
        ("refresh", false, continue_refresh(visitor, "token", Some(HOSTILE), None)),
        ("refresh, at once", false, continue_refresh(visitor, "token", None, Some("/token/refresh?next=/"))),
        ("service", true, service(viewer, HOSTILE)),
        ("account", true, account(viewer, &account_view(&[], &[]))),
        ("account, failed", true, account(viewer, &account_view(&profile, &passwords))),
        ("re-authentication", true, reauthenticate(viewer, &reauthenticate_view(&[]))),
        ("re-authentication, failed", true, reauthenticate(viewer, &reauthenticate_view(&fields))),
        ("forgot password", false, forgot_password(visitor, &forgot_view(&[]))),
        ("forgot password, failed", false, forgot_password(visitor, &forgot_view(&fields))),
        ("forgot password, without mail", false, mail_is_off(visitor, None)),
        ("forgot password, without mail, with a contact", false, mail_is_off(visitor, Some(HOSTILE))),
        ("reset", false, reset_password(visitor, &reset_view(&[]))),
        ("reset, first", false, reset_password(visitor, &ResetPasswordView { is_first: true, ..reset_view(&[]) })),
        ("reset, failed", false, reset_password(visitor, &reset_view(&passwords))),
        ("confirmation", false, confirm_email(visitor, &confirm_view)),
        ("restored address", false, undo_email(visitor, &undo_view(&[]))),
        ("restored address, failed", false, undo_email(visitor, &undo_view(&passwords))),
        ("done", true, done_page(viewer, &done_view)),
        ("devices", true, sessions(viewer, "token", &all(devices.to_vec()), &[activity(true), activity(false)])),
        ("devices, one", true, sessions(viewer, "token", &all(devices[..1].to_vec()), &[])),
        ("devices, a page", true, sessions(viewer, "token", &middle(devices[1..].to_vec()), &[])),
        ("error", false, error_page(visitor, &error_view(None))),
        ("error, logged in", true, error_page(viewer, &error_view(Some(("/account", HOSTILE))))),
    ];
    pages.into_iter().map(|(name, logged_in, page)| (name, logged_in, page.into_string())).collect()
}

#[test]
fn hostile_text_is_escaped() {
    for (page, _, html) in every_page() {
        let lower = html.to_ascii_lowercase();
        assert!(!lower.contains("<script>") && !lower.contains("<b "), "{page}");
        for tag in tags(&html) {
            assert!(!tag.text.contains(" onmouseover=\""), "{page}: {}", tag.text);
        }
    }
}

#[test]
fn no_page_needs_what_the_content_security_policy_forbids() {
    for (page, _, html) in every_page() {
        for tag in tags(&html) {
            assert!(!["style", "iframe", "base"].contains(&tag.name), "{page}: {}", tag.text);
            // The only script is a file on this site.
            let is_script = tag.name == "script";
            assert!(!is_script || tag.text == "script src=\"/assets/times.js\" defer", "{page}: {}", tag.text);
            assert!(tag.get("style").is_none(), "{page}: {}", tag.text);
            for attribute in ["href", "src", "action"] {
                let Some(to) = tag.get(attribute) else {
                    continue;
                };
                let here = to.starts_with('#') || (to.starts_with('/') && !to.starts_with("//"));
                assert!(here, "{page}: {}", tag.text);
            }
        }
    }
    assert!(!STYLESHEET.contains("url(") && !STYLESHEET.contains("@import"));
    assert!(!MARK.contains("<style") && !MARK.contains("<script"));
}

#[test]
fn each_page_has_one_heading_and_the_landmarks() {
    for (page, _, html) in every_page() {
        let count = |name| tags(&html).iter().filter(|tag| tag.name == name).count();
        for name in ["h1", "main", "header", "footer", "title"] {
            assert_eq!(count(name), 1, "{page}: {name}");
        }
        // One `nav` for the site's links, and one for the links to the list's other pages.
        assert_eq!(count("nav"), if page == "devices, a page" { 2 } else { 1 }, "{page}");
        assert!(html.starts_with("<!DOCTYPE html><html lang=\"en\">"), "{page}");
        assert!(html.contains("<a class=\"skip\" href=\"#main\">"), "{page}");
    }
}

#[test]
fn headings_skip_no_level() {
    for (page, _, html) in every_page() {
        let mut last = 0;
        for tag in tags(&html) {
            let Some(level) = tag.name.strip_prefix('h').and_then(|l| l.parse::<u8>().ok()) else {
                continue;
            };
            assert!(level <= last + 1, "{page}: h{level} after h{last}");
            last = level;
        }
    }
}

#[test]
fn every_form_posts_its_csrf_token() {
    for (page, _, html) in every_page() {
        for form in forms(&html) {
            assert!(form.starts_with(" method=\"post\"") || form.contains(" method=\"post\" action=\"/"), "{page}");
            let tokens = form.matches("<input type=\"hidden\" name=\"csrf_token\" value=\"").count();
            assert_eq!(tokens, 1, "{page}: {form}");
            assert!(!form.contains("value=\"\""), "{page}: {form}");
        }
    }
}

#[test]
fn every_page_of_a_user_has_a_log_out_button() {
    let button =
        "<form method=\"post\" action=\"/logout\"><input type=\"hidden\" name=\"csrf_token\" value=\"shell-token\">";
    for (page, logged_in, html) in every_page() {
        assert_eq!(html.contains(button), logged_in, "{page}");
    }
}

#[test]
fn ids_are_unique_and_every_reference_resolves() {
    for (page, _, html) in every_page() {
        let tags = tags(&html);
        let mut ids: Vec<_> = tags.iter().filter_map(|tag| tag.get("id")).collect();
        let all = ids.len();
        ids.sort_unstable();
        ids.dedup();
        assert_eq!(ids.len(), all, "{page}");
        for tag in &tags {
            let fragment = tag.get("href").and_then(|to| to.strip_prefix('#'));
            let lists = ["for", "aria-describedby", "aria-labelledby"].map(|attribute| tag.get(attribute));
            for id in lists.into_iter().flatten().flat_map(str::split_whitespace).chain(fragment) {
                assert!(ids.binary_search(&id).is_ok(), "{page}: #{id}");
            }
        }
    }
}

#[test]
fn every_visible_input_has_a_label() {
    for (page, _, html) in every_page() {
        let tags = tags(&html);
        for input in tags.iter().filter(|tag| tag.name == "input") {
            if input.get("type") == Some("hidden") || input.has("hidden") {
                continue;
            }
            let id = input.get("id");
            assert!(id.is_some(), "{page}: {}", input.text);
            let labels = tags.iter().filter(|tag| tag.name == "label" && tag.get("for") == id).count();
            assert_eq!(labels, 1, "{page}: {}", input.text);
        }
    }
}

#[test]
fn an_error_is_in_the_summary_and_beside_its_field() {
    let errors = [wrong("", "Both are wrong."), wrong("username", "Taken."), wrong("username", "Not allowed.")];
    let html = signup(&VISITOR, &credentials(&errors)).into_string();
    let tags = tags(&html);
    let input = |name| tags.iter().find(|tag| tag.name == "input" && tag.get("name") == Some(name)).unwrap();

    assert!(html.contains("<title>Problem: Sign up · Hardtack</title>"));
    let alert = tags.iter().find(|tag| tag.get("role") == Some("alert")).unwrap();
    assert_eq!(alert.get("tabindex"), Some("-1"));
    assert!(alert.has("autofocus"));
    assert!(html.contains("There are 3 problems"));
    assert!(html.contains("<li>Both are wrong.</li>"));
    assert!(html.contains("<li><a href=\"#signup-username\">Taken.</a></li>"));

    let failed = input("username");
    assert_eq!(failed.get("aria-invalid"), Some("true"));
    assert_eq!(failed.get("aria-describedby"), Some("signup-username-hint signup-username-error"));
    assert!(html.contains("id=\"signup-username-error\"><p>Taken.</p><p>Not allowed.</p></div>"));

    let fine = input("password");
    assert_eq!(fine.get("aria-invalid"), None);
    assert_eq!(fine.get("aria-describedby"), Some("signup-password-hint"));
}

#[test]
fn a_form_without_errors_has_no_summary() {
    let html = login(&VISITOR, &credentials(&[])).into_string();
    assert!(html.contains("<title>Log in · Hardtack</title>"));
    assert!(!html.contains("role=\"alert\"") && !html.contains("aria-invalid"));
}

#[test]
fn every_field_has_the_right_autocomplete() {
    for (page, _, html) in every_page() {
        for form in forms(&html) {
            let tags = tags(form);
            let passwords: Vec<_> = tags.iter().filter(|tag| tag.get("type") == Some("password")).collect();
            let username = tags.iter().any(|tag| tag.get("autocomplete") == Some("username"));
            assert_eq!(!passwords.is_empty(), username, "{page}");
            for password in passwords {
                let new = page.starts_with("sign-up") || password.get("name") == Some("new_password");
                let (kind, minimum) = if new { ("new-password", Some("8")) } else { ("current-password", None) };
                assert_eq!(password.get("autocomplete"), Some(kind), "{page}");
                assert_eq!(password.get("minlength"), minimum, "{page}");
                assert_eq!(password.get("maxlength"), None, "{page}");
                assert_eq!(password.get("value"), None, "{page}");
                // The settings form requires the password only if the user changes the email address. A user who
                // restores an earlier address may leave the password unchanged.
                let optional = ["/account/change_settings", "/email/undo"]
                    .iter()
                    .any(|action| form.contains(&format!("action=\"{action}\"")));
                assert_eq!(password.has("required"), !optional, "{page}");
            }
        }
    }
    let html = login(&VISITOR, &credentials(&[])).into_string();
    let tags = tags(&html);
    let username = tags.iter().find(|tag| tag.get("name") == Some("username")).unwrap();
    assert_eq!(username.get("autocapitalize"), Some("none"));
    assert_eq!(username.get("spellcheck"), Some("false"));
}

#[test]
fn the_user_name_and_next_are_kept() {
    let html = login(&VISITOR, &CredentialsView { username: "ada", ..credentials(&[]) }).into_string();
    assert!(html.contains("name=\"username\" value=\"ada\""));
    assert!(html.contains("<input type=\"hidden\" name=\"next\" value=\"/a?b=1&amp;c=2\">"));
    assert!(html.contains("href=\"/signup?next=/a%3Fb%3D1%26c%3D2\""));
    let html = signup(&VISITOR, &credentials(&[])).into_string();
    assert!(html.contains("href=\"/login?next=/a%3Fb%3D1%26c%3D2\""));
}

#[test]
fn a_page_redirects_by_itself_within_this_origin_only() {
    let html = |url| continue_refresh(&VISITOR, "token", None, Some(url)).into_string();
    assert!(html("/r?a=1&b=2").contains("<meta http-equiv=\"refresh\" content=\"0;url=/r?a=1&amp;b=2\">"));
    for elsewhere in ["//evil.example/", "https://evil.example/", "javascript:alert(1)", HOSTILE] {
        assert!(!html(elsewhere).contains("http-equiv"), "{elsewhere}");
    }
}

#[test]
fn every_device_but_this_one_has_a_log_out_button() {
    let devices = [device("here", true), device("../there?", false), device("elsewhere", false)];
    let html = sessions(&VISITOR, "token", &all(devices.to_vec()), &[activity(true)]).into_string();
    let actions: Vec<_> =
        tags(&html).iter().filter(|tag| tag.name == "form").filter_map(|tag| tag.get("action")).collect();
    assert_eq!(
        actions,
        [
            "/account/sessions/..%2Fthere%3F/revoke",
            "/account/sessions/elsewhere/revoke",
            "/account/sessions/revoke-others",
        ]
    );
    assert_eq!(html.matches("This device<").count(), 1);
    let alone = sessions(&VISITOR, "token", &all(devices[..1].to_vec()), &[]).into_string();
    assert!(!alone.contains("<form") && alone.contains("You are not logged in anywhere else."));
    assert!(!html.contains("Older devices") && !html.contains("Newest devices"));
    let page = sessions(&VISITOR, "token", &middle(devices[1..].to_vec()), &[]).into_string();
    assert!(page.contains("<a rel=\"next\" href=\"/account/sessions?after=7.0a%3F\">Older devices</a>"), "{page}");
    assert!(page.contains("<a href=\"/account/sessions\">Newest devices</a>"), "{page}");
    assert!(page.contains("Logs out all other devices at once."), "{page}");
}

#[test]
fn an_error_page_links_to_the_home_page_by_default() {
    let view = ErrorView { status: 404, title: "Page not found", explanation: "Nothing is here.", action: None };
    let html = error_page(&VISITOR, &view).into_string();
    assert!(html.contains("Error 404") && html.contains("<title>Page not found · Hardtack</title>"));
    assert!(html.contains("<a class=\"button primary\" href=\"/\">Go to the home page</a>"));
}

#[test]
fn a12_pages_for_visitors_have_a_description_and_others_are_not_listed() {
    for (page, _, html) in every_page() {
        let tags = tags(&html);
        let meta = |name| tags.iter().any(|tag| tag.name == "meta" && tag.get("name") == Some(name));
        let public = ["home", "log-in", "sign-up", "forgot"].iter().any(|start| page.starts_with(start));
        assert_eq!((meta("description"), meta("robots")), (public, !public), "{page}");
    }
}

#[test]
fn a12_an_error_page_gets_the_navigation_of_its_user() {
    let view = ErrorView { status: 403, title: "Title", explanation: "Text.", action: None };
    let page = error_page(&VISITOR, &view).into_string();
    let known = with_navigation(&page, &VIEWER).unwrap();
    assert!(known.contains("action=\"/logout\"") && known.contains("Devices") && known.contains("Text."));
    assert!(with_navigation(&known, &VIEWER).is_none());
}

#[test]
fn the_pages_of_an_application_name_it_and_lead_nowhere_else() {
    let site = SiteSettings {
        prefix: "/auth".into(),
        log_in: "/auth/login".into(),
        sign_up: "/auth/signup".into(),
        name: "Corner Shop".into(),
        ..SiteSettings::default()
    };
    let viewer = Shell { site: &site, ..VIEWER.clone() };
    for (page, _, html) in pages_for(&Shell::unknown(&site), &viewer) {
        // Only `hardtack serve` has these two pages.
        if page.starts_with("home") || page == "service" {
            continue;
        }
        assert!(html.contains("· Corner Shop</title>") && !html.to_ascii_lowercase().contains("hardtack"), "{page}");
        for tag in tags(&html) {
            for url in ["href", "src", "action"].into_iter().filter_map(|attribute| tag.get(attribute)) {
                let is_own = url.starts_with('#') || url.starts_with("/auth/") || url == "/";
                assert!(is_own, "{page}: {}", tag.text);
            }
        }
    }
}
