//! Headless Chromium, driven through chromedriver: what a person sees, with or without JavaScript, on
//! any size of screen, light or dark.

use fantoccini::cookies::Cookie;
use fantoccini::elements::Element;
use fantoccini::error::{CmdError, ErrorStatus, NewSessionError};
use fantoccini::{ClientBuilder, Locator};
use hyper_util::client::legacy::connect::HttpConnector;
use serde_json::{Map, Value, json};
use std::io::{BufRead, BufReader};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc;
use std::time::Duration;
use tempfile::TempDir;

/// How long chromedriver may take to listen, and a page to load.
const LONGEST_WAIT: Duration = Duration::from_secs(30);

/// How the browser is set up.
#[derive(Debug, Clone)]
pub struct BrowserOptions {
    /// Do scripts run?
    pub javascript: bool,
    /// Does the person prefer a dark colour scheme?
    pub dark: bool,
    /// The width of the page's viewport, in CSS pixels.
    pub width: u32,
    /// The height of the page's viewport, in CSS pixels.
    pub height: u32,
}

impl Default for BrowserOptions {
    /// JavaScript on, light, 1280 × 800.
    fn default() -> Self {
        Self { javascript: true, dark: false, width: 1280, height: 800 }
    }
}

/// Why the browser did not start, or did not do as it was told.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum BrowserError {
    /// There is no chromedriver.
    #[error(
        "chromedriver is not at {path} ({error}): run `apt-get install chromium chromium-driver`, \
         or set CHROMEDRIVER to where it is", path = .path.display()
    )]
    NoDriver {
        /// Where it was looked for.
        path: PathBuf,
        /// What the system said.
        error: std::io::Error,
    },
    /// chromedriver ended, or never said on which port it listens.
    #[error("chromedriver did not start; it printed:\n{0}")]
    DriverSilent(String),
    /// Chromium did not start.
    #[error("Chromium did not start; is it installed (`apt-get install chromium`)? {0}")]
    NoSession(#[from] NewSessionError),
    /// A command failed.
    #[error("{what}: {error}")]
    Command {
        /// What was asked for.
        what: String,
        /// What chromedriver said.
        error: CmdError,
    },
    /// A file could not be written.
    #[error("cannot write: {0}")]
    Write(#[from] std::io::Error),
}

/// A browser window with a profile of its own. Dropping it ends chromedriver and Chromium.
#[derive(Debug)]
pub struct Browser {
    // In this order: the driver and its browser end before their profile is removed.
    session: fantoccini::Client,
    driver: Driver,
    _profile: TempDir,
}

impl Browser {
    /// Starts chromedriver (`$CHROMEDRIVER`, or else `/usr/bin/chromedriver`) on a free port, and a browser.
    pub async fn start(options: BrowserOptions) -> Result<Self, BrowserError> {
        let driver = Driver::start()?;
        let profile = TempDir::with_prefix("hardtack-browser-")?;
        let mut builder = ClientBuilder::new(HttpConnector::new());
        builder.capabilities(capabilities(&options, profile.path()));
        let session = builder.connect(&format!("http://127.0.0.1:{}", driver.port)).await?;
        Ok(Self { session, driver, _profile: profile })
    }

    /// Opens a page and waits until it has loaded.
    pub async fn goto(&self, url: &str) -> Result<(), BrowserError> {
        self.session.goto(url).await.map_err(failed(format_args!("opening {url}")))
    }

    /// Types into the visible field of that name, in place of what it held.
    pub async fn fill(&self, name: &str, value: &str) -> Result<(), BrowserError> {
        let selector = format!("[name={}]:not([type=hidden])", Value::from(name));
        let field = self.find(&selector).await?;
        field.clear().await.map_err(failed(format_args!("clearing {selector}")))?;
        field.send_keys(value).await.map_err(failed(format_args!("typing into {selector}")))
    }

    /// Clicks a button or a link; given a form, its submit button.
    pub async fn submit(&self, selector: &str) -> Result<(), BrowserError> {
        let mut target = self.find(selector).await?;
        let tag = target.tag_name().await.map_err(failed(format_args!("looking at {selector}")))?;
        if tag.eq_ignore_ascii_case("form") {
            let button = Locator::Css("button:not([type=button], [type=reset]), input[type=submit]");
            target = target.find(button).await.map_err(failed(format_args!("the submit button of {selector}")))?;
        }
        target.click().await.map_err(failed(format_args!("clicking {selector}")))
    }

    /// The text that a person can see on the page.
    pub async fn text(&self) -> Result<String, BrowserError> {
        self.find("body").await?.text().await.map_err(failed("reading the page"))
    }

    /// The page's title.
    pub async fn title(&self) -> Result<String, BrowserError> {
        self.session.title().await.map_err(failed("reading the title"))
    }

    /// The path and query of the page that is open.
    pub async fn path(&self) -> Result<String, BrowserError> {
        let url = self.session.current_url().await.map_err(failed("reading the address"))?;
        Ok(url[url::Position::BeforePath..url::Position::AfterQuery].to_owned())
    }

    /// Writes what the window shows to a PNG file.
    pub async fn screenshot(&self, path: impl AsRef<Path>) -> Result<(), BrowserError> {
        let png = self.session.screenshot().await.map_err(failed("taking a screenshot"))?;
        Ok(std::fs::write(path, png)?)
    }

    /// A cookie of the open page, `HttpOnly` or not.
    pub async fn cookie(&self, name: &str) -> Result<Option<Cookie<'static>>, BrowserError> {
        match self.session.get_named_cookie(name).await {
            Ok(cookie) => Ok(Some(cookie)),
            Err(CmdError::Standard(error)) if error.error == ErrorStatus::NoSuchCookie => Ok(None),
            Err(error) => Err(failed(format_args!("the cookie {name}"))(error)),
        }
    }

    /// The WebDriver session, for what has no method here.
    pub fn session(&self) -> &fantoccini::Client {
        &self.session
    }

    /// Ends the browser in good order.
    pub async fn close(self) -> Result<(), BrowserError> {
        self.session.clone().close().await.map_err(failed("closing"))
    }

    async fn find(&self, selector: &str) -> Result<Element, BrowserError> {
        self.session.find(Locator::Css(selector)).await.map_err(failed(format_args!("looking for {selector}")))
    }
}

