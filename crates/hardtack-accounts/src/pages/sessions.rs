//! `/account/sessions`: the devices where someone is logged in.

use maud::{Markup, html};

use super::layout::{Page, Width, page};
use super::{Shell, form, link};

/// One device: one login.
pub(crate) struct Device<'a> {
    /// The session's public id, as it stands in the address that revokes it.
    pub id: &'a str,
    /// Whether it is the one this page is shown on.
    pub this_device: bool,
    /// What it is, such as "Firefox on Linux"; see [`device_name`](super::device_name).
    pub agent: &'a str,
    /// The network address it was last seen at.
    pub address: &'a str,
    /// When it logged in, for people.
    pub signed_in: &'a str,
    /// The same for machines, as ISO 8601.
    pub signed_in_iso: &'a str,
    /// When it was last seen, for people.
    pub last_seen: &'a str,
    /// The same for machines, as ISO 8601.
    pub last_seen_iso: &'a str,
}

/// Something that happened to the account.
pub(crate) struct Happening {
    /// What, in a few words.
    pub what: &'static str,
    /// Whether it may be somebody else's doing.
    pub grave: bool,
    /// When, for people.
    pub at: String,
    /// The same for machines, as ISO 8601.
    pub at_iso: String,
    /// The browser and system, where they are known.
    pub agent: Option<String>,
    /// The network address, where it is known.
    pub address: Option<String>,
}

/// Every device, each other one with a button that logs it out, and one for all others.
pub(crate) fn sessions(shell: &Shell<'_>, csrf_token: &str, devices: &[Device<'_>], activity: &[Happening]) -> Markup {
    let others = devices.iter().filter(|d| !d.this_device).count();
    page(
        shell,
        &Page {
            title: "Devices",
            here: Some("/account/sessions"),
            width: Width::Medium,
            continue_to: None,
            main: html! {
                h1 { "Devices" }
                p.lead { "Where you are logged in. If you don’t know a device, log it out and change your password." }
                ul.card.devices {
                    @for one in devices { li { (device(one, csrf_token)) } }
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
                    p.aside { "You are logged in nowhere else." }
                }
                @if !activity.is_empty() { (recent(activity)) }
            },
        },
    )
}

fn recent(activity: &[Happening]) -> Markup {
    html! {
        section.card aria-labelledby="activity" {
            h2 #activity { "Recent activity" }
            ol.activity {
                @for one in activity {
                    li.grave[one.grave] {
                        p.what { (one.what) }
                        p.when {
                            time datetime=(one.at_iso) { (one.at) }
                            @if let Some(agent) = &one.agent { " · " bdi { (agent) } }
                            @if let Some(address) = &one.address { " · " bdi { (address) } }
                        }
                    }
                }
            }
        }
    }
}

fn device(device: &Device<'_>, csrf_token: &str) -> Markup {
    html! {
        div.device {
            h2 {
                bdi { (device.agent) }
                @if device.this_device { " " span.badge { "This device" } }
            }
            dl {
                div { dt { "Last seen" } dd { time datetime=(device.last_seen_iso) { (device.last_seen) } } }
                div { dt { "Logged in" } dd { time datetime=(device.signed_in_iso) { (device.signed_in) } } }
                div { dt { "Address" } dd { bdi { (device.address) } } }
            }
            @if !device.this_device {
                form method="post" action={ "/account/sessions/" (link::segment(device.id)) "/revoke" } {
                    (form::csrf(csrf_token))
                    button.button.quiet.small type="submit" {
                        "Log out"
                        span.unseen { " " (device.agent) " at " (device.address) }
                    }
                }
            }
        }
    }
}
