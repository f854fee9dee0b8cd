//! Where we do on purpose something else than Flyte, each with its name, its reason and its promise.
//!
//! The table is kept honest from both sides: a case that doesn't conform must be claimed by exactly one deviation and our
//! outcome must be what that one promises; a case that is claimed but conforms, and a deviation that claims nothing, are
//! failures too (`observed.rs`). What no observed case shows has its own test at the end of this file.
//!
//! What the cases are made of:
//! - v1 swallows every failure and admits the pod as it came (`fail-open`), but for Global's nil pod (`nil-pod-panic`).
//! - v2 denies what fails; so do we, with the same code. Those conform.
//! - Many generated pods ask for variables named `A=B` or `é`, or break in other ways that Flyte doesn't look at. Flyte
//!   makes a pod, and the API server refuses it (`refused-by-api-server`); we refuse it before, and say why.
//! - Two `group_version`s of one group, or a user's volume of the same Secret, make Flyte mount a volume that doesn't exist
//!   (`broken-mount-repaired`). Whether that is all that is wrong with the pod decides between these two.

use std::collections::{BTreeSet, HashMap};

use k8s_openapi::api::core::v1::{Container, Volume};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::admit::Outcome;
use crate::api_server::{Rule, Violation, list, new_violations};
use crate::cases::Case;
use crate::compare::{Lenient, flyte_pod, renamed};
use crate::oracle::our_faults;

/// One named deviation.
pub(crate) struct Deviation {
    pub(crate) name: &'static str,
    pub(crate) reason: &'static str,
    /// Whether a case comes under it.
    pub(crate) claims: fn(&Case) -> bool,
    /// What our outcome must be then.
    pub(crate) promises: Promise,
}

/// What a deviation promises of our outcome.
pub(crate) enum Promise {
    /// Flyte's pod but for one part, which this takes out of both; ours is a pod that the API server takes.
    But(fn(&mut Value)),
    /// A refusal whose message holds one of these.
    Refused(&'static [&'static str]),
    /// A pod that the API server takes, with every secret that was asked for.
    Works,
}

/// The table.
pub(crate) const DEVIATIONS: &[Deviation] = &[
    Deviation {
        name: "fail-open",
        reason: "v1 admits a pod without its secrets when one of them fails; we refuse it, and the message says which and why",
        claims: |case| case.version == "v1" && !panics(case) && case.asks() && admits_unpatched(case),
        promises: Promise::Refused(&[]),
    },
    Deviation {
        name: "nil-pod-panic",
        reason: "v1 panics (500) on a file request for a global secret; we refuse it with the reason",
        claims: panics,
        promises: Promise::Refused(&["only be injected as environment variables"]),
    },
    Deviation {
        name: "path-traversal",
        reason: "a group or key with `..` leads out of the directory of secrets; we refuse it",
        claims: climbs,
        promises: Promise::Refused(&[".."]),
    },
    Deviation {
        name: "refused-by-api-server",
        reason: "Flyte makes a pod that the API server refuses (names of variables, keys, two volumes of one name, two mounts at one path); we refuse it first, and the message says which secret is the cause",
        claims: |case| is_hopeless(&flytes_faults(case)) && !climbs(case),
        promises: Promise::Refused(&[]),
    },
    Deviation {
        name: "two-secrets-one-file",
        reason: "two secrets have one path in Flyte's pod (their names differ only in case, or one is in the place of the other's folder), and the task reads one for the other, or the pod never starts; we refuse them with both names",
        claims: |case| {
            (shares_a_file(case) || brings_two_into_one_place(case))
                && !is_hopeless(&flytes_faults(case))
                && !climbs(case)
        },
        promises: Promise::Refused(&["would be in the same file as", "would be its folder"]),
    },
    Deviation {
        name: "template-quoted",
        reason: "Flyte puts path and key as they are into a template of Vault's agent: a key with `-` or `.` breaks it, a quote or `}}` makes it do something else; ours are string literals in it",
        claims: |case| has_odd_template(case) && !brings_two_into_one_place(case) && !is_hopeless(&flytes_faults(case)),
        promises: Promise::But(take_out_templates),
    },
    Deviation {
        name: "shell-closed",
        reason: "Flyte puts names as they are into a shell's command line (GCP, Azure): blanks break it, `$(…)` and `;` make it do something else; where a shell would take a name for more than a word, ours are arguments of the script",
        claims: |case| {
            has_odd_command(case)
                && !climbs(case)
                && !brings_two_into_one_place(case)
                && !is_hopeless(&flytes_faults(case))
        },
        promises: Promise::But(take_out_commands),
    },
    Deviation {
        name: "wrong-volume-mounted",
        reason: "the pod has another volume with the name of Flyte's, so Flyte's pod mounts that one in place of the secret; we refuse it with the name",
        claims: |case| mounts_another_volume(case) && !is_hopeless(&flytes_faults(case)),
        promises: Promise::Refused(&["another volume named"]),
    },
    Deviation {
        name: "unread-fields-unchecked",
        reason: "Flyte decodes the whole pod and answers 400 to a wrong type in a field that has nothing to do with secrets; the API server has decoded it before, so we don't",
        claims: |case| case.natural().code == 400 && wrong_type_elsewhere(case),
        promises: Promise::Works,
    },
    Deviation {
        name: "long-volume-name",
        reason: "a volume's name of over 63 characters is refused by the API server; ours has a shorter name",
        claims: |case| has(&flytes_faults(case), Rule::VolumeName) && !is_hopeless(&flytes_faults(case)),
        promises: Promise::Works,
    },
    Deviation {
        name: "broken-mount-repaired",
        reason: "Flyte mounts a volume that doesn't exist when another volume already has that Secret; we add to a volume only if the mount names it",
        claims: |case| {
            let faults = flytes_faults(case);
            has(&faults, Rule::MountOfNothing)
                && !has(&faults, Rule::VolumeName)
                && !is_hopeless(&faults)
                && !shares_a_file(case)
        },
        promises: Promise::Works,
    },
];

