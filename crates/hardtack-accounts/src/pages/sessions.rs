//! The page `/account/sessions`: the devices where the user is logged in, and recent activity.

use maud::{Markup, html};

use super::layout::{Page, Width, page};
use super::time::TimeText;
use super::view::Shell;
use super::{form, url};

/// One device: one session.
pub(crate) struct DeviceRow {
    /// The session's public id, as in the path that revokes it.
    pub id: String,
    /// Whether it is the session of this request.
    pub is_current: bool,
    /// The browser and system, such as "Firefox on Linux"; see [`device_name`](super::device_name).
    pub device: String,
    /// The network address of the log-in.
    pub address: String,
    pub logged_in_at: TimeText,
    pub last_seen_at: TimeText,
}

/// One recorded activity.
pub(crate) struct ActivityRow {
    /// What happened, in a few words.
    pub text: &'static str,
    /// Whether an attacker may have caused it.
    pub is_suspicious: bool,
    pub at: TimeText,
    /// The browser and system, if known.
    pub device: Option<String>,
    /// The network address, if known.
    pub address: Option<String>,
}

/// Renders every device, with a log-out button for each device but the current one, and a button that logs out
/// all the others.
pub(crate) fn sessions(shell: &Shell<'_>, csrf_token: &str, devices: &[DeviceRow], activity: &[ActivityRow]) -> Markup {
    let others = devices.iter().filter(|device| !device.is_current).count();
    page(
        shell,
        &Page {
            title: "Devices",
            nav_path: Some("/account/sessions"),
            width: Width::Medium,
            refresh_to: None,
            main: html! {
                h1 { "Devices" }
                p.lead { "Devices that are logged in. If you don’t recognise one, log it out, then change your password." }
                ul.card.devices {
                    @for device in devices { li { (device_row(device, csrf_token)) } }
                }
                @if others > 0 {
                    section.sweep aria-labelledby="others" {
                        div {
                            h2 #others { "Everywhere else" }
                            p {
                                @if others == 1 { "Logs out the other device at once." }
                                @else { "Logs out the " (others) " other devices at once." }
                                " This one stays logged in."
                            }
                        }
                        form method="post" action="/account/sessions/revoke-others" {
                            (form::csrf(csrf_token))
                            button.button.danger type="submit" { "Log out everywhere else" }
                        }
                    }
                } @else {
                    p.aside { "You are not logged in anywhere else." }
                }
                @if !activity.is_empty() { (recent_activity(activity)) }
            },
        },
    )
}

fn recent_activity(rows: &[ActivityRow]) -> Markup {
    html! {
        section.card aria-labelledby="activity" {
            h2 #activity { "Recent activity" }
            ol.activity {
                @for row in rows {
                    li.suspicious[row.is_suspicious] {
                        p.what { (row.text) }
                        p.when {
                            (time(&row.at))
                            @if let Some(device) = &row.device { " · " bdi { (device) } }
                            @if let Some(address) = &row.address { " · " bdi { (address) } }
                        }
                    }
                }
            }
        }
    }
}

fn device_row(row: &DeviceRow, csrf_token: &str) -> Markup {
    html! {
        div.device {
            h2 {
                bdi { (row.device) }
                @if row.is_current { " " span.badge { "This device" } }
            }
            dl {
                div { dt { "Last seen" } dd { (time(&row.last_seen_at)) } }
                div { dt { "Logged in" } dd { (time(&row.logged_in_at)) } }
                div { dt { "Address" } dd { bdi { (row.address) } } }
            }
            @if !row.is_current {
                form method="post" action={ "/account/sessions/" (url::segment(&row.id)) "/revoke" } {
                    (form::csrf(csrf_token))
                    button.button.quiet.small type="submit" {
                        "Log out"
                        span.unseen { " " (row.device) " at " (row.address) }
                    }
                }
            }
        }
    }
}

fn time(at: &TimeText) -> Markup {
    html! { time datetime=(at.machine) { (at.text) } }
}
