//! `hardtack check-config`.

use crate::cli::ServeOptions;
use crate::error::Error;
use crate::settings::{Settings, Source, options};
use crate::{keys, output};

/// Checks what `serve` would check, without making or opening anything but key files, and prints what
/// is in force as a file that could be used.
pub(crate) fn run(options: &ServeOptions) -> Result<(), Error> {
    let settings = Settings::load(options)?;
    settings.check(keys::stand_in(&settings)?)?;
    let keys = keys::load(&settings)?;
    if let Some(keys) = &keys {
        settings.check(keys.clone())?;
    }
    for warning in &settings.warnings {
        output::complain(warning);
    }
    for (setting, source) in settings.effective() {
        output::print(format_args!("{setting:<54} # {source}"))?;
    }
    output::print(match keys {
        Some(keys) => {
            let others = keys.verifying_keys().len().saturating_sub(1);
            let signing = keys.signing_key().map(|key| {
                let id = key.key_id().map(|id| format!(" {id}")).unwrap_or_default();
                format!("{}{id}", key.algorithm())
            });
            format!("# signing key: {}; {others} more verify", signing.unwrap_or_else(|| "none".to_owned()))
        }
        None => "# signing key: none yet, made at the first start".to_owned(),
    })
}

impl Settings {
    /// Every setting that has a value, as a line of a file, and where it was set. Secrets are comments.
    fn effective(&self) -> impl Iterator<Item = (String, String)> {
        options::ALL.into_iter().filter_map(|opt| {
            let given = self.layers.given(opt);
            let source = match given.map(|given| (&given.source, &given.name)) {
                None => "default".to_owned(),
                Some((Source::Flag | Source::Environment, name)) => name.clone(),
                Some((Source::File(path), _)) => path.display().to_string(),
            };
            let name = opt.name();
            if let Some(given) = given
                && opt.hides(&given.value)
            {
                // What can be said of it, where something can.
                let shown = match &self.redis {
                    _ if *opt == options::DATABASE_URL => format!(": {}", self.database),
                    Some(redis) if *opt == options::REDIS_URL => format!(": {}", redis.url),
                    _ => String::new(),
                };
                return Some((format!("# {name} is set, not shown{shown}"), source));
            }
            let value = match given {
                Some(given) => given.value.clone(),
                None if *opt == options::BASE_URL => self.base_url(self.listen),
                None if *opt == options::DATABASE_URL => self.database.to_string(),
                None if *opt == options::REDIS_FOR => {
                    self.redis.as_ref().map(|redis| redis.purpose.name().to_owned()).unwrap_or_default()
                }
                None => opt.default.to_owned(),
            };
            // true and false need no quotes.
            let shown = value.parse().map_or_else(|_| toml::Value::String(value.clone()), toml::Value::Boolean);
            (!value.is_empty()).then(|| (format!("{name} = {shown}"), source))
        })
    }
}
