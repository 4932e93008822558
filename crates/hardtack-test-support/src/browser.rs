//! Headless Chromium, controlled through chromedriver, with or without JavaScript, in light or dark mode, and with any
//! screen size.

use crate::process::signal;
use crate::wait::LONGEST_WAIT;
use fantoccini::actions::{InputSource, KeyAction, KeyActions};
use fantoccini::cookies::Cookie;
use fantoccini::elements::Element;
use fantoccini::error::{CmdError, ErrorStatus, NewSessionError};
use fantoccini::wd::WebDriverCompatibleCommand;
use fantoccini::{ClientBuilder, Locator};
use hyper_util::client::legacy::connect::HttpConnector;
use serde_json::{Map, Value, json};
use std::io::{BufRead, BufReader};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc;
use std::time::{Duration, Instant, SystemTime};
use tempfile::TempDir;
use url::Url;

/// The source of axe-core, which checks a page against accessibility rules.
pub const AXE_CORE: &str = include_str!("../vendor/axe-core/axe.min.js");

const STEP: Duration = Duration::from_millis(20);

/// Settings of the browser.
#[derive(Debug, Clone)]
pub struct BrowserOptions {
    /// Whether the page's scripts run.
    pub javascript: bool,
    /// Whether the user prefers a dark color scheme.
    pub dark: bool,
    /// The width of the page's viewport, in CSS pixels.
    pub width: u32,
    /// The height of the page's viewport, in CSS pixels.
    pub height: u32,
    /// The hash of a public key. The browser trusts every certificate with this key, and resolves host names that end
    /// in `.test` to 127.0.0.1. See [`TlsFront::browser_options`](crate::tls::TlsFront::browser_options).
    pub trusted_key: Option<String>,
    /// Whether the browser can bind sessions to the device, with software keys.
    pub binds_devices: bool,
}

impl Default for BrowserOptions {
    /// JavaScript on, light mode, 1280 × 800, no trusted key, and no binding to the device.
    fn default() -> Self {
        Self { javascript: true, dark: false, width: 1280, height: 800, trusted_key: None, binds_devices: false }
    }
}

/// The browser could not be started, or a command failed. `unwrap` shows the message.
#[derive(thiserror::Error)]
#[non_exhaustive]
pub enum BrowserError {
    /// chromedriver could not be run.
    #[error(
        "cannot run chromedriver at {path} ({error}): install it with `apt-get install chromium chromium-driver`, \
         or set CHROMEDRIVER to its path", path = .path.display()
    )]
    NoDriver {
        /// The path of chromedriver.
        path: PathBuf,
        /// The system's error.
        error: std::io::Error,
    },
    /// chromedriver ended, or did not print its port.
    #[error("chromedriver ended, or did not print its port; it printed:\n{0}")]
    DriverSilent(String),
    /// Chromium did not start.
    #[error("Chromium did not start ({0}); if it is not installed, run: apt-get install chromium")]
    NoSession(#[from] NewSessionError),
    /// A command failed.
    #[error("{what} failed: {error}")]
    Command {
        /// The command.
        what: String,
        /// chromedriver's error.
        error: CmdError,
    },
    /// A click did not open another page.
    #[error(
        "120 s after a click on {0}, the browser was still on the same page; if the click is not supposed to load \
         another page, call `click` instead of `submit`"
    )]
    Stayed(String),
    /// The profile could not be created, or the screenshot could not be written.
    #[error("cannot write the browser profile or the screenshot to disk: {0}")]
    Write(#[from] std::io::Error),
}

impl std::fmt::Debug for BrowserError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        std::fmt::Display::fmt(self, f)
    }
}

/// A browser window with its own profile. Dropping it ends chromedriver and Chromium.
#[derive(Debug)]
pub struct Browser {
    // The order of the fields matters: the driver and its browser must end before the profile is removed.
    session: fantoccini::Client,
    driver: Driver,
    profile: TempDir,
    options: BrowserOptions,
}

impl Browser {
    /// Starts chromedriver on a free port, and then a browser. The path of chromedriver is `$CHROMEDRIVER`, or
    /// `/usr/bin/chromedriver` if that variable is not set.
    pub async fn start(options: BrowserOptions) -> Result<Self, BrowserError> {
        Self::start_with_profile(options, TempDir::with_prefix("hardtack-browser-")?).await
    }

