//! What `pyflyte` writes is read, and says what flytekit says.

use serde_json::{Value, json};
use tasks::{FindError, Package, Target};

use crate::python;

fn read(bytes: &[u8]) -> Package {
    Package::read(bytes).unwrap_or_else(|error| panic!("{error}"))
}

#[test]
fn a_package_has_the_tasks_that_flytekit_says() {
    let package = read(python::package());
    let ours: Vec<_> = package
        .tasks
        .iter()
        .map(|task| {
            let names = |of: Vec<tasks::Parameter>| of.into_iter().map(|one| one.name).collect::<Vec<_>>();
            let secrets = task.secrets();
            let secrets = secrets.iter().map(|s| json!([s.group, s.group_version, s.key, s.mount.number(), s.env_var]));
            json!({
                "name": task.name(),
                "kind": task.kind(),
                "secrets": secrets.collect::<Vec<_>>(),
                "inputs": names(task.parameters()),
                "outputs": names(task.results()),
            })
        })
        .collect();
    assert_eq!(Value::from(ours), python::probe("describe", "")[0]);
    assert_eq!((package.workflows.len(), package.launch_plans), (1, package.workflows.clone()), "it has its default");
    assert!(package.code.is_none());
    for task in &package.tasks {
        assert!(!task.needs_code(), "{}", task.name());
        assert_eq!(task.version(), "", "`pyflyte package` leaves it to registration");
        assert_eq!(task.full_name(), task.name());
    }
}

#[test]
fn what_a_task_takes_is_said_as_its_author_wrote_it() {
    let package = read(python::package());
    let task = package.find("kinds.everything").unwrap();
    let types: Vec<_> = task.parameters().iter().map(|one| format!("{}: {}", one.name, one.ty)).collect();
    let expected = [
        "at: datetime",
        "colour: one of red, green",
        "either: Union[int, str]",
        "file: FlyteFile",
        "folder: FlyteDirectory",
        "free: dict",
        "long: timedelta",
        "maybe: Optional[str]",
        "nested: Dict[str, List[float]]",
        "numbers: List[int]",
        "optional_numbers: Optional[List[int]]",
        "point: Point",
        "points: List[Point]",
        "real: float",
        "text: str",
        "times: List[datetime]",
        "whole: int",
        "yes: bool",
    ];
    assert_eq!(types, expected);
    let optional: Vec<_> = task.parameters().into_iter().filter(|one| one.ty.may_be_none()).collect();
    assert_eq!(optional.iter().map(|one| one.name.as_str()).collect::<Vec<_>>(), ["maybe", "optional_numbers"]);
}

#[test]
fn a_task_says_what_it_runs_in() {
    let package = read(python::package());
    for (name, target, image) in [
        ("kinds.context", Target::Container, Some(python::IMAGE)),
        ("kinds.in_a_pod", Target::Pod, None),
        ("raw", Target::Container, Some("alpine:3")),
    ] {
        let task = package.find(name).unwrap();
        assert_eq!((task.target(), task.image()), (target, image), "{name}");
    }
}

#[test]
fn code_that_was_packaged_is_there_and_the_tasks_that_need_it_are_known() {
    let package = read(python::package_with_code());
    let (name, code) = package.code.as_ref().expect("it was made with --copy all");
    assert!(name.ends_with(".tar.gz"), "{name}");
    let mut files = tar::Archive::new(flate2::read::GzDecoder::new(code.as_slice()));
    let names: Vec<_> = files.entries().unwrap().map(|file| file.unwrap().path().unwrap().into_owned()).collect();
    assert!(names.iter().any(|name| name.ends_with("kinds.py")), "{names:?}");
    let need: Vec<_> = package.tasks.iter().filter(|task| task.needs_code()).map(tasks::Task::name).collect();
    assert_eq!(need.len(), package.tasks.len() - 1, "all but `raw`: {need:?}");
}

#[test]
fn serialized_files_are_read_one_by_one() {
    let (mut tasks, mut others) = (0, 0);
    for (name, bytes) in python::serialized() {
        if name.ends_with("_1.pb") {
            let package = read(&bytes);
            assert_eq!(package.tasks.len(), 1, "{name}");
            assert!(name.contains(package.tasks[0].name()), "{name}");
            tasks += 1;
        } else {
            let error = Package::read(&bytes).expect_err(&name).to_string();
            let what = if name.ends_with("_2.pb") { "1 workflow and" } else { "1 launch plan" };
            assert!(error.starts_with("it has no task, only ") && error.contains(what), "{name}: {error}");
            others += 1;
        }
    }
    assert_eq!((tasks, others), (7, 2));
}

#[test]
fn the_template_of_a_task_is_read_again() {
    let package = read(python::package());
    for task in &package.tasks {
        assert_eq!(&read(&task.template()).tasks[0], task);
    }
}

#[test]
fn a_task_is_found_by_its_name_or_the_nearest_is_named() {
    let package = read(python::package());
    assert_eq!(package.find("raw").unwrap().name(), "raw");
    for (name, nearest) in
        [("kinds.contxt", "kinds.context"), ("context", "kinds.context"), ("Kinds.In_A_Pod", "kinds.in_a_pod")]
    {
        let error = package.find(name).expect_err(name);
        assert_eq!(error.to_string(), format!("no task is named `{name}`"));
        assert_eq!(error.hint(), format!("did you mean `{nearest}`?"));
    }
    let workflow = package.workflows.first().unwrap();
    let error = package.find(workflow).unwrap_err();
    assert_eq!(error.to_string(), format!("`{workflow}` is a workflow, not a task"));
    assert_eq!(error.hint(), "its tasks run one by one, each by its own name");
    let error = package.find("nothing.of.that").unwrap_err();
    assert!(matches!(error, FindError::Unknown { nearest: None, .. }));
    assert!(error.hint().starts_with("it has kinds.everything, kinds.context, "), "{}", error.hint());
}
