//! A short name for a device, derived from its `User-Agent`.

/// How many bytes of a `User-Agent` are read. Real browsers send shorter values.
const MAX_READ: usize = 512;

/// Programs whose `User-Agent` starts with their name.
const TOOLS: &[(&str, &str)] = &[
    ("curl/", "curl"),
    ("Wget", "Wget"),
    ("HTTPie/", "HTTPie"),
    ("xh/", "xh"),
    ("PostmanRuntime/", "Postman"),
    ("insomnia/", "Insomnia"),
    ("bruno-runtime/", "Bruno"),
    ("python-requests/", "Python Requests"),
    ("python-httpx/", "Python HTTPX"),
    ("Python-urllib/", "Python"),
    ("Python/", "Python"),
    ("Go-http-client/", "Go program"),
    ("okhttp/", "Android app"),
    ("Dalvik/", "Android app"),
    ("Dart/", "Flutter app"),
    ("reqwest/", "Rust program"),
    ("hyper/", "Rust program"),
    ("ureq/", "Rust program"),
    ("Java/", "Java program"),
    ("Java-http-client/", "Java program"),
    ("Apache-HttpClient/", "Java program"),
    ("axios/", "Node.js program"),
    ("node-fetch/", "Node.js program"),
    ("undici", "Node.js program"),
    ("node", "Node.js program"),
    ("Lynx/", "Lynx"),
    ("w3m/", "w3m"),
    ("ELinks/", "ELinks"),
];

/// Known browsers. The first match wins, so more specific names come first: Edge also sends `Chrome/`, and Chrome also
/// sends `Safari/`.
const BROWSERS: &[(&str, &str)] = &[
    ("PowerShell/", "PowerShell"),
    ("Edg/", "Edge"),
    ("EdgA/", "Edge"),
    ("EdgiOS/", "Edge"),
    ("Edge/", "Edge"),
    ("OPR/", "Opera"),
    ("OPT/", "Opera"),
    ("OPX/", "Opera"),
    ("Opera", "Opera"),
    ("Vivaldi/", "Vivaldi"),
    ("SamsungBrowser/", "Samsung Internet"),
    ("YaBrowser/", "Yandex Browser"),
    ("DuckDuckGo/", "DuckDuckGo"),
    ("Ddg/", "DuckDuckGo"),
    ("Brave/", "Brave"),
    ("UCBrowser/", "UC Browser"),
    ("FxiOS/", "Firefox"),
    ("Focus/", "Firefox Focus"),
    ("Seamonkey/", "SeaMonkey"),
    ("SeaMonkey/", "SeaMonkey"),
    ("PaleMoon/", "Pale Moon"),
    ("Firefox/", "Firefox"),
    ("CriOS/", "Chrome"),
    ("HeadlessChrome/", "Headless Chrome"),
    ("Epiphany/", "GNOME Web"),
    ("Chromium/", "Chromium"),
    ("Chrome/", "Chrome"),
    ("Safari/", "Safari"),
    ("Ladybird/", "Ladybird"),
    ("Servo/", "Servo"),
    ("Trident/", "Internet Explorer"),
    ("MSIE ", "Internet Explorer"),
];

/// Known operating systems. The first match wins, so more specific names come first: an iPhone also sends `Mac OS X`,
/// and an Android device also sends `Linux`.
const SYSTEMS: &[(&str, &str)] = &[
    ("iPhone", "iPhone"),
    ("iPad", "iPad"),
    ("iPod", "iPod"),
    ("Android", "Android"),
    ("CrOS", "ChromeOS"),
    ("Windows", "Windows"),
    ("Macintosh", "macOS"),
    ("Mac OS X", "macOS"),
    ("FreeBSD", "FreeBSD"),
    ("OpenBSD", "OpenBSD"),
    ("NetBSD", "NetBSD"),
    ("Linux", "Linux"),
    ("X11", "Unix"),
];