impl Deviation {
    /// Whether our outcome is what this deviation promises.
    pub(crate) fn keeps(&self, case: &Case, ours: &Outcome) -> Result<(), String> {
        match self.promises {
            Promise::Refused(words) => {
                let code = if case.version == "v2" { 400 } else { 403 };
                if ours.allowed || ours.code != code {
                    return Err(format!("promises a refusal with {code}, got {} {}", ours.allowed, ours.code));
                }
                if !words.is_empty() && !words.iter().any(|word| ours.message.contains(word)) {
                    return Err(format!("promises one of {words:?} in `{}`", ours.message));
                }
                Ok(())
            }
            Promise::But(take_out) => {
                if !ours.allowed {
                    return Err(format!("promises a pod, got {} {}", ours.code, ours.message));
                }
                let [flyte, ours] = [flyte_pod(case, case.natural()), &ours.pod].map(|pod| {
                    let mut pod = renamed(pod);
                    take_out(&mut pod);
                    pod
                });
                if !Lenient::of(case).same(&flyte, &ours) {
                    return Err(format!("promises Flyte's pod but for that part, got {ours}"));
                }
                Ok(())
            }
            Promise::Works => {
                if !ours.allowed || !ours.patched {
                    return Err(format!("promises a pod, got {} {}", ours.code, ours.message));
                }
                if let Some(fault) = our_faults(&case.pod, &ours.pod).first() {
                    return Err(format!("promises a pod that works, but {fault}"));
                }
                match case.secrets.iter().find(|secret| secret["mount"] != 1 && !has_file(case, &ours.pod, secret)) {
                    Some(secret) => Err(format!("promises every file, but there is none of {secret}")),
                    None => Ok(()),
                }
            }
        }
    }
}

fn take_out_templates(pod: &mut Value) {
    if let Some(annotations) = pod.pointer_mut("/metadata/annotations").and_then(Value::as_object_mut) {
        // `renamed` counts in the order of what is said, the template last.
        annotations.retain(|name, _| !name.starts_with("vault.hashicorp.com/agent-inject-template-"));
    }
}

fn take_out_commands(pod: &mut Value) {
    for container in pod.pointer_mut("/spec/initContainers").and_then(Value::as_array_mut).into_iter().flatten() {
        if container["name"].as_str().is_some_and(|name| name.contains("-pull-secret-"))
            && let Some(container) = container.as_object_mut()
        {
            container.remove("command");
        }
    }
}

/// Whether every container has the file of a secret of K8s where flytekit looks for it. A container that already mounts the
/// volume somewhere is left alone, as Flyte does.
fn has_file(case: &Case, pod: &Value, secret: &Value) -> bool {
    let lower = |field: &str| secret[field].as_str().unwrap_or_default().to_lowercase();
    let group = lower("group");
    let parts = group.split('/').filter(|part| !part.is_empty() && *part != ".");
    let folder = std::iter::once(secret::FILE_ROOT).chain(parts).collect::<Vec<_>>().join("/");
    let item = json!({"key": secret["key"], "path": lower("key")});
    let holds = |volume: &Value| {
        volume["secret"]["secretName"] == secret["group"] && list(&volume["secret"], "items").contains(&item)
    };
    let volumes: Vec<_> =
        list(&pod["spec"], "volumes").iter().filter(|volume| holds(volume)).map(|volume| &volume["name"]).collect();
    let there = mounts(&case.pod);
    let shows = |mount: &Value| {
        let text = |field: &str| mount[field].as_str().unwrap_or_default().to_owned();
        let was_there = there.contains(&(text("name"), text("mountPath")));
        volumes.contains(&&mount["name"]) && (mount["mountPath"] == folder.as_str() || was_there)
    };
    let mut containers = ["containers", "initContainers"].into_iter().flat_map(|kind| list(&pod["spec"], kind));
    containers.all(|container| list(container, "volumeMounts").iter().any(shows))
}

