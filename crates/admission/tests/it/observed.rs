//! Every observed case but those of Embedded: conforming, or claimed by one named deviation.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use serde_json::Value;

use crate::admit::{Outcome, create, send};
use crate::api_server::{Rule, new_violations};
use crate::cases::{Case, observed, testdata};
use crate::compare::{Lenient, flyte_pod, renamed};
use crate::deviations::{DEVIATIONS, claiming};
use crate::oracle::our_faults;
use crate::shown::SHOWN;

/// How a case came out.
struct Verdict {
    case: Case,
    /// Whether our pod refers to a Secret of a name that none can have, which is left to the API server.
    impossible: bool,
    /// The deviation's name; none where it conforms.
    deviation: Option<&'static str>,
}

/// Whether what we did is one of the things that Flyte was seen to do: the one of index order, where that was seen.
fn conforms(case: &Case, ours: &Outcome) -> bool {
    let lenient = Lenient::of(case);
    let ordered = case.outcomes.iter().any(|outcome| outcome.index_order);
    case.outcomes.iter().filter(|outcome| outcome.index_order || !ordered).any(|flyte| {
        flyte.allowed == ours.allowed
            && if flyte.allowed { lenient.same(flyte_pod(case, flyte), &ours.pod) } else { flyte.code == ours.code }
    })
}

/// Judges one case, or says what is wrong.
fn judge(case: Case) -> Result<Verdict, String> {
    let ours = create(&case.pod, &case.config(), &case.globals());
    let claims = claiming(&case);
    let names: Vec<_> = claims.iter().map(|deviation| deviation.name).collect();
    let verdict = match (conforms(&case, &ours), claims.as_slice()) {
        (true, []) => None,
        (false, [deviation]) => {
            deviation.keeps(&case, &ours).map_err(|why| format!("{}: {why}", deviation.name))?;
            Some(deviation.name)
        }
        (true, _) => return Err(format!("conforms, though claimed by {names:?}")),
        (false, []) => return Err(format!("differs and no deviation claims it: {}", difference(&case, &ours))),
        (false, _) => return Err(format!("claimed by several: {names:?}")),
    };
    if !ours.allowed && case.asks() && ours.code != 500 && !names_its_cause(&case, &ours.message) {
        return Err(format!("says nothing of the secret: {}", ours.message));
    }
    if ours.allowed
        && let Some(fault) = our_faults(&case.pod, &ours.pod).first()
    {
        return Err(format!("the API server would refuse our pod: {fault}"));
    }
    let impossible = new_violations(&case.pod, &ours.pod).iter().any(|violation| violation.rule == Rule::RefName);
    Ok(Verdict { case, impossible, deviation: verdict })
}

/// Whether a refusal names one of the secrets, the annotation that is none, or what of the pod can't be read.
fn names_its_cause(case: &Case, message: &str) -> bool {
    let named = |secret: &Value| {
        let [group, key] =
            ["group", "key"].map(|field| secret[field].as_str().unwrap_or_default().escape_debug().to_string());
        message.contains(&format!("{group}/{key}"))
    };
    case.secrets.iter().any(named)
        || message.contains("flyte.secrets/s")
        || message.contains("pod can't be read")
        || message.contains("not a v1 Pod")
}

/// Where our pod is another than Flyte's natural one.
fn difference(case: &Case, ours: &Outcome) -> String {
    let flyte = case.natural();
    if flyte.allowed != ours.allowed || !flyte.allowed {
        return format!("Flyte {} {}, ours {} {} {}", flyte.allowed, flyte.code, ours.allowed, ours.code, ours.message);
    }
    let lenient = Lenient::of(case);
    let normal = |pod: &Value| lenient.normal(&renamed(pod), "").unwrap_or_default();
    first_difference(&normal(flyte_pod(case, flyte)), &normal(&ours.pod), "").unwrap_or_default()
}

fn first_difference(flyte: &Value, ours: &Value, at: &str) -> Option<String> {
    match (flyte, ours) {
        (Value::Object(a), Value::Object(b)) => {
            let fields: BTreeSet<_> = a.keys().chain(b.keys()).collect();
            let null = Value::Null;
            fields.into_iter().find_map(|field| {
                first_difference(a.get(field).unwrap_or(&null), b.get(field).unwrap_or(&null), &format!("{at}/{field}"))
            })
        }
        (Value::Array(a), Value::Array(b)) if a.len() == b.len() => {
            a.iter().zip(b).enumerate().find_map(|(n, (a, b))| first_difference(a, b, &format!("{at}/{n}")))
        }
        _ => (flyte != ours).then(|| format!("{at}\n    Flyte {flyte}\n    ours  {ours}")),
    }
}

