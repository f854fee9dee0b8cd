//! The name that was probably meant.

/// The one of `names` that is nearest to `given`, if it is near: a part of it, or a few typing mistakes away.
pub(crate) fn nearest<'a>(given: &str, names: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let lower = given.to_lowercase();
    let distance = |name: &str| {
        let name = name.to_lowercase();
        let ends = |whole: &str, end: &str| whole.strip_suffix(end).is_some_and(|rest| rest.ends_with('.'));
        // `get_user` for `app.tasks.get_user`, as one would say it.
        if ends(&name, &lower) || ends(&lower, &name) { 0 } else { strsim::osa_distance(&lower, &name) }
    };
    let near = given.chars().count() / 3 + 1;
    names.into_iter().map(|name| (distance(name), name)).filter(|(far, _)| *far <= near).min().map(|(_, name)| name)
}

#[cfg(test)]
mod tests {
    use super::nearest;

    #[test]
    fn a_typing_mistake_and_a_name_without_its_module_are_near() {
        let names = ["app.tasks.get_user", "app.tasks.set_user", "raw"];
        assert_eq!(nearest("get_user", names), Some("app.tasks.get_user"));
        assert_eq!(nearest("app.tasks.get_usr", names), Some("app.tasks.get_user"));
        assert_eq!(nearest("RAW", names), Some("raw"));
        assert_eq!(nearest("something.else", names), None);
        assert_eq!(nearest("", names), None);
    }
}
