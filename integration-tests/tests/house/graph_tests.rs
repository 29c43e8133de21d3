use crate::graph::{Arrow, Circle, Files, Graph, circles, is_root};

fn files(files: &[(&str, &str)]) -> Files {
    files.iter().map(|(path, text)| ((*path).to_owned(), (*text).to_owned())).collect()
}

fn arrows(these: &[(&str, &str)]) -> Vec<String> {
    let arrows = Graph::of(&files(these)).unwrap().arrows();
    let shown = |a: &Arrow| {
        let names = if a.names { " names" } else { "" };
        format!("{}:{}{names} {}", a.from, a.line, a.to)
    };
    arrows.iter().map(shown).collect()
}

#[test]
fn a_path_leads_to_the_file_that_defines_it() {
    let lib = ("lib.rs", "mod a; mod b; pub use b::{One, two};");
    let b = ("b/mod.rs", "mod one; mod two; pub use one::*; pub use two::two; pub use x::Y;");
    let one = ("b/one.rs", "pub struct One;");
    let two = ("b/two.rs", "pub fn two() {}");
    let to = |a: &str| {
        let arrows = arrows(&[lib, b, one, two, ("a.rs", a)]);
        let from_a = arrows.iter().find_map(|arrow| arrow.strip_prefix("a.rs:"));
        from_a.map(str::to_owned)
    };
    assert_eq!(to("use crate::One;").as_deref(), Some("1 b/one.rs"));
    assert_eq!(to("\nfn f() { super::One::new() }").as_deref(), Some("2 b/one.rs"));
    assert_eq!(to("fn f() { m!(crate::b::two()) }").as_deref(), Some("1 b/two.rs"));
    assert_eq!(to("use crate::b::two;").as_deref(), Some("1 b/two.rs"));
    assert_eq!(to("use crate::b::two::two;").as_deref(), Some("1 b/two.rs"));
    assert_eq!(to("use crate::b::Y;").as_deref(), Some("1 b/mod.rs"));
    assert_eq!(to("use crate::b::made_by_a_macro;").as_deref(), Some("1 b/mod.rs"));
    assert_eq!(to("mod c { use super::super::One; }").as_deref(), Some("1 b/one.rs"));
    assert_eq!(to("use std::b::One; use one::Two; fn b() { b() }"), None);
    assert_eq!(to("#[cfg(test)] mod c { use crate::One; }"), None);
}

#[test]
fn a_name_that_an_import_brought_leads_further() {
    let b = ("b/mod.rs", "pub mod c;");
    let c = ("b/c.rs", "pub fn f() {}");
    let a = ("a.rs", "use crate::b;\nfn g() { b::c::f() }");
    let these = [("lib.rs", "mod a; mod b;"), a, b, c];
    assert_eq!(arrows(&these), ["a.rs:1 b/mod.rs", "a.rs:2 b/c.rs"]);
}

#[test]
fn a_name_passed_on_is_no_use_until_it_is_used() {
    let a = ("a/b.rs", "pub struct B;\nfn f() { super::f() }");
    let passed_on = ("a/mod.rs", "mod b;\npub use b::B;\n#[cfg(x)] mod x { }\nfn f() {}");
    let these = [("lib.rs", "mod a;"), a, passed_on];
    assert_eq!(arrows(&these), ["a/b.rs:2 a/mod.rs", "a/mod.rs:2 names a/b.rs"]);
    let used = ("a/mod.rs", "mod b;\npub use b::B;\nfn f() {}\nfn g(_: B) {}");
    let these = [("lib.rs", "mod a;"), a, used];
    assert!(arrows(&these).contains(&"a/mod.rs:4 a/b.rs".to_owned()));
}

#[test]
fn each_crate_of_a_package_has_a_root() {
    let inner = ("bin/b/inner.rs", "use crate::f;");
    let b = ("bin/b.rs", "#[path = \"b/inner.rs\"] mod inner;\nfn f() {}");
    let these = [("lib.rs", "pub fn f() {}"), ("main.rs", ""), b, inner];
    assert_eq!(arrows(&these), ["bin/b/inner.rs:1 bin/b.rs"]);
    let roots = ["lib.rs", "main.rs", "bin/a.rs", "bin/a/main.rs"];
    assert!(roots.iter().all(|path| is_root(path)));
    let others = ["a.rs", "a/main.rs", "bin/a/b.rs", "a/lib.rs"];
    assert!(!others.iter().any(|path| is_root(path)));
}

#[test]
fn a_file_without_module_and_a_module_without_file_are_errors() {
    let orphan = Graph::of(&files(&[("lib.rs", ""), ("a.rs", "")])).unwrap_err();
    assert_eq!(orphan, "a.rs: no module declares it");
    let missing = Graph::of(&files(&[("lib.rs", "mod a;")])).unwrap_err();
    assert_eq!(missing, "a/mod.rs: no such file");
    let broken = Graph::of(&files(&[("lib.rs", "\nfn (")])).unwrap_err();
    assert!(broken.starts_with("lib.rs:2: "), "{broken}");
}

#[test]
fn a_circle_has_its_files_and_the_arrows_between_them() {
    let found = |c: &str| {
        let lib = ("lib.rs", "mod a; mod b; mod c; mod d;");
        let b = ("b.rs", "use crate::c::C;\nuse crate::d::D;");
        let d = ("d.rs", "pub struct D;");
        let these = [lib, ("a.rs", "use crate::b;"), b, ("c.rs", c), d];
        circles(&Graph::of(&files(&these)).unwrap().arrows())
    };
    assert!(found("use crate::d::D;").is_empty());
    let [Circle { files, arrows }] = &found("use crate::d::D;\nuse crate::a::A;")[..] else {
        panic!("one circle")
    };
    let names: Vec<_> = files.iter().map(|file| file.as_str()).collect();
    assert_eq!(names, ["a.rs", "b.rs", "c.rs"]);
    let from: Vec<_> = arrows.iter().map(|a| (a.from.as_str(), a.line)).collect();
    assert_eq!(from, [("a.rs", 1), ("b.rs", 1), ("c.rs", 2)]);
}