    /// Closes the browser and starts it again with the same profile. The restarted browser no longer has its session
    /// cookies.
    pub async fn restart(self) -> Result<Self, BrowserError> {
        let Self { session, driver, profile, options } = self;
        session.close().await.map_err(failed("closing the browser"))?;
        drop(driver);
        Self::start_with_profile(options, profile).await
    }

    async fn start_with_profile(options: BrowserOptions, profile: TempDir) -> Result<Self, BrowserError> {
        // Two drivers that start at the same moment can pick the same port. The second driver then ends, so try again.
        let mut attempts = 0;
        let driver = loop {
            attempts += 1;
            match Driver::start(profile.path()) {
                Err(BrowserError::DriverSilent(printed)) if attempts < 5 && printed.contains("port not available") => {}
                started => break started?,
            }
        };
        let mut builder = ClientBuilder::new(HttpConnector::new());
        builder.capabilities(capabilities(&options, profile.path()));
        let session = builder.connect(&format!("http://127.0.0.1:{}", driver.port)).await?;
        Ok(Self { session, driver, profile, options })
    }

    /// Opens a page and waits until it has loaded.
    pub async fn goto(&self, url: &str) -> Result<(), BrowserError> {
        self.session.goto(url).await.map_err(failed(format_args!("opening {url}")))
    }

    /// Replaces the value of the visible field with this name by typing into it.
    pub async fn fill(&self, name: &str, value: &str) -> Result<(), BrowserError> {
        self.fill_in(":root", name, value).await
    }

    /// Like [`fill`](Self::fill), but only looks for the field inside the element with the selector `element`. Use this
    /// method if a page has several forms.
    pub async fn fill_in(&self, element: &str, name: &str, value: &str) -> Result<(), BrowserError> {
        let selector = format!("{element} [name={}]:not([type=hidden])", Value::from(name));
        let field = self.find_displayed(&selector).await?;
        field.clear().await.map_err(failed(format_args!("clearing {selector}")))?;
        field.send_keys(value).await.map_err(failed(format_args!("typing into {selector}")))
    }

    /// Clicks a button or a link. If `selector` selects a form, clicks its submit button. Waits until another page has
    /// loaded, and returns an error if no page loads. For a click that stays on the page, use [`click`](Self::click).
    pub async fn submit(&self, selector: &str) -> Result<(), BrowserError> {
        // chromedriver can return before the navigation starts, so wait until the old page is gone.
        let before = self.find("html").await?;
        self.click(selector).await?;
        let deadline = Instant::now() + LONGEST_WAIT;
        while !(is_gone(&before).await && self.has_loaded().await) {
            if Instant::now() > deadline {
                return Err(BrowserError::Stayed(selector.to_owned()));
            }
            tokio::time::sleep(STEP).await;
        }
        Ok(())
    }

    /// Clicks a button, a link or a form's submit button. Does not wait for a page to load.
    pub async fn click(&self, selector: &str) -> Result<(), BrowserError> {
        let mut target = self.find_displayed(selector).await?;
        let tag = target.tag_name().await.map_err(failed(format_args!("looking at {selector}")))?;
        if tag.eq_ignore_ascii_case("form") {
            let button = Locator::Css("button:not([type=button], [type=reset]), input[type=submit]");
            target = target
                .find(button)
                .await
                .map_err(failed(format_args!("looking for the submit button of {selector}")))?;
        }
        target.click().await.map_err(failed(format_args!("clicking {selector}")))
    }

    /// Presses keys one after another in the focused element. For special keys, use the code points of WebDriver
    /// §17.4.2, such as U+E004 for Tab and U+E007 for Enter.
    pub async fn press(&self, keys: &str) -> Result<(), BrowserError> {
        let strokes = keys.chars().flat_map(|value| [KeyAction::Down { value }, KeyAction::Up { value }]);
        let keyboard = strokes.fold(KeyActions::new("keyboard".to_owned()), KeyActions::then);
        self.session.perform_actions(keyboard).await.map_err(failed("pressing keys"))
    }

