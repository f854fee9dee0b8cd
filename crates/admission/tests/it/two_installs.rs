//! Two installs that the API server sends the same pod to. It calls one after the other, and the first again where the second
//! has changed the pod (`reinvocationPolicy: IfNeeded`).

use secret::Mount;
use serde_json::Value;

use crate::admit::{create_unchecked, dialects, no_globals};
use crate::api_server::api_server_would_refuse;
use crate::ask::{self, plain, secret};

/// The pod after both, called in turns until neither changes it; or why one of them refuses it.
fn settled(pod: &Value, installs: [&admission::Config; 2]) -> Result<Value, String> {
    let mut pod = pod.clone();
    for _ in 0..4 {
        let before = pod.clone();
        for config in installs {
            let outcome = create_unchecked(&pod, config, &no_globals());
            if !outcome.allowed {
                return Err(outcome.message);
            }
            pod = outcome.pod;
        }
        if pod == before {
            return Ok(pod);
        }
    }
    panic!("two installs go on to change it: {pod}");
}

#[test]
fn two_of_the_same_configuration_make_the_pod_that_one_makes() {
    for (_, config) in dialects() {
        let pod = ask::pod(&plain(), &[secret("db", "password", Mount::EnvVar), secret("db", "ca.crt", Mount::File)]);
        let one = create_unchecked(&pod, &config, &no_globals()).pod;
        assert_eq!(settled(&pod, [&config, &config]).as_ref(), Ok(&one));
    }
}

#[test]
fn two_of_different_dialects_come_to_an_end_or_one_says_what_is_in_its_way() {
    for mount in [Mount::Any, Mount::EnvVar, Mount::File] {
        for (first, one) in dialects() {
            for (second, other) in dialects() {
                let pod = ask::pod(&plain(), &[secret("db", "password", mount)]);
                let settled = settled(&pod, [&one, &other]);
                let who = format!("{first}, then {second}, {mount}");
                match settled {
                    Ok(pod) => assert_eq!(api_server_would_refuse(&pod), None, "{who}: {pod}"),
                    // Flyte's two make the same; ours keeps its files, and its prefix, to itself.
                    Err(message) => {
                        assert!(first != second && [first, second].contains(&"keybearer"), "{who}: {message}");
                        let named = ["mounts volume `mrrf5` at", "sets `FLYTE_SECRETS_ENV_PREFIX` itself"];
                        assert!(named.iter().any(|words| message.contains(words)), "{who}: {message}");
                        assert!(message.contains("keybearer doctor"), "{who}: {message}");
                    }
                }
            }
        }
    }
}
