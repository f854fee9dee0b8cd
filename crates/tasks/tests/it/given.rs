//! Inputs as they are written on a command line: what flytekit makes of them, and what is refused.

use serde_json::{Value, json};
use tasks::{InputError, Package};

use crate::python;

#[test]
fn flytekit_sees_what_was_meant() {
    let package = Package::read(python::package()).unwrap();
    let task = package.find("kinds.everything").unwrap();
    let utc = "tzinfo=datetime.timezone.utc";
    let cases = [
        ("whole=9223372036854775807", "9223372036854775807".to_owned()),
        ("real=3", "3.0".to_owned()),
        ("real=-1e-7", "-1e-07".to_owned()),
        ("real=inf", "inf".to_owned()),
        ("text=", "''".to_owned()),
        ("text=null", "'null'".to_owned()),
        ("text={\"é\": 1}", "'{\"é\": 1}'".to_owned()),
        ("yes=No", "False".to_owned()),
        ("at=2024-02-29", format!("datetime.datetime(2024, 2, 29, 0, 0, {utc})")),
        ("at=1969-12-31T23:59:59.5Z", format!("datetime.datetime(1969, 12, 31, 23, 59, 59, 500000, {utc})")),
        ("long=2 days", "datetime.timedelta(days=2)".to_owned()),
        ("long=-1.5s", "datetime.timedelta(days=-1, seconds=86398, microseconds=500000)".to_owned()),
        ("colour=red", "<Colour.RED: 'red'>".to_owned()),
        ("maybe=None", "None".to_owned()),
        ("maybe=some", "'some'".to_owned()),
        ("either=12", "12".to_owned()),
        ("either=twelve", "'twelve'".to_owned()),
        ("numbers=[]", "[]".to_owned()),
        ("nested={}", "{}".to_owned()),
        (r#"nested={"a": [1, 2.5]}"#, "{'a': [1.0, 2.5]}".to_owned()),
        (r#"times=["2024-01-01"]"#, format!("[datetime.datetime(2024, 1, 1, 0, 0, {utc})]")),
        ("optional_numbers=None", "None".to_owned()),
        ("optional_numbers=[1]", "[1]".to_owned()),
        (r#"point={"x": 1, "y": 2.5}"#, "Point(x=1, y=2.5, name='here')".to_owned()),
        (r#"points=[{"x": 1, "y": 0, "name": "a"}]"#, "[Point(x=1, y=0.0, name='a')]".to_owned()),
        (r#"free={"a": [1, 1.5, null]}"#, "{'a': [1, 1.5, None]}".to_owned()),
        ("file=/etc/hostname", "/etc/hostname".to_owned()),
        ("folder=/etc", "/etc".to_owned()),
    ];
    let mut questions = String::new();
    for (given, _) in &cases {
        let bytes = task.some_inputs([*given]).unwrap_or_else(|error| panic!("{given}: {error}")).to_bytes();
        let hex = data_encoding::HEXLOWER.encode(&bytes);
        questions += &json!({"task": task.name(), "inputs": hex}).to_string();
        questions.push('\n');
    }
    let answers = python::probe("decode", &questions);
    assert_eq!(answers.len(), cases.len());
    for ((given, meant), answer) in cases.iter().zip(answers) {
        let (name, _) = given.split_once('=').unwrap();
        assert_eq!(answer[name], Value::from(meant.as_str()), "{given}");
    }
}

#[test]
fn what_is_of_another_type_is_refused_without_repeating_it() {
    let package = Package::read(python::package()).unwrap();
    let task = package.find("kinds.everything").unwrap();
    for (given, message) in [
        ("whole=SECRET", "input `whole` is not int: write a whole number"),
        ("whole=1.5", "input `whole` is not int: write a whole number"),
        ("whole=9223372036854775808", "input `whole` is not int: it has more than 64 bits"),
        ("real=SECRET", "input `real` is not float: write a number"),
        ("yes=SECRET", "input `yes` is not bool: write `true` or `false`"),
        ("at=SECRET", "input `at` is not datetime: write it as 2024-02-29T12:30:00Z; without an offset it is UTC"),
        ("long=SECRET", "input `long` is not timedelta: write it as 90s, `1h 30m` or PT1H30M"),
        ("colour=rde", "input `colour` is not one of red, green: did you mean `red`?"),
        ("numbers=SECRET", "input `numbers` is not List[int]: it isn't JSON, from line 1 column 1 on"),
        ("numbers=[1,", "input `numbers` is not List[int]: it is cut off; write JSON"),
        ("numbers=3", "input `numbers` is not List[int]: a number is there, write a list in JSON: [a, b]"),
        (r#"numbers=[1, "SECRET"]"#, "input `numbers` is not List[int]: [1]: text is there instead of int"),
        (
            r#"nested={"a": ["SECRET"]}"#,
            r#"input `nested` is not Dict[str, List[float]]: ["a"]: [0]: text is there instead of float"#,
        ),
        ("point=[1]", "input `point` is not Point: write a JSON object: {\"field\": value}"),
        (
            "optional_numbers=[true]",
            "input `optional_numbers` is not Optional[List[int]]: [0]: true or false is there instead of int",
        ),
        ("file=", "input `file` is not FlyteFile: write a path"),
    ] {
        let error = task.some_inputs([given]).expect_err(given).to_string();
        assert_eq!(error, message);
        assert!(!error.contains("SECRET"));
    }
}

#[test]
fn names_are_looked_at() {
    let package = Package::read(python::package()).unwrap();
    let task = package.find("kinds.in_a_pod").unwrap();
    for (given, message, hint) in [
        (vec!["SECRET"], "an input is not NAME=VALUE: there is no `=` in it", "write it as NAME=VALUE"),
        (vec!["nubmer=1"], "task `kinds.in_a_pod` has no input `nubmer`", "did you mean `number`?"),
        (vec!["x=1"], "task `kinds.in_a_pod` has no input `x`", "it has `number` (int)"),
        (vec!["number=1", "number=2"], "input `number` is given twice", "give each input once"),
        (
            vec![],
            "task `kinds.in_a_pod` needs its input `number` (int)",
            "give it as number=VALUE: a package doesn't have the defaults of its functions",
        ),
    ] {
        let error = task.inputs(given.iter().copied()).expect_err(message);
        assert_eq!((error.to_string().as_str(), error.hint().as_deref()), (message, Some(hint)));
    }
    let error = package.find("kinds.forgetful").unwrap().inputs(["a=1"]).unwrap_err();
    assert_eq!(error.hint().as_deref(), Some("it takes no inputs"));
    assert!(matches!(error, InputError::Unknown { .. }));
}

#[test]
fn all_that_is_wrong_is_said_at_once() {
    let package = Package::read(python::package()).unwrap();
    let task = package.find("kinds.failing").unwrap();
    assert_eq!(task.parameters().len(), 1);
    let task = package.find("kinds.everything").unwrap();
    let given = ["whole=one", "rael=1", "yes", "text=a", "text=b", "real=2"];
    let errors = task.all_inputs(given, true).unwrap_err();
    let said: Vec<_> = errors.iter().map(ToString::to_string).collect();
    assert_eq!(
        said,
        [
            "input `whole` is not int: write a whole number",
            "task `kinds.everything` has no input `rael`",
            "an input is not NAME=VALUE: there is no `=` in it",
            "input `text` is given twice",
        ]
    );
    let errors = task.all_inputs(given, false).unwrap_err();
    assert_eq!(errors.len(), 5);
    let InputError::Missing { names, .. } = &errors[4] else { panic!("{errors:?}") };
    assert_eq!(names.len(), task.parameters().len() - 3, "what is of a wrong type is not missing as well");
}