/// The deviations that claim a case.
pub(crate) fn claiming(case: &Case) -> Vec<&'static Deviation> {
    DEVIATIONS.iter().filter(|deviation| (deviation.claims)(case)).collect()
}

/// What the API server finds in the pod that Flyte makes in index order, but not in the pod as it came.
pub(crate) fn flytes_faults(case: &Case) -> BTreeSet<Violation> {
    match &case.natural().pod {
        Some(pod) => new_violations(&case.pod, pod),
        None => BTreeSet::new(),
    }
}

/// Whether a pod with these faults can't be made to work by other names of volumes.
fn is_hopeless(faults: &BTreeSet<Violation>) -> bool {
    let twice_without_a_missing_one = has(faults, Rule::DuplicateMountPath) && !has(faults, Rule::MountOfNothing);
    let hopeless = [Rule::EnvName, Rule::EnvSource, Rule::RefKey, Rule::DuplicateVolume, Rule::ItemPath, Rule::ItemKey];
    hopeless.iter().any(|rule| has(faults, *rule)) || twice_without_a_missing_one
}

fn has(faults: &BTreeSet<Violation>, rule: Rule) -> bool {
    faults.iter().any(|fault| fault.rule == rule)
}

fn panics(case: &Case) -> bool {
    case.outcomes.iter().any(|outcome| outcome.code == 500)
}

fn admits_unpatched(case: &Case) -> bool {
    let natural = case.natural();
    natural.allowed && !natural.patched
}

/// Whether Flyte's pod has a volume with two keys of a Secret in one file.
fn shares_a_file(case: &Case) -> bool {
    let Some(pod) = &case.natural().pod else { return false };
    list(&pod["spec"], "volumes").iter().any(|volume| {
        let mut keys: HashMap<&Value, &Value> = HashMap::new();
        list(&volume["secret"], "items")
            .iter()
            .any(|item| *keys.entry(&item["path"]).or_insert(&item["key"]) != &item["key"])
    })
}

/// Whether Flyte's pod has a new mount among the secrets of a volume of the pod's own that holds no Secret, or can't hold
/// what a vendor's container fetches.
fn mounts_another_volume(case: &Case) -> bool {
    let Some(pod) = &case.natural().pod else { return false };
    let holds_none = |name: &Value| {
        list(&case.pod["spec"], "volumes").iter().any(|volume| {
            let fit = if is_pulled(name) { &volume["emptyDir"] } else { &volume["secret"] };
            &volume["name"] == name && fit.is_null()
        })
    };
    let before = mounts(&case.pod);
    mounts(pod).difference(&before).any(|(name, path)| path.starts_with(secret::FILE_ROOT) && holds_none(&json!(name)))
}

/// Whether the pod doesn't decode because of a field that has nothing to do with secrets.
fn wrong_type_elsewhere(case: &Case) -> bool {
    let error = serde_json::from_value::<k8s_openapi::api::core::v1::Pod>(case.pod.clone()).err();
    error.is_some() && case.pod["kind"] == "Pod" && serde_json::from_value::<Carrier>(case.pod.clone()).is_ok()
}

/// The part of a pod that secrets have to do with.
#[derive(Deserialize)]
#[expect(dead_code, reason = "only whether it decodes matters")]
struct Carrier {
    metadata: k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta,
    spec: Parts,
}

#[derive(Deserialize)]
#[expect(dead_code, reason = "only whether it decodes matters")]
#[serde(rename_all = "camelCase")]
struct Parts {
    containers: Vec<Container>,
    #[serde(default)]
    init_containers: Option<Vec<Container>>,
    #[serde(default)]
    volumes: Option<Vec<Volume>>,
}

/// Whether Flyte's pod has a mount outside of the directory of secrets, or a vendor's container writes there.
fn climbs(case: &Case) -> bool {
    let Some(pod) = &case.natural().pod else { return false };
    let before = mounts(&case.pod);
    let outside = |(name, path): &(String, String)| !path.starts_with(secret::FILE_ROOT) && !is_pulled(&json!(name));
    mounts(pod).difference(&before).any(outside)
        || brought(case).iter().any(|(file, _)| file.split('/').any(|part| part == ".."))
}

/// Whether a volume has the name of the one of a vendor's containers.
fn is_pulled(name: &Value) -> bool {
    ["aws-secret-vol", "gcp-secret-vol", "azure-secret-vol"].contains(&name.as_str().unwrap_or_default())
}

