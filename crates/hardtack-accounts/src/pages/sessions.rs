//! The `/account/sessions` page, which lists the devices on which the user is logged in, along with recent activity.

use std::borrow::Cow;

use maud::{Markup, html};

use super::layout::{Document, Width, page};
use super::time::TimeText;
use super::view::Shell;
use super::{form, url};
use crate::settings::Page;

/// A device in the list. Each device corresponds to one session.
#[derive(Clone)]
pub(crate) struct DeviceRow {
    /// The session's public id. The form that ends the session posts to `/account/sessions/ID/revoke`.
    pub id: String,
    /// Whether this is the device that sent the request.
    pub is_current: bool,
    /// Whether the session is bound to the device. If someone copies the cookies of a bound session to another device,
    /// the copies soon stop working.
    pub is_bound: bool,
    /// The browser and operating system, such as "Firefox on Linux". See [`device_name`](super::device_name).
    pub device: String,
    /// The network address from which the user logged in, if known.
    pub address: Option<String>,
    pub logged_in_at: TimeText,
    pub last_seen_at: TimeText,
}

/// One page of the list of a user's devices.
pub(crate) struct DevicePage {
    pub rows: Vec<DeviceRow>,
    /// Whether this is the first page, which contains the current device.
    pub is_first: bool,
    /// The position of the next page, if there is one.
    pub next: Option<String>,
}

/// One recorded activity.
pub(crate) struct ActivityRow {
    /// What happened, in a few words.
    pub text: Cow<'static, str>,
    /// Whether an attacker might have caused this activity.
    pub is_suspicious: bool,
    pub at: TimeText,
    /// The browser and operating system, if known.
    pub device: Option<String>,
    /// The network address, if known.
    pub address: Option<String>,
}

/// Renders one page of the device list. Every device except the current one has a log-out button. A separate button
/// logs out all devices except the current one.
pub(crate) fn sessions(shell: &Shell<'_>, csrf_token: &str, devices: &DevicePage, activity: &[ActivityRow]) -> Markup {
    let others = devices.rows.iter().filter(|device| !device.is_current).count();
    let is_all = devices.is_first && devices.next.is_none();
    page(
        shell,
        &Document {
            page: Page::Devices,
            title: "Devices",
            nav_path: Some("/account/sessions"),
            width: Width::Medium,
            has_times: true,
            main: html! {
                h1 { "Devices" }
                p.lead {
                    "These devices are logged in. If you don’t recognize a device, log it out, then change your "
                    "password."
                }
                ul.card.devices {
                    @for device in &devices.rows { li { (device_row(shell, device, csrf_token)) } }
                }
                @if !devices.is_first || devices.next.is_some() { (more(shell, devices)) }
                @if others > 0 || !is_all {
                    section.sweep aria-labelledby="others" {
                        div {
                            h2 #others { "Everywhere else" }
                            p {
                                @if !is_all { "Logs out all other devices at once." }
                                @else if others == 1 { "Logs out the other device at once." }
                                @else { "Logs out the " (others) " other devices at once." }
                                " This device stays logged in."
                            }
                        }
                        form method="post" action=(shell.path("/account/sessions/revoke-others")) {
                            (form::csrf(csrf_token))
                            button.button.danger type="submit" { "Log out everywhere else" }
                        }
                    }
                } @else {
                    p.aside { "You are not logged in anywhere else." }
                }
                @if !activity.is_empty() { (recent_activity(activity)) }
            },
            ..Document::default()
        },
    )
}

/// Renders links to the first page and the next page.
fn more(shell: &Shell<'_>, devices: &DevicePage) -> Markup {
    html! {
        nav.more aria-label="More devices" {
            @if !devices.is_first { a href=(shell.path("/account/sessions")) { "Newest devices" } }
            @if let Some(next) = &devices.next {
                a rel="next" href={ (shell.path("/account/sessions?after=")) (url::segment(next)) } { "Older devices" }
            }
        }
    }
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
                            (row.at.render())
                            @if let Some(device) = &row.device { " · " bdi { (device) } }
                            @if let Some(address) = &row.address { " · " bdi { (address) } }
                        }
                    }
                }
            }
        }
    }
}

fn device_row(shell: &Shell<'_>, row: &DeviceRow, csrf_token: &str) -> Markup {
    html! {
        div.device {
            h2 {
                bdi { (row.device) }
                @if row.is_current { " " span.badge { "This device" } }
                @if row.is_bound {
                    " " span.badge.good { @if row.is_current { "Bound to this computer" } @else { "Bound to its device" } }
                }
            }
            dl {
                div { dt { "Last seen" } dd { (row.last_seen_at.render()) } }
                div { dt { "Logged in" } dd { (row.logged_in_at.render()) } }
                @if let Some(address) = &row.address {
                    div { dt { "Address" } dd { bdi { (address) } } }
                }
            }
            @if !row.is_current {
                form method="post" action={ (shell.path("/account/sessions/")) (url::segment(&row.id)) "/revoke" } {
                    (form::csrf(csrf_token))
                    button.button.quiet.small type="submit" {
                        "Log out"
                        span.unseen {
                            " " (row.device)
                            @if let Some(address) = &row.address { " at " (address) }
                        }
                    }
                }
            }
        }
    }
}
