use crate::reader::{Binds, Import, Module, read};

fn imports(text: &str) -> Vec<String> {
    let imports = read(text).unwrap().imports;
    let shown = |import: &Import| {
        let binds = match &import.binds {
            Binds::Name(name) => name.as_str(),
            Binds::Nothing => "_",
            Binds::All => "*",
        };
        let public = if import.public { "pub " } else { "" };
        format!("{}: {public}{} as {binds}", import.line, import.path.join("::"))
    };
    imports.iter().map(shown).collect()
}

fn mentions(text: &str) -> Vec<String> {
    let rooted = |path: &Vec<String>| {
        path.len() > 1 && ["crate", "super", "self"].contains(&path[0].as_str())
    };
    let mentions = read(text).unwrap().mentions;
    let rooted = mentions.iter().filter(|mention| rooted(&mention.path));
    rooted.map(|mention| format!("{}: {}", mention.line, mention.path.join("::"))).collect()
}

#[test]
fn a_use_is_read_to_its_leaves() {
    assert_eq!(imports("use crate::a::B;"), ["1: crate::a::B as B"]);
    assert_eq!(imports("use super::super::a as b;"), ["1: super::super::a as b"]);
    assert_eq!(imports("pub(crate) use a::B as _;"), ["1: pub a::B as _"]);
    assert_eq!(imports("use crate::a::*;"), ["1: crate::a as *"]);
    assert_eq!(
        imports("\nuse crate::{\n    a::{self, B, c::{self as d, *}},\n    e,\n};"),
        [
            "3: crate::a as a",
            "3: crate::a::B as B",
            "3: crate::a::c as d",
            "3: crate::a::c as *",
            "4: crate::e as e",
        ]
    );
    assert_eq!(imports("fn f() {\n    use crate::r#a::B;\n}"), ["2: crate::a::B as B"]);
    assert!(imports("use ::other::A;").is_empty());
}

#[test]
fn a_path_in_code_is_read_wherever_it_stands() {
    assert_eq!(
        mentions(
            "fn f(a: crate::a::A<super::B>) -> impl crate::c::C {\n\
             <self::D as crate::e::E>::f(|g: &crate::g::G| match g {\n\
             crate::h::H { i } => crate::j::k::<crate::l::L>(i),\n})}"
        ),
        [
            "1: crate::a::A",
            "1: super::B",
            "1: crate::c::C",
            "2: self::D",
            "2: crate::e::E::f",
            "2: crate::g::G",
            "3: crate::h::H",
            "3: crate::j::k",
            "3: crate::l::L",
        ]
    );
    assert!(mentions("pub(in crate::a) fn f() {}\n#[a(crate::b)]\nstruct C;").is_empty());
}

#[test]
fn a_path_among_the_tokens_of_a_macro_is_read() {
    assert_eq!(
        mentions(
            "fn f() {\n    tracing::warn!(a = %crate::a::B::new(x.super_), \"{}\", 0..self::c());\n}"
        ),
        ["2: crate::a::B::new", "2: self::c"]
    );
    assert_eq!(
        mentions("macro_rules! m { () => {\n    $crate::a::b!(x: super::C)\n}; }"),
        ["2: crate::a::b", "2: super::C"]
    );
    assert_eq!(
        mentions("m! { use crate::{a, b::{c as d, E}}; }"),
        ["1: crate::a", "1: crate::b::c", "1: crate::b::E"]
    );
}

#[test]
fn what_only_tests_compile_is_left_out() {
    let text = "#[cfg(test)] use crate::a;\n#[cfg(all(test, unix))] fn f() { crate::b() }\n\
                #[cfg(any(test, unix))] use crate::c;\n#[cfg(not(test))] use crate::d;\n\
                impl A { #[cfg(test)] fn g() { crate::e() } }";
    assert_eq!(imports(text), ["3: crate::c as c", "4: crate::d as d"]);
    assert!(mentions(text).is_empty());
    assert!(read("#![cfg(test)]").unwrap().test);
}

#[test]
fn a_module_says_what_it_declares_and_defines() {
    let text = "mod a;\n#[path = \"x/y.rs\"] mod b;\n#[cfg(test)] mod c { fn inner() {} }\n\
                struct D;\nfn e() { struct Hidden; }\nmacro_rules! f { () => {} }\nimpl D {}";
    let Module { children, items, .. } = read(text).unwrap();
    let children: Vec<_> =
        children.iter().map(|c| (c.name.as_str(), c.path.as_deref(), c.test)).collect();
    assert_eq!(children, [("a", None, false), ("b", Some("x/y.rs"), false), ("c", None, true)]);
    assert_eq!(items, ["D", "e", "f"]);
}
