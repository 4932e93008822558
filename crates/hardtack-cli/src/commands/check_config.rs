//! `hardtack check-config`.

use crate::config::{
    Config, log_in_limits, settings,
    sources::{FlagValues, Source},
};
use crate::error::Error;
use crate::{keys, output, stores};

/// Checks the settings and the key files as `serve` does. Prints the effective settings in the format of a settings
/// file. Creates no files and no keys.
pub(super) fn run(flags: &FlagValues) -> Result<(), Error> {
    let config = Config::load(flags)?;
    config.check(keys::placeholder(&config)?)?;
    let keys = keys::load(&config)?;
    if let Some(keys) = &keys {
        config.check(keys.clone())?;
    }
    for warning in config.warnings.iter().chain(&stores::untrusted_folders(&config)) {
        output::print_error(warning);
    }
    for (line, source) in in_effect(&config) {
        output::print(format_args!("{line:<54} # {source}"))?;
    }
    if let Some(mode) = config.database.ssl_mode() {
        output::print(format_args!("# TLS of connections to the database: {mode}"))?;
    }
    output::print(match keys {
        Some(keys) => {
            let others = keys.verifying_keys().len().saturating_sub(1);
            let signing = keys.signing_key().map(|key| {
                let id = key.key_id().map(|id| format!(" {id}")).unwrap_or_default();
                format!("{}{id}", key.algorithm())
            });
            format!("# signing key: {}; other verifying keys: {others}", signing.unwrap_or_else(|| "none".to_owned()))
        }
        None => "# signing key: none yet; the first start creates one".to_owned(),
    })
}

/// For each setting that has a value, returns the line that a settings file would contain, and the place where the
/// value was set. For a secret, the line is a comment without the value.
fn in_effect(config: &Config) -> impl Iterator<Item = (String, String)> {
    settings::ALL.iter().filter_map(|setting| {
        let value = config.sources.value(setting);
        let source = match value.map(|value| (&value.source, &value.name)) {
            None => "default".to_owned(),
            Some((Source::Flag | Source::Environment, name)) => name.clone(),
            Some((Source::File(path), _)) => path.display().to_string(),
        };
        let name = setting.name();
        if let Some(value) = value
            && setting.hides(&value.text)
        {
            // Show the URL without its password.
            let shown = match &config.redis {
                _ if *setting == settings::SMTP_URL => match smtp_server(config) {
                    Some(server) => format!("without its password: {server}"),
                    None => "not shown".to_owned(),
                },
                _ if *setting == settings::DATABASE_URL => format!("without its password: {}", config.database),
                Some(redis) if *setting == settings::REDIS_URL => format!("without its password: {}", redis.url),
                _ => "not shown".to_owned(),
            };
            return Some((format!("# {name} is set, {shown}"), source));
        }
        let text = match value {
            Some(value) if *setting == settings::LOG_IN_LIMITS => log_in_limits::complete(&value.text),
            Some(value) => value.text.clone(),
            None if *setting == settings::BASE_URL => config.address.base_url(config.address.listen),
            None if *setting == settings::DATABASE_URL => config.database.to_string(),
            None if *setting == settings::REDIS_FOR => {
                config.redis.as_ref().map(|redis| redis.purpose.name().to_owned()).unwrap_or_default()
            }
            None => setting.default.to_owned(),
        };
        // Write `true` and `false` without quotes.
        let toml = text.parse().map_or_else(|_| toml::Value::String(text.clone()), toml::Value::Boolean);
        (!text.is_empty()).then(|| (format!("{name} = {toml}"), source))
    })
}

/// Returns the URL of the mail server without its password.
fn smtp_server(config: &Config) -> Option<String> {
    match &config.mail.as_ref()?.transport {
        #[cfg(feature = "smtp")]
        crate::config::MailTransport::Smtp(server) => Some(server.to_string()),
        _ => None,
    }
}
