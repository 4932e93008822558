//! Every page on a narrow and a wide screen, in light and dark colours.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use hardtack_test_support::BrowserOptions;
use serde_json::{Value, json};

use super::Person;
use crate::support::{Options, PASSWORD, TestSite};

/// Finds text that overflows the window or has less contrast than WCAG 2.2 §1.4.3 requires, and targets smaller than
/// §2.5.8 requires.
const FLAWS: &str = include_str!("flaws.js");

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
    ada.opens(&link_in(outbox_folder.path())).await;
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
    ada.opens(&link_in(outbox_folder.path())).await;
    ada.looks_good("reset").await;
    ada.opens("/").await;
    ada.looks_good("home-long-name").await;
    ada.opens("/account/sessions").await;
    ada.looks_good("devices-alone").await;
    site.device_of("ada").await;
    site.device_of("ada").await;
    ada.opens("/account/sessions").await;
    ada.looks_good("devices").await;
    ada.opens("/logout").await;
    ada.looks_good("logout").await;
    ada.opens("/nowhere").await;
    ada.looks_good("not-found").await;
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
    ada.browser.evaluate("document.querySelector('main [name=csrf_token]').value = ''").await.unwrap();
    ada.logs_in("ada", PASSWORD).await;
    ada.looks_good("refused").await;
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
fn link_in(folder: &Path) -> String {
    let since = Instant::now();
    loop {
        let mail = std::fs::read_dir(folder).unwrap().map(|file| file.unwrap().path());
        if let Some(mail) = mail.filter(|path| path.extension().is_some_and(|kind| kind == "eml")).last() {
            let text = std::fs::read_to_string(&mail).unwrap();
            std::fs::remove_file(mail).unwrap();
            let link = text.lines().find(|line| line.contains("?token=")).unwrap();
            return link[link.find("/email/").or(link.find("/password/")).unwrap()..].to_owned();
        }
        assert!(since.elapsed() < Duration::from_secs(10), "no email");
        std::thread::sleep(Duration::from_millis(10));
    }
}

fn keep(path: &Path, picture: &Value) {
    let base64 = picture["data"].as_str().unwrap();
    std::fs::write(path, base64_simd::STANDARD.decode_to_vec(base64).unwrap()).unwrap();
}
