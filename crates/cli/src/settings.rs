//! The options that `run` and `explain` share.

use crate::fault::Fault;
use crate::{document, terminal};
use admission::config::{Reading, Source};
use admission::{Config, Dialect};
use clap::builder::PossibleValuesParser;

#[derive(clap::Args)]
pub(crate) struct Settings {
    /// The webhook's configuration (YAML), or - for stdin; without it the defaults hold
    #[arg(long, value_name = "FILE")]
    pub(crate) config: Option<String>,

    /// Whose pods are made; overrides `compat` of the configuration
    #[arg(long, value_name = "DIALECT", value_parser = dialects())]
    pub(crate) compat: Option<String>,

    /// The pod's namespace
    #[arg(short, long, value_name = "NAMESPACE", value_parser = namespace)]
    pub(crate) namespace: Option<String>,
}

impl Settings {
    /// The configuration, and a note for everything in it that is not used.
    pub(crate) fn load(&self) -> Result<Config, Fault> {
        self.read(false)
    }

    /// The same where no manager is asked but Local: the cluster's may be ones that this build can't serve.
    pub(crate) fn load_for_laptop(&self) -> Result<Config, Fault> {
        self.read(true)
    }

    fn read(&self, on_laptop: bool) -> Result<Config, Fault> {
        let compat = self.compat.as_deref().and_then(Dialect::from_name);
        let reading = Reading { compat, on_laptop, ..Reading::default() };
        let (text, origin) = match &self.config {
            None => (String::new(), "default configuration".to_owned()),
            Some(path) => {
                let (origin, text) = document::read_text(path)?;
                (text, origin)
            }
        };
        let config = Config::read(&[Source { text: &text, origin: &origin }], &reading).map_err(|error| {
            let where_to = self.config.is_none().then(|| {
                let compat = compat.map_or_else(String::new, |dialect| format!("compat: {}\n  ", dialect.name));
                format!("without --config the defaults hold; give it a file, such as\n  {compat}webhook: {{secretManagerType: K8s}}")
            });
            Fault::from(error).maybe_hint(where_to)
        })?;
        for note in &config.notes {
            terminal::note(note);
        }
        Ok(config)
    }
}

/// The names of the dialects.
pub(crate) fn dialects() -> PossibleValuesParser {
    PossibleValuesParser::new(Dialect::ALL.map(|dialect| dialect.name))
}

/// A name that Kubernetes lets a namespace have (RFC 1123 label).
pub(crate) fn namespace(text: &str) -> Result<String, &'static str> {
    let ends = |byte: Option<&u8>| byte.is_some_and(|byte| *byte != b'-');
    let bytes = text.as_bytes();
    let fits = bytes.iter().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || *byte == b'-');
    if fits && bytes.len() <= 63 && ends(bytes.first()) && ends(bytes.last()) {
        return Ok(text.to_owned());
    }
    Err("a namespace has lower case letters, digits and `-` within, up to 63")
}
