//! The secrets that the command line gives.

use crate::fault::Fault;
use crate::{document, terminal};
use admission::Plan;
use runner::SecretObjects;
use secret::shorthand::parse_assignment;
use std::cell::RefCell;
use std::collections::BTreeSet;
use std::fs;
use stores::{Local, Stores};

#[derive(clap::Args)]
pub(crate) struct GivenArgs {
    /// A secret and its value; may be given many times
    #[arg(long = "secret", value_name = "GROUP/KEY=VALUE")]
    secrets: Vec<String>,

    /// A secret whose value is in a file, byte for byte; may be given many times
    #[arg(long = "secret-file", value_name = "GROUP/KEY=FILE")]
    files: Vec<String>,
}

/// The given secrets, and which of them the pod's own references used.
pub(crate) struct Given {
    stores: Stores,
    used: RefCell<BTreeSet<(String, String)>>,
}

impl GivenArgs {
    pub(crate) fn read(&self) -> Result<Given, Fault> {
        let mut local = Local::default();
        let mut keep = |option: &str, group: &str, key: &str, value: Vec<u8>| {
            if local.insert(group, key, value) {
                Ok(())
            } else {
                let name = shown(group, key);
                Err(Fault::new(format!("`{option}` gives secret `{name}` a second time")).hint("give it once"))
            }
        };
        for (index, text) in self.secrets.iter().enumerate() {
            let (group, key, value) = assignment("--secret", "VALUE", index, text)?;
            keep("--secret", group, key, value.as_bytes().to_vec())?;
        }
        for (index, text) in self.files.iter().enumerate() {
            let (group, key, path) = assignment("--secret-file", "FILE", index, text)?;
            let value = fs::read(path).map_err(|error| {
                let (name, reason) = (shown(group, key), document::reason(&error));
                // The path is not shown: whoever took one option for the other gave a value here.
                Fault::new(format!("`--secret-file` for `{name}`: the file that it names can't be read: {reason}"))
                    .hint("--secret-file takes the name of a file, --secret a value")
            })?;
            keep("--secret-file", group, key, value)?;
        }
        Ok(Given { stores: Stores { local }, used: RefCell::default() })
    }
}

fn shown(group: &str, key: &str) -> String {
    format!("{group}/{key}").escape_debug().to_string()
}

/// Takes an option's value apart. Where that fails, any part of it may be a secret's value, so that none is repeated.
fn assignment<'t>(
    option: &str,
    value: &str,
    index: usize,
    text: &'t str,
) -> Result<(&'t str, &'t str, &'t str), Fault> {
    parse_assignment(text).map_err(|error| {
        let number = index + 1;
        Fault::new(format!("`{option}` number {number}: {error}")).hint(format!("write {option} GROUP/KEY={value}"))
    })
}

impl Given {
    pub(crate) fn stores(&self) -> &Stores {
        &self.stores
    }

    /// The values that the pod's own references got.
    pub(crate) fn answered(&self) -> Vec<runner::Masked> {
        use secrecy::ExposeSecret;
        let used = self.used.borrow();
        let values = used.iter().filter_map(|(name, key)| self.stores.local.get(name, key));
        values.map(|value| value.expose_secret().into()).collect()
    }

    /// Says which secrets nothing asked for: most often a typing mistake.
    pub(crate) fn warn_of_unused(&self, plan: &Plan) {
        let used = self.used.borrow();
        for (group, key) in self.stores.local.keys() {
            let asked = plan.requests.iter().any(|r| (r.secret.group.as_str(), r.secret.key.as_str()) == (group, key));
            if !asked && !used.contains(&(group.to_owned(), key.to_owned())) {
                terminal::warning(format!("nothing asked for secret `{}`", shown(group, key)));
            }
        }
    }
}

/// The pod's own references to Secrets.
impl SecretObjects for Given {
    fn get(&self, name: &str, key: &str) -> Option<Vec<u8>> {
        use secrecy::ExposeSecret;
        let value = self.stores.local.get(name, key)?;
        self.used.borrow_mut().insert((name.to_owned(), key.to_owned()));
        Some(value.expose_secret().to_vec())
    }

    fn keys(&self, name: &str) -> Option<Vec<String>> {
        let keys: Vec<String> =
            self.stores.local.keys().filter(|(group, _)| *group == name).map(|(_, key)| key.to_owned()).collect();
        (!keys.is_empty()).then_some(keys)
    }
}
