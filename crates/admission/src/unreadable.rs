//! Why a request can't be read, without what stands there: it may be a secret.

use serde::Deserialize;
use serde_json::error::Category;

/// Reads a text again to tell where it went wrong; the readers themselves keep no track of that.
pub(crate) fn why<'t, T: Deserialize<'t>>(text: &'t str) -> String {
    let mut input = serde_json::Deserializer::from_str(text);
    let Err(error) = serde_path_to_error::deserialize::<_, T>(&mut input) else {
        return "something follows it".to_owned();
    };
    let (path, inner) = (error.path().to_string(), error.inner());
    match inner.classify() {
        Category::Data if inner.to_string().contains("duplicate field") => {
            format!("a field is there twice, in or before `{path}`")
        }
        Category::Data => format!("`{path}` has a wrong type"),
        // JSON's own errors name a place and never what is there.
        Category::Syntax | Category::Eof | Category::Io => format!("it is no JSON: {inner}"),
    }
}

#[cfg(test)]
mod tests {
    use super::why;
    use crate::object::Object;
    use crate::view::PodView;

    #[test]
    fn the_place_is_told_and_not_what_is_there() {
        let pod = why::<Object<PodView<'_>>>;
        let text = r#"{"spec":{"containers":[{"env":"hunter2"}]}}"#;
        assert_eq!(pod(text), "`spec.containers[0].env` has a wrong type");
        assert_eq!(pod(r#"{"spec":3}"#), "`spec` has a wrong type");
        let text = r#"{"spec":{"containers":[{"args":"hunter2"}]}}"#;
        assert_eq!(pod(text), "`spec.containers[0].args` has a wrong type");
        let text = r#"{"spec":{"containers":[{"args":["a",["hunter2"]]}]}}"#;
        assert_eq!(pod(text), "`spec.containers[0].args[1]` has a wrong type");
        assert!(pod(r#"{"spec":{},"spec":{}}"#).contains("twice"));
        assert!(pod(r#"{"spec""#).starts_with("it is no JSON"));
    }
}