/// Every case in scope, judged; panics with all that is wrong.
fn judged() -> Vec<Verdict> {
    let (mut verdicts, mut wrong) = (Vec::new(), String::new());
    for case in observed().into_iter().filter(|case| case.in_scope() && case.http.is_none()) {
        let title = format!("{} ({})", case.id, case.category);
        let judged = std::panic::catch_unwind(|| judge(case));
        match judged.unwrap_or_else(|panic| Err(panic.downcast_ref::<String>().cloned().unwrap_or_default())) {
            Ok(verdict) => verdicts.push(verdict),
            Err(why) => writeln!(wrong, "{title}: {why}").unwrap(),
        }
    }
    assert!(wrong.is_empty(), "{} cases:\n{wrong}", wrong.lines().count());
    verdicts
}

/// What `testdata/conformance.md` says: a table, then the deviations.
fn report(verdicts: &[Verdict]) -> String {
    let mut rows: BTreeMap<(&str, &str), BTreeMap<&str, usize>> = BTreeMap::new();
    for verdict in verdicts {
        let row = rows.entry((&verdict.case.category, &verdict.case.version)).or_default();
        *row.entry(verdict.deviation.unwrap_or("conforms")).or_default() += 1;
    }
    let conforming = verdicts.iter().filter(|verdict| verdict.deviation.is_none()).count();
    let impossible = verdicts.iter().filter(|verdict| verdict.impossible).count();
    let mut text = format!(
        "# Conformance with Flyte: all managers but Embedded\n\n\
         {} observed pods: {conforming} have the outcome that Flyte has when it takes the annotations in the order of their \
         numbers, the others come under a named deviation.\n\n\
         {impossible} of the pods refer to a Secret whose name none can have (`my_secret`), as Flyte's do; the API server \
         refuses them and says so.\n\n",
        verdicts.len()
    );
    text.push_str("| category | Flyte | conform | deviations |\n| --- | --- | --- | --- |\n");
    for ((category, version), counts) in rows {
        let conform = counts.get("conforms").copied().unwrap_or_default();
        let others = counts.iter().filter(|(name, _)| **name != "conforms");
        let others: Vec<_> = others.map(|(name, count)| format!("{name} {count}")).collect();
        writeln!(text, "| {category} | {version} | {conform} | {} |", others.join(", ")).unwrap();
    }
    text.push_str("\n## Deviations\n\n| name | cases | reason |\n| --- | --- | --- |\n");
    for deviation in DEVIATIONS {
        let used = verdicts.iter().filter(|verdict| verdict.deviation == Some(deviation.name)).count();
        writeln!(text, "| `{}` | {used} | {} |", deviation.name, deviation.reason).unwrap();
    }
    text.push_str("\n## Deviations that none of these pods shows\n\n| name | reason |\n| --- | --- |\n");
    for (name, reason) in SHOWN {
        writeln!(text, "| `{name}` | {reason} |").unwrap();
    }
    text
}

#[test]
#[expect(clippy::print_stdout, reason = "the table is for whoever runs this with --nocapture")]
fn conformance_with_observed_pods() {
    let verdicts = judged();
    for deviation in DEVIATIONS {
        let used = verdicts.iter().any(|verdict| verdict.deviation == Some(deviation.name));
        assert!(used, "{} claims no case", deviation.name);
    }
    let report = report(&verdicts);
    println!("{report}");
    let path = testdata("conformance.md");
    if std::env::var_os("KEYBEARER_BLESS").is_some() {
        std::fs::write(&path, &report).unwrap();
    }
    let written = std::fs::read_to_string(&path).unwrap_or_default();
    assert_eq!(written, report, "testdata/conformance.md is old: run this with KEYBEARER_BLESS=1");
}

#[test]
fn conformance_is_documented() {
    let path = testdata("../docs/compatibility.md");
    let text = std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    for name in DEVIATIONS.iter().map(|deviation| deviation.name).chain(SHOWN.iter().map(|(name, _)| *name)) {
        assert!(text.contains(&format!("`{name}`")), "docs/compatibility.md says nothing of `{name}`");
    }
}

#[test]
fn conformance_of_transport_cases() {
    for case in observed().into_iter().filter(Case::in_scope) {
        let (Some(request), Some(response)) = (&case.http, &case.http_response) else { continue };
        let flyte: Value = serde_json::from_str(&response.body).unwrap();
        let ours = send(request.body.as_bytes(), &case.config(), &case.globals());
        let of = |answer: &Value| {
            let response = &answer["response"];
            let code = response["status"]["code"].as_i64().unwrap_or(200);
            (response["allowed"].clone(), response["uid"].clone(), response["patchType"].clone(), code)
        };
        assert_eq!(of(&ours), of(&flyte), "{}", case.id);
        // A review that says what it is gets an answer of the same kind.
        if flyte["kind"] == "AdmissionReview" {
            assert_eq!((&ours["apiVersion"], &ours["kind"]), (&flyte["apiVersion"], &flyte["kind"]), "{}", case.id);
        }
        if flyte["response"]["patch"].is_string() {
            let sent: Value = serde_json::from_str(&request.body).unwrap();
            let pod = |answer: &Value| crate::admit::outcome(answer, &sent["request"]["object"]).pod;
            assert!(Lenient::default().same(&pod(&ours), &pod(&flyte)), "{}: {}", case.id, pod(&ours));
        }
    }
}
