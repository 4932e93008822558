//! From texts to typed settings.

use std::ffi::OsString;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use hardtack::RefreshMode;
use hardtack::config::Lifetime;
use hardtack_sqlx::DatabaseUrl;

use super::given::{Given, Layer, Layers, Source};
use super::{Opt, Settings, cookies, duration, env, file, mail, options, places, redis};
use crate::cli::ServeOptions;
use crate::error::Error;
use crate::logs::LogFormat;
use crate::settings::given_key;

pub(super) fn load(
    options: &ServeOptions,
    variables: impl IntoIterator<Item = (OsString, OsString)>,
) -> Result<Settings, Error> {
    let variables: Vec<_> = variables.into_iter().collect();
    let in_environment = variables.iter().find(|(name, _)| name == env::CONFIG).map(|(_, path)| Path::new(path));
    let file = file::read(match (&options.place.config, in_environment) {
        (Some(path), _) => Some(("--config", path)),
        (None, Some(path)) => Some((env::CONFIG, path)),
        (None, None) => None,
    })?;
    let environment = env::read(variables)?;
    let layers = Layers(vec![flags(options)?, environment.layer, file]);
    typed(layers, environment.unknown)
}

fn flags(options: &ServeOptions) -> Result<Layer, Error> {
    let mut layer = Layer::default();
    for (opt, value) in options.given() {
        layer.put(opt, Given { value, name: opt.handle(), source: Source::Flag })?;
    }
    Ok(layer)
}

fn typed(layers: Layers, warnings: Vec<String>) -> Result<Settings, Error> {
    let expected = "an IP address and a port such as 127.0.0.1:8080 or [::1]:8080";
    let listen: SocketAddr = required(layers.read(&options::LISTEN, expected, |text| text.parse().ok())?)?;
    let base_url = layers.text(&options::BASE_URL).map(str::to_owned);
    let expected = "a folder";
    let folder = |text: &str| (!text.is_empty()).then(|| PathBuf::from(text));
    let data_dir = required(layers.read(&options::DATA_DIR, expected, folder)?)?;
    let database = database(&layers, &data_dir)?;
    let algorithm = given_key::algorithm(&layers)?;
    let without_csrf = without_csrf(&layers)?;
    Ok(Settings {
        listen,
        data_dir,
        database,
        redis: redis::read(&layers)?,
        mail: mail::read(&layers)?,
        log_format: required(layers.read(&options::LOG_FORMAT, "text or json", log_format)?)?,
        given_key: given_key::read(&layers, algorithm)?,
        algorithm,
        access_lifetime: lifetime(&layers, &options::ACCESS_LIFETIME)?,
        refresh_lifetime: lifetime(&layers, &options::REFRESH_LIFETIME)?,
        session_lifetime: required(layers.read(&options::SESSION_LIFETIME, &at_least_a_second(), |text| {
            duration::parse(text).filter(|span| !span.is_zero())
        })?)?,
        leeway: required(layers.read(&options::LEEWAY, duration::EXPECTED, duration::parse)?)?,
        refresh: required(layers.read(&options::REFRESH, "transparent, redirect, sliding or off", refresh)?)?,
        issuer: layers.read(&options::ISSUER, "some text", non_empty)?,
        audience: layers.read(&options::AUDIENCE, "some text", non_empty)?,
        cookies: cookies::read(&layers, base_url.as_deref())?,
        base_url,
        insecure_http: flag(&layers, &options::INSECURE_HTTP)?.unwrap_or_default(),
        csrf_header: layers.text(&options::CSRF_HEADER_NAME).unwrap_or_default().to_owned(),
        identity_claim: layers.text(&options::IDENTITY_CLAIM).unwrap_or_default().to_owned(),
        encode_nbf: flag(&layers, &options::ENCODE_NBF)?.unwrap_or(true),
        sources: places::read(&layers)?,
        without_csrf,
        layers,
        warnings,
    })
}

/// The database of the URL, or else the file in the data folder.
fn database(layers: &Layers, data_dir: &Path) -> Result<DatabaseUrl, Error> {
    let Some(url) = layers.text(&options::DATABASE_URL) else { return Ok(data_dir.join("hardtack.db").into()) };
    url.parse().map_err(|error| Error::config(format_args!("{}: {error}", layers.label(&options::DATABASE_URL))))
}

/// A setting with a default is always there.
fn required<T>(value: Option<T>) -> Result<T, Error> {
    value.ok_or_else(|| Error::runtime("a setting has no default; this is a mistake of the program"))
}

/// Reads `true` or `false`.
pub(super) fn flag(layers: &Layers, opt: &Opt) -> Result<Option<bool>, Error> {
    layers.read(opt, "true or false", |text| match text.to_ascii_lowercase().as_str() {
        "true" | "1" => Some(true),
        "false" | "0" => Some(false),
        _ => None,
    })
}

fn at_least_a_second() -> String {
    format!("at least one second, as {}", duration::EXPECTED)
}

fn lifetime(layers: &Layers, opt: &Opt) -> Result<Lifetime, Error> {
    required(layers.read(opt, &at_least_a_second(), |text| {
        // Flask-JWT-Extended's word for tokens that never expire; the authenticator says what it thinks of them.
        if text.eq_ignore_ascii_case("false") {
            return Some(Lifetime::InsecureForever);
        }
        duration::parse(text).filter(|span| !span.is_zero()).map(Lifetime::For)
    })?)
}

fn refresh(text: &str) -> Option<RefreshMode> {
    match text {
        "transparent" => Some(RefreshMode::Transparent),
        "redirect" => Some(RefreshMode::Redirect),
        "sliding" => Some(RefreshMode::Sliding),
        "off" => Some(RefreshMode::Off),
        _ => None,
    }
}

fn log_format(text: &str) -> Option<LogFormat> {
    match text {
        "text" => Some(LogFormat::Text),
        "json" => Some(LogFormat::Json),
        _ => None,
    }
}

fn non_empty(text: &str) -> Option<String> {
    (!text.is_empty()).then(|| text.to_owned())
}

/// Protection goes off by the loud name only.
fn without_csrf(layers: &Layers) -> Result<bool, Error> {
    let without = flag(layers, &options::INSECURE_WITHOUT_CSRF)?.unwrap_or_default();
    match flag(layers, &options::COOKIE_CSRF_PROTECT)? {
        Some(false) if !without => Err(Error::config(format_args!(
            "{}, which would let other pages act for your users; leave it out, or add --insecure-without-csrf if that \
             is truly wanted",
            layers.named(&options::COOKIE_CSRF_PROTECT)
        ))),
        Some(true) if without => Err(Error::config(format_args!(
            "{} and {} contradict each other; leave one out",
            layers.named(&options::COOKIE_CSRF_PROTECT),
            layers.named(&options::INSECURE_WITHOUT_CSRF)
        ))),
        _ => Ok(without),
    }
}
