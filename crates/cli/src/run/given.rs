//! The secrets that the command line gives.

use super::kept::Known;
use crate::fault::Fault;
use crate::{document, terminal};
use admission::Plan;
use admission::plan::{Request, Source};
use runner::SecretObjects;
use secret::Secret;
use secret::shorthand::parse_assignment;
use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use stores::{Local, LocalStore, Location, Managed, Origin, Stores};

#[derive(clap::Args)]
pub(crate) struct GivenArgs {
    /// A secret and its value; may be given many times. Names with `=`, or keys with `/`, are given as
    /// `{"group": …, "key": …, "value": …}`
    #[arg(long = "secret", value_name = "GROUP/KEY=VALUE")]
    secrets: Vec<String>,

    /// A secret whose value is in a file, or - for stdin, byte for byte; may be given many times
    #[arg(long = "secret-file", value_name = "GROUP/KEY=FILE")]
    files: Vec<String>,
}

/// The given secrets, and which of them the pod's own references used.
pub(crate) struct Given {
    stores: Stores,
    used: RefCell<BTreeSet<(String, String)>>,
}

impl GivenArgs {
    pub(super) fn has_secrets(&self) -> bool {
        !self.secrets.is_empty()
    }

    pub(super) fn has_files(&self) -> bool {
        !self.files.is_empty()
    }

    pub(crate) fn read(&self) -> Result<Given, Fault> {
        // Where there is no place for a store there is none.
        let store = Location::from_env(|name| std::env::var_os(name)).ok().map(LocalStore::at);
        let mut local = Local::with_store(store);
        let mut keep = |option: &str, group: &str, key: &str, value: Vec<u8>| {
            if local.insert(group, key, value) {
                Ok(())
            } else {
                let name = shown(group, key);
                Err(Fault::new(format!("`{option}` gives secret `{name}` a second time")).hint("give it once"))
            }
        };
        for (index, text) in self.secrets.iter().enumerate() {
            let (group, key, value) = assignment(&SECRET, index, text)?;
            keep(SECRET.option, &group, &key, value.into_bytes())?;
        }
        for (index, text) in self.files.iter().enumerate() {
            let (group, key, path) = assignment(&SECRET_FILE, index, text)?;
            let value = document::read_bytes(&path).map_err(|error| {
                let (name, reason) = (shown(&group, &key), document::reason(&error));
                // The path is not shown: whoever took one option for the other gave a value here.
                Fault::new(format!("`--secret-file` for `{name}`: the file that it names can't be read: {reason}"))
                    .hint("--secret-file takes the name of a file or - for stdin, --secret a value")
            })?;
            keep(SECRET_FILE.option, &group, &key, value)?;
        }
        Ok(Given { stores: Stores { local }, used: RefCell::default() })
    }
}

fn shown(group: &str, key: &str) -> String {
    format!("{group}/{key}").escape_debug().to_string()
}

/// An option that gives secrets, and what is given with it.
pub(super) struct Assigning {
    option: &'static str,
    what: &'static str,
    /// The same in the JSON spelling.
    member: &'static str,
}

pub(super) const SECRET: Assigning = Assigning { option: "--secret", what: "VALUE", member: "value" };
const SECRET_FILE: Assigning = Assigning { option: "--secret-file", what: "FILE", member: "file" };

fn shown_origin(origin: Origin) -> &'static str {
    match origin {
        Origin::Store => "local store",
        Origin::Given => "--secret",
        Origin::Manager(manager) => manager.name(),
    }
}

/// Takes an option's value apart. Where that fails, any part of it may be a secret's value, so that none is repeated.
fn assignment(assigning: &Assigning, index: usize, text: &str) -> Result<(String, String, String), Fault> {
    taken_apart(text, assigning).map_err(|reason| {
        let Assigning { option, what, .. } = assigning;
        Fault::new(format!("`{option}` number {}: {reason}", index + 1))
            .hint(format!("write {option} GROUP/KEY={what}"))
    })
}

/// Group, key and what is given, of `GROUP/KEY=VALUE` or, for names that this can't hold, of the JSON object that
/// `keybearer.dev/secrets` would have, with one member more.
pub(super) fn taken_apart(text: &str, assigning: &Assigning) -> Result<(String, String, String), String> {
    if !text.starts_with('{') {
        let (group, key, given) = parse_assignment(text).map_err(|error| error.to_string())?;
        return Ok((group.to_owned(), key.to_owned(), given.to_owned()));
    }
    // What the parser says of it could repeat a value.
    let object: Option<BTreeMap<String, String>> = serde_json::from_str(text).ok();
    let parts = object.filter(|object| object.len() == 3).and_then(|mut object| {
        Some((object.remove("group")?, object.remove("key")?, object.remove(assigning.member)?))
    });
    parts.ok_or_else(|| {
        let member = assigning.member;
        format!("it starts with `{{`, but is no JSON object of the texts `group`, `key` and `{member}`")
    })
}

impl Given {
    pub(crate) fn stores(&self) -> &Stores {
        &self.stores
    }

    /// Who has a secret here, if anyone.
    pub(crate) fn here(&self, secret: &Secret) -> Option<&'static str> {
        let found = self.stores.local.get(&secret.group, &secret.key, &secret.group_version);
        found.map(|(_, origin)| shown_origin(origin))
    }

    /// Keeps what managers answered.
    pub(super) fn answer(&self, managed: Managed) {
        self.stores.local.answer(managed);
    }

    /// What the pod's own references got.
    pub(super) fn answered(&self) -> Vec<Known> {
        let used = self.used.borrow();
        let known = used.iter().filter_map(|(name, key)| {
            let (value, _) = self.stores.local.get(name, key, "")?;
            Some((shown(name, key), value.clone()))
        });
        known.collect()
    }

    /// Says so where the local store was needed and can't be read: what looks missing may be there.
    pub(crate) fn check_store(&self) -> Result<(), Fault> {
        self.stores.local.failure().map_or(Ok(()), |error| Err(error.into()))
    }

    /// Who answered a request of a plan.
    pub(crate) fn origin(&self, request: &Request) -> &'static str {
        let secret = &request.secret;
        let found = match &request.source {
            Source::Reference { name, key } => self.stores.local.get(name, key, ""),
            // On a laptop Local answers; the others never bring anything there.
            Source::Sealed | Source::Inline | Source::Pulled(_) | Source::Annotated(_) => {
                self.stores.local.get(&secret.group, &secret.key, &secret.group_version)
            }
        };
        found.map_or("--secret", |(_, origin)| shown_origin(origin))
    }

    /// Says which secrets nothing asked for: most often a typing mistake.
    pub(crate) fn warn_of_unused(&self, plan: &Plan) {
        let used = self.used.borrow();
        for (group, key) in self.stores.local.given() {
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
        let (value, _) = self.stores.local.get(name, key, "")?;
        self.used.borrow_mut().insert((name.to_owned(), key.to_owned()));
        Some(value.expose_secret().to_vec())
    }

    fn keys(&self, name: &str) -> Option<Vec<String>> {
        let keys = self.stores.local.keys_of(name);
        (!keys.is_empty()).then(|| keys.into_iter().collect())
    }
}
