//! Every page on a narrow and a wide screen, in light and dark colors.

use std::path::{Path, PathBuf};

use hardtack_test_support::browser::AXE_CORE;
use hardtack_test_support::{BrowserOptions, wait};
use serde_json::{Value, json};

use super::Person;
use crate::support::{Options, PASSWORD, TestSite, log_in, minutes};

/// Finds text that overflows the window or has less contrast than WCAG 2.2 §1.4.3 requires, and targets smaller than
/// §2.5.8 requires.
const FLAWS: &str = include_str!("flaws.js");

/// Runs the rules of axe-core on the page and returns what breaks them.
const AXE_RULES: &str = include_str!("axe.js");

/// The environment variable with the folder for screenshots; none are taken if it is not set.
const PICTURES: &str = "HARDTACK_TEST_PICTURES";

#[tokio::test]
async fn every_page_can_be_read_on_any_screen() {
    let outbox_folder = tempfile::tempdir().unwrap();
    let outbox = Some(outbox_folder.path().to_owned());
    let site = TestSite::start(Options { outbox, ..Options::default() }).await;
    let ada = Person::at(&site, BrowserOptions::default()).await;
    let long = format!("Ada {}", "Augusta".repeat(10));

    ada.opens("/").await;
    ada.looks_good("home").await;
    ada.opens("/signup").await;
    ada.looks_good("signup").await;
    ada.sends("/signup", &[("username", "ada!"), ("password", "aaaaaaaa")]).await;
    ada.looks_good("signup-errors").await;
    ada.sends("/signup", &[("username", "ada"), ("password", PASSWORD)]).await;
    ada.looks_good("home-known").await;
    ada.opens("/service").await;
    ada.looks_good("service").await;
    ada.opens("/account").await;
    ada.looks_good("account").await;
    // Input that browsers accept and the site does not.
    let too_long = format!("{}@example.org", "a".repeat(250));
    ada.sends("/account/change_settings", &[("display_name", &too_long), ("email", &too_long)]).await;
    ada.looks_good("account-errors").await;
    let address = [("display_name", long.as_str()), ("email", "ada@example.org"), ("current_password", PASSWORD)];
    ada.sends("/account/change_settings", &address).await;
    ada.looks_good("account-saved").await;
    ada.sends("/account/password", &[("current_password", "x"), ("new_password", "long enough it is")]).await;
    ada.looks_good("account-password-error").await;
    ada.opens("/account").await;
    ada.looks_good("account-unconfirmed").await;
    ada.opens(&link_in(outbox_folder.path()).await).await;
    ada.looks_good("email-confirm").await;
    ada.sends("/email/confirm", &[]).await;
    ada.looks_good("email-confirmed").await;
    ada.opens("/email/confirm").await;
    ada.looks_good("link-used").await;
    ada.opens("/password/forgot").await;
    ada.looks_good("forgot").await;
    ada.sends("/password/forgot", &[("email", &too_long)]).await;
    ada.looks_good("forgot-error").await;
    ada.sends("/password/forgot", &[("email", "ada@example.org")]).await;
    ada.looks_good("forgot-sent").await;
    ada.opens(&link_in(outbox_folder.path()).await).await;
    ada.looks_good("reset").await;
    ada.opens("/").await;
    ada.looks_good("home-long-name").await;
    ada.opens("/account/sessions").await;
    ada.looks_good("devices-alone").await;
    site.device_of("ada").await;
    site.device_of("ada").await;
    for (count, guess) in [(3, "a guess"), (2, "another")] {
        for _ in 0..count {
            log_in(&mut site.client(), "ada", guess).await;
        }
        site.clock.advance(minutes(2));
    }
    ada.opens("/account/sessions").await;
    ada.looks_good("devices").await;
    ada.opens("/logout").await;
    ada.looks_good("logout").await;
    ada.opens("/nowhere").await;
    ada.looks_good("not-found").await;
    ada.opens("/account/password").await;
    ada.looks_good("wrong-method").await;
    ada.opens("/account").await;
    ada.looks_good("account-confirmed").await;
    let broken = "document.querySelectorAll('[name=csrf_token]').forEach((field) => (field.value = 'x'))";
    ada.reads(broken).await;
    ada.sends("/account/change_settings", &[("display_name", "Ada L.")]).await;
    ada.looks_good("account-refused").await;
    ada.opens("/account/sessions").await;
    ada.reads(broken).await;
    ada.clicks("form[action='/account/sessions/revoke-others']").await;
    ada.looks_good("devices-refused").await;
    ada.reads("document.querySelector('header [name=csrf_token]').value = 'x'").await;
    ada.logs_out().await;
    ada.looks_good("logout-refused").await;
    site.expire_access();
    ada.opens("/account").await;
    ada.looks_good("reauthenticate").await;
    ada.sends("/reauthenticate", &[("password", "x")]).await;
    ada.looks_good("reauthenticate-error").await;
    ada.logs_out().await;
    ada.opens("/login?ended=1").await;
    ada.looks_good("login-ended").await;
    ada.opens("/login").await;
    ada.looks_good("login").await;
    ada.logs_in("ada", "x").await;
    ada.looks_good("login-error").await;
    ada.reads(broken).await;
    ada.logs_in("ada", PASSWORD).await;
    ada.looks_good("login-refused").await;
    ada.opens("/signup").await;
    ada.reads(broken).await;
    ada.sends("/signup", &[("username", "eve"), ("password", PASSWORD)]).await;
    ada.looks_good("signup-refused").await;
    ada.opens("/nowhere").await;
    ada.looks_good("not-found-visitor").await;
    ada.opens("/login").await;
    ada.logs_in("ada", PASSWORD).await;
    ada.opens("/account").await;
    site.clock.advance(minutes(25 * 60));
    ada.sends("/account/change_settings", &[("display_name", "Ada again")]).await;
    ada.looks_good("login-kept").await;
    ada.logs_in("ada", PASSWORD).await;
    ada.sees("have not been saved yet").await;
    ada.looks_good("account-kept").await;
    site.clock.advance(minutes(25 * 60));
    ada.sends("/account/password", &[("current_password", PASSWORD), ("new_password", "another phrase")]).await;
    ada.looks_good("login-lost").await;
}

