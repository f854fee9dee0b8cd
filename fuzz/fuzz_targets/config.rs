//! Whatever stands in a configuration is served or refused with a place, in bounds, and each time alike; what is served
//! answers a review.

#![no_main]

use admission::config::{Reading, Source};
use admission::{Config, Globals, dialect, review};
use libfuzzer_sys::fuzz_target;

const REVIEW: &[u8] =
    br#"{"apiVersion":"admission.k8s.io/v1","kind":"AdmissionReview","request":{"uid":"u-1","operation":"CREATE",
    "namespace":"n","object":{"metadata":{"name":"p","annotations":{"keybearer.dev/secrets":"[{group: g, key: k}]"}},
    "spec":{"containers":[{"name":"main"}]}}}}"#;

fuzz_target!(|input: &[u8]| {
    let Some((kind, input)) = input.split_first() else { return };
    let Ok(text) = std::str::from_utf8(input) else { return };
    let reading = Reading {
        compat: None,
        default_compat: (kind & 1 == 1).then_some(&dialect::FLYTE_V1),
        lenient: kind & 2 == 2,
        on_laptop: kind & 8 == 8,
    };
    // One file, or two that are laid over each other.
    let (below, above) = text.split_once("\n---\n").filter(|_| kind & 4 == 4).unwrap_or((text, ""));
    let sources = [Source { text: below, origin: "below.yaml" }, Source { text: above, origin: "above.yaml" }];
    let read = || Config::read(&sources, &reading);
    match (read(), read()) {
        (Ok(config), Ok(again)) => {
            assert_eq!(format!("{config:?}"), format!("{again:?}"));
            let answer = review::answer(REVIEW, &config, &Globals::default());
            assert!(serde_json::from_slice::<serde_json::Value>(&answer.body).is_ok());
        }
        (Err(error), Err(again)) => {
            assert_eq!(error, again);
            let said = format!("{error} {}", error.hint().unwrap_or_default());
            assert!(said.len() < 4000 + 4 * text.len(), "{} bytes about {} bytes", said.len(), text.len());
            assert!(said.contains(".yaml"), "{said}");
        }
        (one, other) => panic!("{one:?} and then {other:?}"),
    }
});