    /// Runs `script` as the body of a JavaScript function and returns the function's result. This works even if
    /// [`javascript`](BrowserOptions::javascript) is off.
    pub async fn evaluate(&self, script: &str) -> Result<Value, BrowserError> {
        self.session.execute(script, vec![]).await.map_err(failed(format_args!("running {script}")))
    }

    /// Runs a command of the Chrome DevTools Protocol. Use this method for tasks that WebDriver does not support.
    pub async fn devtools(&self, method: &'static str, params: Value) -> Result<Value, BrowserError> {
        let command = DevToolsCommand { method, params };
        self.session.issue_cmd(command).await.map_err(failed(method))
    }

    /// Returns the visible text of the page.
    pub async fn text(&self) -> Result<String, BrowserError> {
        self.find("body").await?.text().await.map_err(failed("reading the page"))
    }

    /// Returns the page's title.
    pub async fn title(&self) -> Result<String, BrowserError> {
        self.session.title().await.map_err(failed("reading the title"))
    }

    /// Returns the path and query of the page.
    pub async fn path(&self) -> Result<String, BrowserError> {
        let url = self.session.current_url().await.map_err(failed("reading the address"))?;
        Ok(url[url::Position::BeforePath..url::Position::AfterQuery].to_owned())
    }

    /// Writes a screenshot of the window to a PNG file.
    pub async fn screenshot(&self, path: impl AsRef<Path>) -> Result<(), BrowserError> {
        let png = self.session.screenshot().await.map_err(failed("taking a screenshot"))?;
        Ok(std::fs::write(path, png)?)
    }

    /// Returns a cookie of the page, even if it is `HttpOnly`.
    pub async fn cookie(&self, name: &str) -> Result<Option<Cookie<'static>>, BrowserError> {
        match self.session.get_named_cookie(name).await {
            Ok(cookie) => Ok(Some(cookie)),
            Err(CmdError::Standard(error)) if error.error == ErrorStatus::NoSuchCookie => Ok(None),
            Err(error) => Err(failed(format_args!("reading the cookie {name}"))(error)),
        }
    }

    /// Copies all cookies of this browser, including `HttpOnly` cookies, to another browser, as malware on the user's
    /// machine does.
    pub async fn copy_cookies_to(&self, other: &Self) -> Result<(), BrowserError> {
        let all = self.devtools("Network.getAllCookies", json!({})).await?;
        let cookies: Vec<Value> = all["cookies"].as_array().into_iter().flatten().map(settable).collect();
        other.devtools("Network.setCookies", json!({ "cookies": cookies })).await?;
        Ok(())
    }

    /// Deletes a cookie for a URL, even if no page of the site is open.
    pub async fn delete_cookie(&self, url: &str, name: &str) -> Result<(), BrowserError> {
        self.devtools("Network.deleteCookies", json!({ "url": url, "name": name })).await?;
        Ok(())
    }

    /// Makes a cookie for a URL expire after the given number of seconds. Keeps its value and its other attributes.
    ///
    /// # Panics
    /// Panics if the browser does not have the cookie.
    pub async fn expire_cookie_in(&self, url: &str, name: &str, seconds: u64) -> Result<(), BrowserError> {
        let all = self.devtools("Network.getCookies", json!({ "urls": [url] })).await?;
        let found = all["cookies"].as_array().into_iter().flatten().find(|cookie| cookie["name"] == name);
        let mut cookie = settable(found.unwrap_or_else(|| panic!("the browser has no cookie {name} for {url}")));
        let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).expect("the clock is set");
        cookie["expires"] = json!(now.as_secs() + seconds);
        self.devtools("Network.setCookies", json!({ "cookies": [cookie] })).await?;
        Ok(())
    }

    /// Returns the WebDriver session, for commands that have no method here.
    pub fn session(&self) -> &fantoccini::Client {
        &self.session
    }

    /// Closes the browser.
    pub async fn close(self) -> Result<(), BrowserError> {
        self.session.clone().close().await.map_err(failed("closing the browser"))
    }

    /// Returns whether the page has loaded. chromedriver's own scripts run even if JavaScript is off.
    async fn has_loaded(&self) -> bool {
        self.session.execute("return document.readyState", vec![]).await.is_ok_and(|state| state == "complete")
    }

    /// Finds an element and waits until it is displayed, because a script on the page might not show it at once.
    async fn find_displayed(&self, selector: &str) -> Result<Element, BrowserError> {
        let element = self.find(selector).await?;
        let deadline = Instant::now() + LONGEST_WAIT;
        while !element.is_displayed().await.unwrap_or(true) && Instant::now() < deadline {
            tokio::time::sleep(STEP).await;
        }
        Ok(element)
    }

    async fn find(&self, selector: &str) -> Result<Element, BrowserError> {
        self.session.find(Locator::Css(selector)).await.map_err(failed(format_args!("looking for {selector}")))
    }
}