impl Person<'_> {
    async fn looks_good(&self, name: &str) {
        let command = |method, params| async move { self.browser.devtools(method, params).await.unwrap() };
        let pictures = std::env::var_os(PICTURES).map(PathBuf::from);
        for scheme in ["light", "dark"] {
            let feature = json!([{ "name": "prefers-color-scheme", "value": scheme }]);
            command("Emulation.setEmulatedMedia", json!({ "features": feature })).await;
            for width in [320, 1280] {
                let screen = json!({ "width": width, "height": 740, "deviceScaleFactor": 1, "mobile": false });
                command("Emulation.setDeviceMetricsOverride", screen).await;
                let flaws = self.reads(FLAWS).await;
                assert_eq!(flaws, json!([]), "{name}, {width} px wide, {scheme}");
                if (scheme == "light") == (width == 320) {
                    if self.reads("return typeof window.axe").await == "undefined" {
                        self.reads(AXE_CORE).await;
                    }
                    let broken = self.reads(AXE_RULES).await;
                    assert_eq!(broken, json!([]), "{name}, {width} px wide, {scheme}");
                }
                if let Some(folder) = &pictures {
                    let height = self.reads("return document.documentElement.scrollHeight").await;
                    let whole = json!({ "x": 0, "y": 0, "width": width, "height": height, "scale": 1 });
                    let whole = json!({ "captureBeyondViewport": true, "clip": whole });
                    let picture = command("Page.captureScreenshot", whole).await;
                    keep(&folder.join(format!("{name}-{scheme}-{width}.png")), &picture);
                }
            }
        }
    }
}

/// The path of the link in the only email, which is deleted.
async fn link_in(folder: &Path) -> String {
    let find = async || {
        let mail = std::fs::read_dir(folder).unwrap().map(|file| file.unwrap().path());
        mail.filter(|path| path.extension().is_some_and(|kind| kind == "eml")).last()
    };
    let mail = wait::until_some(|| "an email".to_owned(), find).await;
    let text = std::fs::read_to_string(&mail).unwrap();
    std::fs::remove_file(mail).unwrap();
    let link = text.lines().find(|line| line.contains("?token=")).unwrap();
    link[link.find("/email/").or(link.find("/password/")).unwrap()..].to_owned()
}

fn keep(path: &Path, picture: &Value) {
    let base64 = picture["data"].as_str().unwrap();
    std::fs::write(path, base64_simd::STANDARD.decode_to_vec(base64).unwrap()).unwrap();
}