fn failed(what: impl std::fmt::Display) -> impl FnOnce(CmdError) -> BrowserError {
    let what = what.to_string();
    move |error| BrowserError::Command { what, error }
}

fn capabilities(options: &BrowserOptions, profile: &Path) -> Map<String, Value> {
    let mut args = vec![
        "--headless=new".to_owned(),
        // Tests run as root in containers, where Chromium's own sandbox cannot start.
        "--no-sandbox".to_owned(),
        "--disable-gpu".to_owned(),
        "--disable-quic".to_owned(),
        "--no-first-run".to_owned(),
        "--disable-background-networking".to_owned(),
        "--disable-component-update".to_owned(),
        "--disable-sync".to_owned(),
        // A container's /dev/shm is often too small for a screenshot.
        "--disable-dev-shm-usage".to_owned(),
        format!("--user-data-dir={}", profile.display()),
        // 0 is dark and 1 is light: blink::mojom::PreferredColorScheme.
        format!("--blink-settings=preferredColorScheme={}", u8::from(!options.dark)),
    ];
    args.push(format!("--window-size={},{}", options.width, options.height));
    let mut chrome = json!({
        "args": args,
        // A window is at least 500 px wide, and its height counts a title bar; the emulation is exact.
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
        _ => unreachable!("it is written as an object"),
    }
}

/// chromedriver, with what it started: a process group of its own.
#[derive(Debug)]
struct Driver {
    child: Child,
    port: u16,
}

impl Driver {
    fn start() -> Result<Self, BrowserError> {
        let path = PathBuf::from(std::env::var_os("CHROMEDRIVER").unwrap_or_else(|| "/usr/bin/chromedriver".into()));
        let mut command = Command::new(&path);
        // It picks a port itself and says which, so that no two tests race for one.
        command.arg("--port=0").stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null()).process_group(0);
        let mut child = command.spawn().map_err(|error| BrowserError::NoDriver { path, error })?;
        let lines = BufReader::new(child.stdout.take().expect("stdout is piped")).lines();
        let mut driver = Self { child, port: 0 };
        let (sender, receiver) = mpsc::channel();
        // Reads on to the end, so that chromedriver never waits for a full pipe.
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

/// "ChromeDriver was started successfully on port 43231."
fn announced_port(line: &str) -> Option<u16> {
    line.split_once("started successfully on port ")?.1.trim_end_matches('.').parse().ok()
}

impl Drop for Driver {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[cfg(test)]
mod tests {
    use super::announced_port;

    #[test]
    fn port_that_chromedriver_announces() {
        assert_eq!(announced_port("ChromeDriver was started successfully on port 43231."), Some(43231));
        assert_eq!(announced_port("Starting ChromeDriver 156.0 on port 0"), None);
    }
}