/// chromedriver's WebDriver extension for the DevTools Protocol.
#[derive(Debug)]
struct DevToolsCommand {
    method: &'static str,
    params: Value,
}

impl WebDriverCompatibleCommand for DevToolsCommand {
    fn endpoint(&self, base: &Url, session: Option<&str>) -> Result<Url, url::ParseError> {
        base.join(&format!("session/{}/goog/cdp/execute", session.unwrap_or_default()))
    }

    fn method_and_body(&self, _: &Url) -> (http::Method, Option<String>) {
        (http::Method::POST, Some(json!({ "cmd": self.method, "params": self.params }).to_string()))
    }
}

/// Converts a cookie that the browser has returned into the parameters that set the same cookie.
fn settable(cookie: &Value) -> Value {
    let domain = cookie["domain"].as_str().unwrap_or_default();
    let scheme = if cookie["secure"] == true { "https" } else { "http" };
    let url = format!("{scheme}://{}/", domain.trim_start_matches('.'));
    let mut settable = json!({ "url": url });
    for name in ["name", "value", "path", "secure", "httpOnly", "sameSite"] {
        if !cookie[name].is_null() {
            settable[name] = cookie[name].clone();
        }
    }
    // A domain without a leading dot means that the cookie belongs to a single host.
    if domain.starts_with('.') {
        settable["domain"] = json!(domain);
    }
    if cookie["session"] != true {
        settable["expires"] = cookie["expires"].clone();
    }
    settable
}

/// Returns whether the browser has left the element's page. Only the errors "stale element reference" and "no such
/// element" prove this. Other errors can occur while the browser is still navigating.
async fn is_gone(element: &Element) -> bool {
    let gone = [ErrorStatus::StaleElementReference, ErrorStatus::NoSuchElement];
    matches!(element.tag_name().await, Err(CmdError::Standard(error)) if gone.contains(&error.error))
}

fn failed(what: impl std::fmt::Display) -> impl FnOnce(CmdError) -> BrowserError {
    let what = what.to_string();
    move |error| BrowserError::Command { what, error }
}

fn capabilities(options: &BrowserOptions, profile: &Path) -> Map<String, Value> {
    let mut args = vec![
        "--headless=new".to_owned(),
        // Chromium's sandbox does not start as root in a container.
        "--no-sandbox".to_owned(),
        "--disable-gpu".to_owned(),
        "--disable-quic".to_owned(),
        "--no-first-run".to_owned(),
        "--disable-background-networking".to_owned(),
        "--disable-component-update".to_owned(),
        "--disable-sync".to_owned(),
        // In a container, `/dev/shm` is often too small for a screenshot.
        "--disable-dev-shm-usage".to_owned(),
        format!("--user-data-dir={}", profile.display()),
        // 0 means dark and 1 means light (`blink::mojom::PreferredColorScheme`).
        format!("--blink-settings=preferredColorScheme={}", u8::from(!options.dark)),
    ];
    if let Some(hash) = &options.trusted_key {
        // Unlike `--ignore-certificate-errors`, this flag leaves device binding on.
        args.push(format!("--ignore-certificate-errors-spki-list={hash}"));
        args.push("--host-resolver-rules=MAP *.test 127.0.0.1".to_owned());
    }
    if options.binds_devices {
        // One flag lists both features, because a second flag would replace the first.
        let features = "DeviceBoundSessions,EnableBoundSessionCredentialsSoftwareKeysForManualTesting";
        args.push(format!("--enable-features={features}"));
    }
    let mut chrome = json!({
        "args": args,
        // Emulation sets the exact size of the viewport. A real window cannot be narrower than 500 px and has a title
        // bar.
        "mobileEmulation": {
            "deviceMetrics": {
                "width": options.width, "height": options.height,
                "pixelRatio": 1.0, "touch": false, "mobile": false,
            },
        },
    });
    if !options.javascript {
        chrome["prefs"] = json!({ "profile.managed_default_content_settings.javascript": 2 });
    }
    let timeout = u64::try_from(LONGEST_WAIT.as_millis()).unwrap_or(u64::MAX);
    let all = json!({
        "browserName": "chrome",
        "timeouts": { "pageLoad": timeout, "implicit": 2000 },
        "goog:chromeOptions": chrome,
    });
    match all {
        Value::Object(map) => map,
        _ => unreachable!("json! was given an object"),
    }
}

