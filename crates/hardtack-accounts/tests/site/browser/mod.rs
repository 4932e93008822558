//! The site in Chromium, with and without scripts, with mouse and keyboard.

mod back;
mod hostile;
mod journey;
mod keyboard;
mod looks;
mod planting;

use std::cell::RefCell;
use std::fmt::Debug;
use std::future::Future;

use hardtack_test_support::{Browser, BrowserOptions, wait};
use serde_json::Value;

use crate::support::{PASSWORD, TestSite};

/// A person with a browser.
struct Person<'a> {
    browser: Browser,
    site: &'a TestSite,
}

impl<'a> Person<'a> {
    /// Opens a browser. If it is missing or does not start, the test fails and says what to install.
    async fn at(site: &'a TestSite, options: BrowserOptions) -> Self {
        match Browser::start(options).await {
            Ok(browser) => Self { browser, site },
            Err(error) => panic!("these tests need a browser: {error}"),
        }
    }

    /// Opens an address of the site.
    async fn opens(&self, path: &str) {
        self.browser.goto(&format!("{}{path}", self.site.url())).await.unwrap();
    }

    async fn types(&self, fields: &[(&str, &str)]) {
        for (name, text) in fields {
            self.browser.fill(name, text).await.unwrap();
        }
    }

    /// Clicks a link or a form's button, and waits for the page that it leads to.
    async fn clicks(&self, selector: &str) {
        self.browser.submit(selector).await.unwrap();
    }

    /// Fills a form and sends it.
    async fn sends(&self, action: &str, fields: &[(&str, &str)]) {
        let form = format!("main form[action='{action}']");
        for (name, text) in fields {
            self.browser.fill_in(&form, name, text).await.unwrap();
        }
        self.clicks(&form).await;
    }

    async fn logs_in(&self, username: &str, password: &str) {
        self.sends("/login", &[("username", username), ("password", password)]).await;
    }

    async fn confirms_password(&self) {
        self.is_at("/reauthenticate").await;
        self.sends("/reauthenticate", &[("password", PASSWORD)]).await;
    }

    async fn logs_out(&self) {
        self.clicks("header form[action='/logout']").await;
    }

    /// Waits for a page, ignoring its query.
    async fn is_at(&self, path: &str) {
        let path = path.to_owned();
        let arrived = |now: &String| now.split('?').next() == Some(path.as_str());
        self.until(&format!("the page {path}"), || self.browser.path(), arrived).await;
    }

    /// Waits for a visible text.
    async fn sees(&self, text: &str) {
        self.until(&format!("the text {text:?}"), || self.browser.text(), |page| page.contains(text)).await;
    }

    async fn does_not_see(&self, text: &str) {
        let page = self.browser.text().await.unwrap();
        assert!(!page.contains(text), "{text:?} is on the page:\n{page}");
    }

    /// Waits until the header shows this user.
    async fn is_greeted_as(&self, name: &str) {
        let greeted = self.reads("return document.querySelector('.who bdi')?.textContent ?? null").await;
        assert_eq!(greeted, name, "at {}", self.browser.path().await.unwrap());
    }

    async fn is_nobody(&self) {
        let way_out = self.reads("return document.querySelector('form[action=\"/logout\"]')").await;
        assert_eq!(way_out, Value::Null, "at {}", self.browser.path().await.unwrap());
    }

    async fn reads(&self, script: &str) -> Value {
        self.browser.evaluate(script).await.unwrap()
    }

    /// The value of a field.
    async fn field(&self, name: &str) -> Value {
        self.reads(&format!("return document.querySelector('[name=\"{name}\"]').value")).await
    }

    async fn count(&self, selector: &str) -> Value {
        self.reads(&format!("return document.querySelectorAll({}).length", Value::from(selector))).await
    }

    /// All cookies of the browser, including `HttpOnly` ones and those for other paths.
    async fn cookies(&self) -> Vec<Value> {
        let all = self.browser.devtools("Network.getAllCookies", serde_json::json!({})).await.unwrap();
        all["cookies"].as_array().unwrap().clone()
    }

    /// Repeats a query until it returns the expected result, since pages that load by themselves send no signal. A
    /// query may fail while one page replaces another.
    async fn until<T: Debug, E: Debug, F>(&self, what: &str, mut ask: impl FnMut() -> F, right: impl Fn(&T) -> bool)
    where
        F: Future<Output = Result<T, E>>,
    {
        let last = RefCell::new(None);
        wait::until_some(
            || format!("{what}, but {:?}", last.borrow()),
            async || {
                let found = ask().await;
                let is_right = found.as_ref().is_ok_and(&right);
                *last.borrow_mut() = Some((self.browser.path().await, found));
                is_right.then_some(())
            },
        )
        .await;
    }
}
