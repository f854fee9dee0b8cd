//! Why nothing was started.

use super::given::{SECRET, taken_apart};
use crate::fault::Fault;
use crate::{quoted, secrets};
use runner::{Problem, Refusal, RunError};
use secret::Secret;
use stores::FetchError;

/// Secrets that nobody gave (`why` says more of the managers that were asked) and what the runner can't give the pod, each with the option or the change that would help.
pub(super) fn of(misses: Option<&FetchError>, refusal: Option<&Refusal>, why: &[String]) -> Fault {
    let misses = misses.map_or(&[][..], |error| &error.misses);
    let problems = refusal.map_or(&[][..], |refusal| &refusal.problems);
    let mut fault = Fault::new(match (misses.len(), problems.len()) {
        (1, 0) => "a secret that the pod asks for is not there; nothing was started".to_owned(),
        (count, 0) => format!("{count} secrets that the pod asks for are not there; nothing was started"),
        _ => "the pod can't be run here; nothing was started".to_owned(),
    });
    let mut missing: Vec<Secret> = Vec::new();
    let mut hints = Vec::new();
    for miss in misses {
        fault = fault.detail(miss);
        push_new(&mut missing, named(&miss.secret.group, &miss.secret.key));
    }
    // Why the managers that were asked had nothing.
    fault = why.iter().fold(fault, Fault::detail);
    for problem in problems {
        fault = fault.detail(problem);
        if let Problem::MissingSecret(reference) = problem {
            push_new(&mut missing, named(&reference.secret, reference.key.as_deref().unwrap_or("KEY")));
        } else if let Some(hint) = remedy(problem) {
            push_new(&mut hints, hint.to_owned());
        }
    }
    if let [first, others @ ..] = &missing[..] {
        let what = match others {
            _ if !problems.is_empty() => "what is missing",
            [] => "it",
            _ => "them",
        };
        let options: Vec<String> = missing.iter().map(option).collect();
        fault = fault.hint(format!("give {what} with {}", options.join(" ")));
        fault = fault.hint(match others {
            [] => format!("or keep it on this machine with {}", secrets::command(first)),
            _ => "or keep each on this machine with keybearer secret set GROUP/KEY".to_owned(),
        });
    }
    hints.into_iter().fold(fault, Fault::hint)
}

fn push_new<T: PartialEq>(list: &mut Vec<T>, item: T) {
    if !list.contains(&item) {
        list.push(item);
    }
}

fn named(group: &str, key: &str) -> Secret {
    Secret { group: group.to_owned(), key: key.to_owned(), ..Secret::default() }
}

/// What to change in a pod that can't be run.
fn remedy(problem: &Problem) -> Option<&'static str> {
    match problem {
        Problem::ConfigMap { .. } => {
            Some("make the ConfigMap `optional: true`, or write its values into the pod's `env`")
        }
        Problem::VolumeKind { .. } | Problem::VolumeSource { .. } => {
            Some("volumes that can be had here are emptyDir, secret, downwardAPI and projected ones of these")
        }
        Problem::NoProgram { .. } => {
            Some("give the container a `command`: what its image would start is not known here")
        }
        Problem::ProgramNotFound { .. } => Some("install the program, or put its directory on PATH"),
        _ => None,
    }
}

/// What went wrong while it ran, on our side.
pub(super) fn of_run(error: &RunError) -> Fault {
    let mut fault = Fault::new(error);
    let mut cause = std::error::Error::source(error);
    while let Some(error) = cause {
        fault = fault.detail(error);
        cause = error.source();
    }
    match error {
        RunError::PrivateDir { .. } => fault.hint("set TMPDIR to a directory that you can write to"),
        _ => fault,
    }
}

/// The option that gives a secret of this name. A name that `GROUP/KEY=VALUE` can't hold is spelled as annotations have it.
fn option(secret: &Secret) -> String {
    let Secret { group, key, .. } = secret;
    let text = format!("{group}/{key}=VALUE");
    let text = match taken_apart(&text, &SECRET) {
        Ok((g, k, value)) if (g.as_str(), k.as_str(), value.as_str()) == (group.as_str(), key.as_str(), "VALUE") => {
            text
        }
        Ok(_) | Err(_) => serde_json::json!({"group": group, "key": key, "value": "VALUE"}).to_string(),
    };
    // What starts with a dash would be taken for an option of its own.
    let joint = if text.starts_with('-') { "=" } else { " " };
    format!("--secret{joint}{}", quoted::word(&text))
}

#[cfg(test)]
mod tests {
    use super::{named, option};

    #[test]
    fn every_name_can_be_given() {
        for (group, key, expected) in [
            ("user-info", "user_secret", "--secret user-info/user_secret=VALUE"),
            ("arn:aws:x/y", "k", "--secret arn:aws:x/y/k=VALUE"),
            ("-x", "k", "--secret=-x/k=VALUE"),
            ("it's", "k", r"--secret 'it'\''s/k=VALUE'"),
            ("db", "a/b", r#"--secret '{"group":"db","key":"a/b","value":"VALUE"}'"#),
            ("a=b", "c", r#"--secret '{"group":"a=b","key":"c","value":"VALUE"}'"#),
            ("{x", "c", r#"--secret '{"group":"{x","key":"c","value":"VALUE"}'"#),
        ] {
            assert_eq!(option(&named(group, key)), expected);
        }
    }
}