/// chromedriver, in a process group with all processes that it starts.
#[derive(Debug)]
struct Driver {
    child: Child,
    port: u16,
}

impl Driver {
    fn start(home: &Path) -> Result<Self, BrowserError> {
        let path = PathBuf::from(std::env::var_os("CHROMEDRIVER").unwrap_or_else(|| "/usr/bin/chromedriver".into()));
        let mut command = Command::new(&path);
        // chromedriver picks a free port and prints it.
        command.arg("--port=0").process_group(0);
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null());
        // Put crash reports and caches next to the profile, not into the user's home directory.
        command.env("XDG_CONFIG_HOME", home).env("XDG_CACHE_HOME", home);
        let mut child = command.spawn().map_err(|error| BrowserError::NoDriver { path, error })?;
        let lines = BufReader::new(child.stdout.take().expect("stdout is piped")).lines();
        let mut driver = Self { child, port: 0 };
        let (sender, receiver) = mpsc::channel();
        // Read the output to the end, so that chromedriver never blocks on a full pipe.
        std::thread::spawn(move || lines.map_while(Result::ok).for_each(|line| drop(sender.send(line))));
        let mut printed = String::new();
        while let Ok(line) = receiver.recv_timeout(LONGEST_WAIT) {
            if let Some(port) = announced_port(&line) {
                driver.port = port;
                return Ok(driver);
            }
            printed += &line;
            printed.push('\n');
        }
        Err(BrowserError::DriverSilent(printed))
    }
}

/// Parses the port from "ChromeDriver was started successfully on port 43231."
fn announced_port(line: &str) -> Option<u16> {
    line.split_once("started successfully on port ")?.1.trim_end_matches('.').parse().ok()
}

impl Drop for Driver {
    fn drop(&mut self) {
        // If chromedriver dies while a session is open, Chromium continues to run, so kill the whole process group. Do
        // this before reaping the group's leader, because the group's id can be reused after that.
        let group = self.child.id();
        if !signal(&format!("-{group}"), "KILL") {
            let _ = self.child.kill();
        }
        // Wait until all processes have ended, so that none of them writes to the profile while it is removed.
        let deadline = Instant::now() + LONGEST_WAIT;
        while is_running(group) && Instant::now() < deadline {
            std::thread::sleep(STEP);
        }
        let _ = self.child.wait();
    }
}

/// Returns whether any process of the group is still running. Zombies do not count, because in a container they might
/// never be reaped. Returns `false` on systems without `/proc`.
fn is_running(group: u32) -> bool {
    let processes = std::fs::read_dir("/proc").into_iter().flatten().flatten();
    processes.filter_map(|entry| std::fs::read_to_string(entry.path().join("stat")).ok()).any(|stat| {
        // The format is "pid (name) state ppid pgrp …", and the name can contain parentheses (proc_pid_stat(5)).
        let mut fields = stat.rsplit(") ").next().unwrap_or_default().split(' ');
        let (state, pgrp) = (fields.next(), fields.nth(1));
        !matches!(state, Some("Z" | "X")) && pgrp == Some(group.to_string().as_str())
    })
}

#[cfg(test)]
mod tests {
    use super::announced_port;

    #[test]
    fn port_of_chromedriver() {
        assert_eq!(announced_port("ChromeDriver was started successfully on port 43231."), Some(43231));
        assert_eq!(announced_port("Starting ChromeDriver 156.0 on port 0"), None);
    }
}