/// Returns a name for the device that sent this `User-Agent`, such as "Firefox on Linux", "curl" or "Unknown device".
/// The name consists of fixed text and names from the tables above, so no text from the header ends up on a page.
pub(crate) fn device_name(user_agent: &str) -> String {
    let agent = &user_agent[..user_agent.floor_char_boundary(MAX_READ)];
    let first = |table: &[(&str, &'static str)], matches: fn(&str, &str) -> bool| {
        table.iter().find(|(token, _)| matches(agent, token)).map(|&(_, name)| name)
    };
    if let Some(tool) = first(TOOLS, |agent, token| agent.starts_with(token)) {
        return tool.to_owned();
    }
    let browser = first(BROWSERS, |agent, token| agent.contains(token));
    let system = first(SYSTEMS, |agent, token| agent.contains(token));
    match (browser, system) {
        (Some(browser), Some(system)) => format!("{browser} on {system}"),
        (Some(browser), None) => browser.to_owned(),
        (None, Some(system)) => format!("Unknown browser on {system}"),
        (None, None) => "Unknown device".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn devices_have_short_names() {
        for (agent, name) in [
            ("Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0", "Firefox on Linux"),
            (
                "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/138.0.0.0 Safari/537.36",
                "Chrome on Windows",
            ),
            (
                "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/138.0.0.0 Safari/537.36 Edg/138.0.0.0",
                "Edge on Windows",
            ),
            (
                "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.5 Safari/605.1.15",
                "Safari on macOS",
            ),
            (
                "Mozilla/5.0 (iPhone; CPU iPhone OS 18_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.5 Mobile/15E148 Safari/604.1",
                "Safari on iPhone",
            ),
            (
                "Mozilla/5.0 (iPhone; CPU iPhone OS 18_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) FxiOS/140.0 Mobile/15E148 Safari/605.1.15",
                "Firefox on iPhone",
            ),
            (
                "Mozilla/5.0 (iPad; CPU OS 18_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) CriOS/138.0.0.0 Mobile/15E148 Safari/604.1",
                "Chrome on iPad",
            ),
            (
                "Mozilla/5.0 (Linux; Android 10; K) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/138.0.0.0 Mobile Safari/537.36",
                "Chrome on Android",
            ),
            (
                "Mozilla/5.0 (Linux; Android 14; SM-S911B) AppleWebKit/537.36 (KHTML, like Gecko) SamsungBrowser/28.0 Chrome/130.0.0.0 Mobile Safari/537.36",
                "Samsung Internet on Android",
            ),
            (
                "Mozilla/5.0 (X11; CrOS x86_64 14541.0.0) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/138.0.0.0 Safari/537.36",
                "Chrome on ChromeOS",
            ),
            (
                "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/138.0.0.0 Safari/537.36 OPR/122.0.0.0",
                "Opera on Linux",
            ),
            (
                "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) HeadlessChrome/138.0.0.0 Safari/537.36",
                "Headless Chrome on Linux",
            ),
            ("Mozilla/5.0 (X11; OpenBSD amd64; rv:140.0) Gecko/20100101 Firefox/140.0", "Firefox on OpenBSD"),
            (
                "Mozilla/5.0 (Windows NT; Windows NT 10.0; de-DE) WindowsPowerShell/5.1.22621.963",
                "PowerShell on Windows",
            ),
            ("Mozilla/5.0 (Windows NT 10.0; WOW64; Trident/7.0; rv:11.0) like Gecko", "Internet Explorer on Windows"),
            ("curl/8.14.1", "curl"),
            ("Wget/1.25.0", "Wget"),
            ("python-requests/2.32.4", "Python Requests"),
            ("okhttp/4.12.0", "Android app"),
            ("Firefox/140.0", "Firefox"),
            ("Mozilla/5.0 (X11; Linux x86_64)", "Unknown browser on Linux"),
            ("", "Unknown device"),
            ("Mozilla/5.0", "Unknown device"),
            ("my-own-client/1.0", "Unknown device"),
        ] {
            assert_eq!(device_name(agent), name, "{agent}");
        }
    }

    #[test]
    fn no_text_of_the_header_is_repeated() {
        assert_eq!(device_name("<script>alert(1)</script> Firefox/<b> Linux"), "Firefox on Linux");
        assert_eq!(device_name("\u{202e}\0\r\n'\""), "Unknown device");
    }

    #[test]
    fn only_the_start_is_read_however_long_it_is() {
        let far = format!("{}Firefox/1", "x".repeat(MAX_READ));
        assert_eq!(device_name(&far), "Unknown device");
        // At one of these lengths, the cut falls in the middle of a character.
        for pad in 0..4 {
            let wide = format!("Firefox/1 {}{}", "x".repeat(pad), "🍪".repeat(100_000));
            assert_eq!(device_name(&wide), "Firefox");
        }
    }
}
