//! Any group, version and key for the managers whose secrets another program brings: a pod that the API server takes, and no
//! character of theirs means anything to a shell or a template.

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;
use secret::{Mount, Secret};
use serde_json::Value;

use crate::admit::{create, no_globals};
use crate::api_server::list;
use crate::ask;
use crate::brought::{MANAGERS, configured};
use crate::oracle::our_faults;

fn name() -> impl Strategy<Value = String> {
    prop_oneof![
        4 => "[a-zA-Z0-9@%+=:,./_-]{1,20}",
        4 => "[a-z\"'`$(){};|&<>\\\\ \n\t*?~#!/-]{1,12}",
        2 => "\\PC{0,40}",
        1 => select(&["$(touch /x)", "{{ env \"HOME\" }}", "}}{{", "a\r\nb", "$$(HOME)", "\u{0}", "", "..", "a//b"][..]).prop_map(str::to_owned),
        1 => "[a-z]{300}",
    ]
}

fn asked() -> impl Strategy<Value = Secret> {
    let version =
        prop_oneof![3 => select(&["1", "latest", "kv1", "kv2", "db"][..]).prop_map(str::to_owned), 2 => name()];
    (name(), version, name(), select(&[Mount::Any, Mount::File][..]), select(&["", "TOKEN", "with-dash"][..])).prop_map(
        |(group, group_version, key, mount, env_var)| Secret {
            group,
            group_version,
            key,
            mount,
            env_var: env_var.into(),
        },
    )
}

/// What a command line may consist of, apart from words: what the managers' own lines have.
fn check_line(line: &str) {
    const OWN: [&str; 3] = [
        r#"az login --service-principal -u $AZURE_CLIENT_ID -t $AZURE_TENANT_ID --federated-token "$(cat $AZURE_FEDERATED_TOKEN_FILE)"; "#,
        r#"az keyvault secret show --id ""#,
        r#"" --query "value" -o tsv > "#,
    ];
    let mut rest = line.to_owned();
    for own in OWN {
        rest = rest.replacen(own, " ", 1);
    }
    rest = rest.replacen(" || ", " ", 1).replacen("; ", " ", 1);
    let inert = |c: char| c.is_ascii_alphanumeric() || "@%+=:,./_- ".contains(c);
    assert!(rest.chars().all(inert), "{line}");
}

/// A command is a line of words, or a script that never varies with its arguments.
fn check_command(command: &[Value]) {
    let part = |at: usize| command[at].as_str().unwrap();
    match command.len() {
        0 => {}
        3 => check_line(part(2)),
        _ => {
            assert_eq!([part(0), part(1), part(3)], ["sh", "-ec", "sh"]);
            let script = part(2);
            assert!(script.starts_with("gcloud secrets ") || script.starts_with("az login "), "{script}");
            assert!(script.contains("\"$1") && !script.contains('\n') && script.len() < 300, "{script}");
            for argument in &command[4..] {
                // The kubelet makes `$` of `$$`, and expands `$(`: neither is left alone.
                let argument = argument.as_str().unwrap().replace("$$", "");
                assert!(!argument.contains("$("), "{argument}");
            }
        }
    }
}

/// A template is ours but for its literals, and these hold nothing that ends them.
fn check_template(template: &str) {
    let mut pieces = template.split('"');
    let mut outside = String::new();
    while let Some(piece) = pieces.next() {
        outside.push_str(piece);
        if let Some(literal) = pieces.next() {
            assert!(!literal.contains(|c: char| c.is_control() || "{}`".contains(c)), "{template}");
            let escapes = literal.split('\\').skip(1);
            for escape in escapes {
                assert!(escape.starts_with(['x', 'u']), "{template}");
            }
            outside.push('_');
        }
    }
    let known = outside.strip_prefix("{{- with secret _ -}}{{ ").and_then(|rest| rest.strip_suffix(" }}{{- end -}}"));
    let known =
        known.map(|value| value.trim_start_matches("index ").trim_start_matches(".Data").trim_start_matches(".data"));
    match known {
        Some(" _") => {}
        Some(field) => {
            let field = field.strip_prefix('.').unwrap_or_else(|| panic!("{template}"));
            assert!(field.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_'), "{template}");
        }
        None => assert!(outside.starts_with("{{ with secret _ }}{{ range $k, $v := .Data }}"), "{template}"),
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_name_makes_a_pod_or_a_refusal(
        secrets in vec(asked(), 1..4),
        manager in select(&MANAGERS[..]),
        version in select(&["v1", "v2"][..]),
    ) {
        let before = ask::pod(&ask::plain(), &secrets);
        let outcome = create(&before, &configured(version, manager), &no_globals());
        if !outcome.allowed {
            prop_assert!(outcome.message.contains("hint: "), "{}", outcome.message);
            return Ok(());
        }
        let faults = our_faults(&before, &outcome.pod);
        prop_assert_eq!(faults.first(), None);
        for container in list(&outcome.pod["spec"], "initContainers") {
            check_command(list(container, "command"));
            for variable in list(container, "env") {
                let value = variable["value"].as_str().unwrap_or_default().replace("$$", "");
                prop_assert!(!value.contains("$("), "{}", value);
            }
        }
        for (name, value) in outcome.pod["metadata"]["annotations"].as_object().into_iter().flatten() {
            if name.starts_with("vault.hashicorp.com/agent-inject-template-") {
                check_template(value.as_str().unwrap());
            }
        }
    }
}

#[test]
fn what_breaks_out_is_noticed() {
    for template in [
        r#"{{- with secret "a" -}}{{ .Data.a b }}{{- end -}}"#,
        r#"{{- with secret "a" }}{{ env "HOME" -}}{{ .Data.a }}{{- end -}}"#,
        r#"{{- with secret "a}}" -}}{{ .Data.a }}{{- end -}}"#,
    ] {
        assert!(std::panic::catch_unwind(|| check_template(template)).is_err(), "{template}");
    }
    for line in ["gcloud a; b; c", "gcloud $(id)", "gcloud a\nb", "gcloud 'a'"] {
        assert!(std::panic::catch_unwind(|| check_line(line)).is_err(), "{line}");
    }
}
