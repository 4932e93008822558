//! The site with a keyboard only, and with a screen reader.

use hardtack_test_support::{BrowserOptions, wait};
use serde_json::{Value, json};

use super::Person;
use crate::support::{Options, PASSWORD, TestSite};

/// Key codes of WebDriver §17.4.2.
const TAB: &str = "\u{e004}";
const ENTER: &str = "\u{e007}";

/// The focused element: an id, a form's action or a link's path.
const FOCUS: &str = "const at = document.activeElement;
    return at.id || (at.form ?? at).getAttribute('action') || at.getAttribute('href') || at.className || at.tagName";

impl Person<'_> {
    async fn presses(&self, keys: &str) {
        self.browser.press(keys).await.unwrap();
    }

    async fn focus_is_on(&self, what: &str) {
        let right = |at: &Value| at == what;
        self.until(&format!("the focus on {what}"), || self.browser.evaluate(FOCUS), right).await;
    }
}

#[tokio::test]
async fn tab_and_enter_are_enough() {
    let site = TestSite::start(Options::default()).await;
    site.person("ada").await;
    let ada = Person::at(&site, BrowserOptions::default()).await;
    skips_to_the_content(&ada).await;
    is_led_to_the_errors(&ada).await;
    logs_in_and_out(&ada).await;
    hears_what_each_field_is(&ada).await;
}

async fn skips_to_the_content(ada: &Person<'_>) {
    let shown = "const box = document.querySelector('.skip').getBoundingClientRect(); return box.top >= 0";
    ada.opens("/login").await;
    assert_eq!(ada.reads(shown).await, false);
    ada.presses(TAB).await;
    ada.focus_is_on("#main").await;
    assert_eq!(ada.reads(shown).await, true);
    ada.presses(ENTER).await;
    ada.focus_is_on("main").await;
    ada.presses(TAB).await;
    ada.focus_is_on("login-username").await;
}

async fn is_led_to_the_errors(ada: &Person<'_>) {
    ada.presses(&["ada", TAB, "not the password", ENTER].concat()).await;
    ada.sees("There is a problem").await;
    ada.focus_is_on("errors").await;
    ada.presses(TAB).await;
    ada.focus_is_on("login-username").await;

    // An error of a field links to the field.
    ada.opens("/signup").await;
    ada.presses(&[TAB, ENTER].concat()).await;
    // The email address is optional.
    ada.presses(&[TAB, "ada", TAB, TAB, PASSWORD, ENTER].concat()).await;
    ada.sees("There is a problem").await;
    ada.focus_is_on("errors").await;
    ada.presses(TAB).await;
    ada.focus_is_on("#signup-username").await;
    ada.presses(ENTER).await;
    ada.focus_is_on("signup-username").await;
}

async fn logs_in_and_out(ada: &Person<'_>) {
    ada.opens("/login").await;
    let to_the_form = TAB.repeat(5);
    ada.presses(&to_the_form).await;
    ada.focus_is_on("login-username").await;
    ada.presses(&["ada", TAB, PASSWORD, TAB].concat()).await;
    ada.focus_is_on("login-remember").await;
    ada.presses(" ").await;
    assert_eq!(ada.reads("return document.activeElement.checked").await, true);
    ada.presses(TAB).await;
    ada.focus_is_on("/login").await;
    ada.presses(ENTER).await;
    ada.sees("You are logged in as ada").await;

    for expected in ["#main", "/", "/service", "/account", "/account/sessions", "/logout"] {
        ada.presses(TAB).await;
        ada.focus_is_on(expected).await;
    }
    ada.presses(ENTER).await;
    ada.sees("Log in once.").await;
    ada.is_nobody().await;
}

/// Checks the accessibility tree, which screen readers use.
async fn hears_what_each_field_is(ada: &Person<'_>) {
    let pages: [(&str, &[&str]); 3] = [
        ("/signup", &["User name", "Email (optional)", "Password"]),
        ("/login", &["User name", "Password"]),
        ("/account", &["Display name", "Email", "Current password", "Current password", "New password"]),
    ];
    for (path, expected) in pages {
        ada.opens(path).await;
        // Chromium builds the tree some time after it has loaded the page.
        let found = async || (ada.names_of("textbox").await == expected).then_some(());
        wait::until_some(|| format!("{path} has the fields {expected:?}"), found).await;
        assert_eq!(ada.names_of("main").await.len(), 1, "{path}");
        if path == "/login" {
            ada.logs_in("ada", PASSWORD).await;
            ada.is_greeted_as("ada").await;
        }
    }
    let buttons = ada.names_of("button").await;
    assert_eq!(buttons, ["Log out", "Save details", "Change password"]);
}

impl Person<'_> {
    /// The accessible names of all elements with a role.
    async fn names_of(&self, role: &str) -> Vec<String> {
        let tree = self.browser.devtools("Accessibility.getFullAXTree", json!({})).await.unwrap();
        let nodes = tree["nodes"].as_array().unwrap().iter();
        let shown = nodes.filter(|node| node["ignored"] == false && node["role"]["value"] == role);
        shown.map(|node| node["name"]["value"].as_str().unwrap_or_default().to_owned()).collect()
    }
}
