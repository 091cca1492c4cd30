//! Settings out of all four places, and what is said of those that are wrong.

use std::fs;
use std::path::Path;
use std::time::Duration;

use super::catalogue::SETTINGS;
use super::*;

fn given(file: &str, variables: &[(&str, &str)], flags: &[(&'static str, &str)]) -> (tempfile::TempDir, Given) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("baowen.toml");
    fs::write(&path, file).unwrap();
    let given = Given {
        file: Some(path),
        variables: variables.iter().map(|(a, b)| (a.to_string(), b.to_string())).collect(),
        flags: flags.iter().map(|(a, b)| (*a, b.to_string())).collect(),
    };
    (folder, given)
}

#[test]
fn each_place_goes_over_those_before_it() {
    let file = "queue = 1_00\nthreads = 3\n\nindex = \"data\"\ngrace = 0.5\nwrite = true\n";
    let variables = [("BAOWEN_THREADS", "4"), ("BAOWEN_MAX_BATCH", "7"), ("PATH", "x")];
    let (folder, given) = given(file, &variables, &[("max-batch", "8"), ("snapshots", "here")]);
    let resolved = resolve(&given).unwrap();
    let expected = Settings {
        index: folder.path().join("data"),
        write: true,
        snapshots: Some("here".into()),
        service: ServiceSettings {
            queue: 100,
            threads: 4,
            max_batch: 8,
            grace: Duration::from_millis(500),
            ..Settings::default().service
        },
        ..Settings::default()
    };
    assert_eq!(resolved.settings, expected);
    let origin = |flag| {
        let place = SETTINGS.iter().position(|setting| setting.flag == flag).unwrap();
        resolved.origins[place].to_string()
    };
    let file = given.file.as_ref().unwrap().display().to_string();
    assert_eq!(origin("queue"), format!("{file}:1"));
    assert_eq!(origin("index"), format!("{file}:4"));
    assert_eq!(origin("threads"), "BAOWEN_THREADS");
    assert_eq!(origin("max-batch"), "--max-batch");
    assert_eq!(origin("listen"), "default");

    // What is shown is a file that says the same.
    let shown = as_toml(&resolved, true);
    assert!(shown.contains("threads = 4  # BAOWEN_THREADS\n"), "{shown}");
    assert!(shown.contains("#listen = \"127.0.0.1:50051\"\n"), "{shown}");
    let again = self::given(&shown, &[], &[]);
    let again = resolve(&again.1).unwrap().settings;
    // All but the path of a flag, which the file sees from its own folder.
    assert_eq!(again.service, expected.service);
    assert_eq!(again.index, expected.index);
    let none = resolve(&self::given("", &[], &[]).1).unwrap();
    assert_eq!(
        as_toml(&none, false),
        "# nothing is set: all settings have their defaults, which --all shows\n"
    );
}

/// Six mistakes of six kinds in one file, one in the environment, one flag: all are named.
#[test]
fn all_mistakes_are_said_at_once_each_with_its_place_and_what_is_allowed() {
    let file = "queue = -1\nqueu = 3\nlisten = 50051\nwrite = \"yes\"\n\nmax_batch = [1]\nthreads = 1\nthreads = 2\n";
    let variables = [("BAOWEN_GRACE", "soon"), ("BAOWEN_TEST_KILLS", "3")];
    let (_folder, given) = given(file, &variables, &[("connections", "0")]);
    let error = resolve(&given).unwrap_err().message().to_string();
    let file = given.file.as_ref().unwrap().display().to_string();
    let expected = [
        format!("{file}:1: queue: `-1` is not allowed, only a whole number from 0 to 1000000\n"),
        format!("{file}:2: there is no setting `queu`; did you mean `queue`?\n"),
        format!("{file}:3: listen: `50051` is not allowed, only HOST:PORT, in quotes\n"),
        format!("{file}:4: write: `yes` is not allowed, only true or false, without quotes\n"),
        format!("{file}:6: max_batch: is of the type array, must be a whole number from 1 to 100000\n"),
        format!("{file}:8: duplicate key\n"),
        "BAOWEN_GRACE: `soon` is not allowed, only seconds from 0 to 604800\n".to_string(),
        "--connections: `0` is not allowed, only a whole number from 1 to 1000000\n".to_string(),
    ];
    let lines = format!("{error}\n");
    for line in &expected {
        assert!(lines.contains(line), "{line} is not in {error}");
    }
    assert!(error.starts_with("8 mistakes"), "{error}");
}

/// `BAOWEN_PORT` may be somebody else's.
#[test]
fn a_variable_that_is_no_setting_is_a_doubt_and_no_mistake() {
    let variables = [
        ("BAOWEN_LISTNE", "1:2"),
        ("BAOWEN_PORT_1_TCP", "3"),
        ("BAOWEN_TEST_KILLS", "3"),
    ];
    let (_folder, given) = given("", &variables, &[]);
    let doubts = resolve(&given).unwrap().doubts;
    let expected = [
        "BAOWEN_LISTNE: there is no such setting; did you mean `BAOWEN_LISTEN`?",
        "BAOWEN_PORT_1_TCP: there is no such setting",
    ];
    assert_eq!(doubts, expected);
}

#[test]
fn a_file_that_is_not_there_is_named() {
    let given = Given {
        file: Some("nowhere/baowen.toml".into()),
        ..Given::default()
    };
    let error = resolve(&given).unwrap_err();
    assert!(error.message().contains("nowhere/baowen.toml"), "{error}");
}

/// Every default is allowed, every name is one of a kind.
#[test]
fn the_catalogue_agrees_with_itself() {
    let defaults = Settings::default();
    for (place, setting) in SETTINGS.iter().enumerate() {
        assert!(SETTINGS[..place].iter().all(|other| other.flag != setting.flag));
        let Some(shown) = setting.value.shown(&defaults) else {
            continue;
        };
        let mut settings = defaults.clone();
        assert!(
            setting.value.set(&mut settings, shown.trim_matches('"'), Path::new("")),
            "{}",
            setting.flag
        );
        assert_eq!(settings, defaults, "{}", setting.flag);
    }
}

#[test]
fn the_readme_lists_every_setting_with_its_default() {
    let readme = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("README.md")).unwrap();
    let table = table();
    assert!(
        readme.contains(&table),
        "the table of settings in README.md must be\n{table}"
    );
}