/// The files that other programs bring into Flyte's pod, below the directory of secrets, each with what fetches it: read
/// off the vendors' containers and off the annotations for Vault's injector.
fn brought(case: &Case) -> Vec<(String, String)> {
    let Some(pod) = &case.natural().pod else { return Vec::new() };
    let mut files = Vec::new();
    for container in list(&pod["spec"], "initContainers").iter().filter(|container| is_new(case, container)) {
        let line = container["command"][2].as_str().unwrap_or_default();
        let arn = env(container, "SECRET_ARN");
        let redirected =
            line.rsplit_once(" > ").map(|(before, file)| (file, before.rsplit_once("; ").unwrap_or_default().1));
        let out_file = || Some((line.rsplit_once(' ')?.1, line));
        let file = match arn {
            Some(arn) => {
                env(container, "SECRET_FILENAME").map(|file| (format!("{}{file}", secret::FILE_ROOT), arn.to_owned()))
            }
            None => redirected.or_else(out_file).map(|(file, line)| (file.to_owned(), line.to_owned())),
        };
        files.extend(file);
    }
    for (name, file) in pod["metadata"]["annotations"].as_object().into_iter().flatten() {
        if let Some(id) = name.strip_prefix("vault.hashicorp.com/agent-inject-file-") {
            let template = &pod["metadata"]["annotations"][format!("vault.hashicorp.com/agent-inject-template-{id}")];
            files.push((format!("{}/{}", secret::FILE_ROOT, file.as_str().unwrap_or_default()), template.to_string()));
        }
    }
    files
}

/// Whether an init container of Flyte's pod is one that Flyte has added.
fn is_new(case: &Case, container: &Value) -> bool {
    container["name"].as_str().is_some_and(|name| name.contains("-pull-secret-"))
        && !list(&case.pod["spec"], "initContainers").iter().any(|other| other["name"] == container["name"])
}

fn env<'a>(container: &'a Value, name: &str) -> Option<&'a str> {
    list(container, "env").iter().find(|var| var["name"] == name).and_then(|var| var["value"].as_str())
}

/// Whether two of the files that other programs bring are one, or one is in the place of the other's folder.
fn brings_two_into_one_place(case: &Case) -> bool {
    let files = brought(case);
    files.iter().enumerate().any(|(n, (file, what))| {
        files.iter().enumerate().any(|(m, (other, other_what))| {
            n != m && ((file == other && what != other_what) || other.starts_with(&format!("{file}/")))
        })
    })
}

/// Whether a template of Flyte's for Vault has in it what is no plain name: it would break, or do something else.
fn has_odd_template(case: &Case) -> bool {
    let Some(pod) = &case.natural().pod else { return false };
    let is_field = |text: &str| {
        text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_') && !text.starts_with(|c: char| c.is_ascii_digit())
    };
    pod["metadata"]["annotations"].as_object().into_iter().flatten().any(|(name, value)| {
        let parts = name.starts_with("vault.hashicorp.com/agent-inject-template-").then(|| {
            let rest = value.as_str()?.strip_prefix("{{- with secret \"")?.strip_suffix(" }}{{- end -}}")?;
            let (path, key) = rest.rsplit_once("\" -}}{{ .Data.")?;
            Some((path, key.strip_prefix("data.").unwrap_or(key)))
        });
        match parts {
            None => false,
            Some(None) => true,
            Some(Some((path, key))) => {
                !is_field(key) || path.contains(|c: char| c.is_control() || "\"\\{}`".contains(c))
            }
        }
    })
}

/// Whether a command line of Flyte's has in it what a shell takes for more than a word.
fn has_odd_command(case: &Case) -> bool {
    let Some(pod) = &case.natural().pod else { return false };
    let odd = |field: &Value| {
        let text = field.as_str().unwrap_or_default();
        text.bytes().any(|b| !(b.is_ascii_alphanumeric() || b"@%+=:,./_-".contains(&b)))
    };
    let names: Vec<&Value> =
        case.secrets.iter().flat_map(|secret| [&secret["group"], &secret["group_version"]]).collect();
    let mut lines = list(&pod["spec"], "initContainers").iter().filter(|container| is_new(case, container));
    lines.any(|container| !container["command"].is_null()) && names.into_iter().any(odd)
}

/// Volume and path of every mount of a pod's containers.
fn mounts(pod: &Value) -> BTreeSet<(String, String)> {
    let containers = ["containers", "initContainers"].into_iter().flat_map(|kind| list(&pod["spec"], kind));
    let text = |mount: &Value, field: &str| mount[field].as_str().unwrap_or_default().to_owned();
    containers
        .flat_map(|container| list(container, "volumeMounts"))
        .map(|mount| (text(mount, "name"), text(mount, "mountPath")))
        .collect()
}
