//! Who may know whom. The one place where that is written down for machines; CONTRIBUTING.md says it for people.

use super::graph::{Kind, Need, Room};

/// A crate and all those of ours that it may know.
pub(crate) type Arrow = (&'static str, &'static [&'static str]);

/// From the bottom up, each line naming only what stands above it. Some rooms are still to be built.
pub(crate) const ARROWS: &[Arrow] = &[
    ("secret", &[]),
    ("runner", &[]),
    ("macros", &[]),
    ("xtask", &[]),
    ("e2e", &[]),
    ("admission", &["secret"]),
    ("tasks", &["secret"]),
    ("runtime", &["secret"]),
    ("stores", &["secret", "admission"]),
    ("webhook", &["secret", "admission", "stores"]),
    ("cli", &["secret", "admission", "stores", "webhook", "tasks", "runner", "runtime", "macros"]),
    ("python", &["runtime", "tasks"]),
    ("bench", &["secret", "admission", "webhook"]),
];

/// Arrows that exist only in tests, each with its reason.
pub(crate) const EXCEPTIONS: &[Exception] = &[Exception {
    from: "stores",
    to: "runner",
    reason: "tests that what was delivered is what a process of the pod then finds",
}];

/// A dependency of a crate's tests that its code may not have.
pub(crate) struct Exception {
    from: &'static str,
    to: &'static str,
    reason: &'static str,
}

impl std::fmt::Display for Exception {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} -> {} in dev-dependencies: it {}", self.from, self.to, self.reason)
    }
}

/// Every dependency between our crates that the table doesn't have.
pub(crate) fn arrows(rooms: &[Room]) -> Vec<String> {
    rooms.iter().flat_map(room).collect()
}

fn room(room: &Room) -> Vec<String> {
    let Some((_, allowed)) = ARROWS.iter().find(|(name, _)| *name == room.name) else {
        return vec![format!("{} ({}) has no line in the table", room.name, room.path)];
    };
    let excepted = |need: &Need| {
        need.kind == Kind::Dev && EXCEPTIONS.iter().any(|except| except.from == room.name && except.to == need.name)
    };
    let broken = |need: &&Need| need.ours && !allowed.contains(&need.name.as_str()) && !excepted(need);
    let say = |need: &Need| {
        let allowed = if allowed.is_empty() { "none of ours".to_owned() } else { allowed.join(", ") };
        format!("{} -> {} in {}: it may know {allowed}", room.name, need.name, need.kind.heading())
    };
    room.needs.iter().filter(broken).map(say).collect()
}

/// What a task links is our code and std: everyone's build pays for more.
pub(crate) fn std_only(rooms: &[Room]) -> Vec<String> {
    let linked = |name: &'static str| {
        let needs = rooms.iter().filter(move |room| room.name == name).flat_map(|room| &room.needs);
        needs.filter(|need| need.kind != Kind::Dev && !need.optional)
    };
    let foreign = ["runtime", "secret"].into_iter().flat_map(|name| {
        linked(name)
            .filter(|need| !need.ours)
            .map(move |need| format!("{name} -> {}: tasks link only std and us", need.name))
    });
    let fat = linked("runtime")
        .filter(|need| need.ours && need.defaults)
        .map(|need| format!("runtime -> {} with default features: tasks link only std and us", need.name));
    foreign.chain(fat).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn need(name: &str, ours: bool, kind: Kind) -> Need {
        Need { name: name.into(), ours, kind, optional: false, defaults: false }
    }

    fn a_room(name: &str, needs: Vec<Need>) -> Room {
        Room { name: name.into(), path: format!("crates/{name}"), needs }
    }

    #[test]
    fn each_line_of_the_table_names_only_what_stands_above_it() {
        for (index, (name, allowed)) in ARROWS.iter().enumerate() {
            for below in *allowed {
                assert!(ARROWS[..index].iter().any(|(other, _)| other == below), "{name} -> {below}");
            }
        }
    }

    #[test]
    fn every_arrow_of_the_table_is_allowed_under_every_heading() {
        let rooms: Vec<_> = ARROWS
            .iter()
            .map(|(name, allowed)| {
                let kinds = [Kind::Normal, Kind::Dev, Kind::Build];
                a_room(name, kinds.iter().flat_map(|kind| allowed.iter().map(|to| need(to, true, *kind))).collect())
            })
            .collect();
        assert_eq!(arrows(&rooms), Vec::<String>::new());
    }

    #[test]
    fn an_arrow_that_points_up_is_named_with_its_heading() {
        let rooms = [a_room("secret", vec![need("admission", true, Kind::Build)])];
        assert_eq!(arrows(&rooms), ["secret -> admission in build-dependencies: it may know none of ours"]);
        let rooms = [a_room("admission", vec![need("secret", true, Kind::Normal), need("stores", true, Kind::Dev)])];
        assert_eq!(arrows(&rooms), ["admission -> stores in dev-dependencies: it may know secret"]);
    }

    #[test]
    fn the_exception_is_for_tests_alone() {
        assert_eq!(arrows(&[a_room("stores", vec![need("runner", true, Kind::Dev)])]), Vec::<String>::new());
        assert_eq!(arrows(&[a_room("stores", vec![need("runner", true, Kind::Normal)])]).len(), 1);
        assert_eq!(arrows(&[a_room("admission", vec![need("runner", true, Kind::Dev)])]).len(), 1);
    }

    #[test]
    fn a_crate_that_the_table_does_not_know_is_reported() {
        assert_eq!(arrows(&[a_room("utils", Vec::new())]), ["utils (crates/utils) has no line in the table"]);
    }

    #[test]
    fn tasks_link_only_std_and_us() {
        let feature = Need { optional: true, ..need("serde", false, Kind::Normal) };
        let fine = [
            a_room("secret", vec![feature, need("proptest", false, Kind::Dev)]),
            a_room("runtime", vec![need("secret", true, Kind::Normal)]),
        ];
        assert_eq!(std_only(&fine), Vec::<String>::new());
        let defaults = Need { defaults: true, ..need("secret", true, Kind::Normal) };
        let fat = [
            a_room("secret", vec![need("regex", false, Kind::Normal)]),
            a_room("runtime", vec![defaults, need("libc", false, Kind::Normal)]),
        ];
        assert_eq!(std_only(&fat).len(), 3, "{:?}", std_only(&fat));
    }
}
