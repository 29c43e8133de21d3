//! What the packages of this workspace build has names of its own: cargo puts all examples into one directory.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::collections::BTreeMap;
use std::process::Command;

use serde_json::Value;

/// The names of examples and programs with the packages that build one of that name.
fn built() -> BTreeMap<(String, String), Vec<String>> {
    let mut command = Command::new(env!("CARGO"));
    command.args(["metadata", "--no-deps", "--offline", "--format-version", "1"]);
    let output = command.current_dir(env!("CARGO_MANIFEST_DIR")).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let metadata: Value = serde_json::from_slice(&output.stdout).unwrap();
    let mut built: BTreeMap<_, Vec<_>> = BTreeMap::new();
    for package in metadata["packages"].as_array().unwrap() {
        for target in package["targets"].as_array().unwrap() {
            let kind = target["kind"][0].as_str().unwrap();
            if ["example", "bin"].contains(&kind) {
                let name = target["name"].as_str().unwrap();
                let builders = built.entry((kind.to_owned(), name.to_owned())).or_default();
                builders.push(package["name"].as_str().unwrap().to_owned());
            }
        }
    }
    built
}

#[test]
fn no_two_packages_build_an_example_or_a_program_of_one_name() {
    let built = built();
    assert!(built.keys().filter(|(kind, _)| kind == "example").count() >= 5, "{built:?}");
    for (target, builders) in built {
        assert_eq!(builders.len(), 1, "{target:?} is built by {builders:?}");
    }
}
