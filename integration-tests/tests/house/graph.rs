//! The modules of a package and the arrows between its files: who imports or names what another file defines.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Component, Path};

use crate::reader::{self, Binds, Import, Mention};

/// How often a name may stand for another before it counts as unknown.
const LONGEST_WAY: usize = 12;

/// The files of a folder, by their path in it.
pub(crate) type Files = BTreeMap<String, String>;

#[derive(Debug)]
pub(crate) struct Graph {
    files: Vec<String>,
    modules: Vec<Module>,
}

#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Arrow {
    pub(crate) from: String,
    pub(crate) line: usize,
    pub(crate) to: String,
    /// The path as it is written.
    pub(crate) path: String,
    /// Whether it only gives a name to what is elsewhere.
    pub(crate) names: bool,
}

/// Files that reach each other, and the arrows between them.
#[derive(Debug, PartialEq)]
pub(crate) struct Circle {
    pub(crate) files: BTreeSet<String>,
    pub(crate) arrows: Vec<Arrow>,
}

#[derive(Debug)]
struct Module {
    file: usize,
    root: usize,
    parent: usize,
    test: bool,
    children: BTreeMap<String, usize>,
    /// Of a root: the files of the macros that stand in it, wherever they are written.
    exports: BTreeMap<String, usize>,
    items: Vec<String>,
    imports: Vec<Import>,
    mentions: Vec<Mention>,
}

/// What a path leads to.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Found {
    Module(usize),
    /// Something that this file defines, or gives a name to.
    Item(usize),
    /// Nothing of this package.
    Outside,
}

/// Where a module stands before it is read.
struct Place {
    file: usize,
    /// Where the files of its children are.
    directory: String,
    /// The root of its crate and its parent; none for a root itself.
    above: Option<(usize, usize)>,
    test: bool,
}

impl Graph {
    /// Follows the modules of each crate in `files` from its root.
    pub(crate) fn of(files: &Files) -> Result<Self, String> {
        let mut graph = Self { files: Vec::new(), modules: Vec::new() };
        for path in files.keys().filter(|path| is_root(path)) {
            let place = Place { directory: folder(path), above: None, test: false, file: 0 };
            graph.read(files, path, place)?;
        }
        match files.keys().find(|path| !graph.files.contains(path)) {
            Some(orphan) => Err(format!("{orphan}: no module declares it")),
            None => Ok(graph),
        }
    }

    fn read(&mut self, files: &Files, path: &str, place: Place) -> Result<usize, String> {
        let text = files.get(path).ok_or_else(|| format!("{path}: no such file"))?;
        let module = reader::read(text)
            .map_err(|error| format!("{path}:{}: {error}", error.span().start().line))?;
        self.files.push(path.to_owned());
        self.add(files, module, Place { file: self.files.len() - 1, ..place })
    }

    fn add(&mut self, files: &Files, read: reader::Module, place: Place) -> Result<usize, String> {
        let Place { file, directory, above, test } = place;
        let at = self.modules.len();
        let (root, parent) = above.unwrap_or((at, at));
        let test = test || read.test;
        let reader::Module { items, exported, imports, mentions, children, .. } = read;
        let declared = children;
        let children = BTreeMap::new();
        let exports = BTreeMap::new();
        self.modules.push(Module {
            file,
            root,
            parent,
            test,
            children,
            exports,
            items,
            imports,
            mentions,
        });
        self.modules[root].exports.extend(exported.into_iter().map(|name| (name, file)));
        for child in declared {
            // Under two conditions a module is declared twice.
            if self.modules[at].children.contains_key(&child.name) {
                continue;
            }
            let directory = join(&directory, &child.name);
            let test = test || child.test;
            let place = Place { file, directory, above: Some((root, at)), test };
            let added = match (child.body, child.path) {
                (Some(body), _) => self.add(files, body, place)?,
                (None, Some(path)) => {
                    let path = join(&folder(&self.files[file]), &path);
                    self.read(files, &path, Place { directory: folder(&path), ..place })?
                }
                (None, None) => {
                    let flat = format!("{}.rs", place.directory);
                    let path = if files.contains_key(&flat) {
                        flat
                    } else {
                        join(&place.directory, "mod.rs")
                    };
                    self.read(files, &path, place)?
                }
            };
            self.modules[at].children.insert(child.name, added);
        }
        Ok(at)
    }

    /// What a path in a module leads to: through modules, imports and what others re-export, to the file that
    /// defines it where that can be told, and to the last that names it where not.
    fn resolve(&self, module: usize, path: &[String], way: usize) -> Found {
        let (mut at, mut rest, mut inside) = (module, path, false);
        while let [first, after @ ..] = rest {
            at = match first.as_str() {
                "crate" => self.modules[at].root,
                "super" => self.modules[at].parent,
                "self" => at,
                _ => break,
            };
            (rest, inside) = (after, true);
        }
        while let [name, after @ ..] = rest {
            match self.look_up(at, name, after.is_empty(), way) {
                Found::Module(next) => (at, rest, inside) = (next, after, true),
                Found::Item(file) => return Found::Item(file),
                Found::Outside if inside => return Found::Item(self.modules[at].file),
                Found::Outside => return Found::Outside,
            }
        }
        Found::Module(at)
    }

    /// What a name stands for in a module. A function may be called like a module: the last name of a path is rather
    /// the function.
    fn look_up(&self, at: usize, name: &str, is_last: bool, way: usize) -> Found {
        let module = &self.modules[at];
        let child = module.children.get(name).map(|child| Found::Module(*child));
        let Some(way) = way.checked_sub(1) else { return Found::Outside };
        if let (Some(child), false) = (child, is_last) {
            return child;
        }
        if module.items.iter().any(|item| item == name) {
            return Found::Item(module.file);
        }
        if let Some(file) = module.exports.get(name) {
            return Found::Item(*file);
        }
        let import =
            module.imports.iter().find(|i| matches!(&i.binds, Binds::Name(n) if n == name));
        if let Some(import) = import {
            let found = self.resolve(at, &import.path, way);
            return if matches!(found, Found::Item(_)) { found } else { child.unwrap_or(found) };
        }
        let through = |import: &Import| match self.resolve(at, &import.path, way) {
            Found::Module(other) if other != at => self.look_up(other, name, is_last, way),
            _ => Found::Outside,
        };
        let globs = module.imports.iter().filter(|import| import.binds == Binds::All);
        child.unwrap_or_else(|| {
            globs.map(through).find(|f| *f != Found::Outside).unwrap_or(Found::Outside)
        })
    }

    /// From each file outside of tests to others.
    pub(crate) fn arrows(&self) -> Vec<Arrow> {
        let mut arrows = BTreeSet::new();
        for (at, module) in self.modules.iter().enumerate().filter(|(_, module)| !module.test) {
            for import in &module.imports {
                arrows.extend(self.arrow(at, &import.path, import.line, import.public));
            }
            let told = |mention: &&Mention| self.is_told_by_import(at, &mention.path);
            for mention in module.mentions.iter().filter(|mention| !told(mention)) {
                arrows.extend(self.arrow(at, &mention.path, mention.line, false));
            }
        }
        arrows.into_iter().collect()
    }

    /// Whether a path leads no further than the import that brought its first name, or is none.
    fn is_told_by_import(&self, at: usize, path: &[String]) -> bool {
        let module = &self.modules[at];
        let [name, after @ ..] = path else { return true };
        let binds = |import: &&Import| matches!(&import.binds, Binds::Name(n) if n == name);
        match module.imports.iter().find(binds) {
            Some(import) if import.public => false,
            Some(import) => {
                let file = |path: &[String]| self.file_of(self.resolve(at, path, LONGEST_WAY));
                file(&import.path) == file(path)
            }
            // A lone name of a module is a variable's, a lone `crate` a visibility's.
            None => {
                let is_keyword = ["crate", "self", "super"].contains(&name.as_str());
                after.is_empty() && (is_keyword || module.children.contains_key(name))
            }
        }
    }

    fn file_of(&self, found: Found) -> Option<usize> {
        match found {
            Found::Module(module) => Some(self.modules[module].file),
            Found::Item(file) => Some(file),
            Found::Outside => None,
        }
    }

    fn arrow(&self, at: usize, path: &[String], line: usize, names: bool) -> Option<Arrow> {
        let from = self.modules[at].file;
        let to = self.file_of(self.resolve(at, path, LONGEST_WAY))?;
        let (from, to) = (self.files[from].clone(), self.files[to].clone());
        (from != to).then(|| Arrow { from, line, to, path: path.join("::"), names })
    }
}

/// The files that reach each other by what they use. A name that is only passed on is no use.
pub(crate) fn circles(arrows: &[Arrow]) -> Vec<Circle> {
    let mut next: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for arrow in arrows.iter().filter(|arrow| !arrow.names) {
        next.entry(&arrow.from).or_default().insert(&arrow.to);
    }
    let reach: BTreeMap<&str, BTreeSet<&str>> =
        next.keys().map(|file| (*file, reached(&next, file))).collect();
    let mutual = |a: &str, b: &str| {
        reach[a].contains(b) && reach.get(b).is_some_and(|reached| reached.contains(a))
    };
    let mut circles: Vec<Circle> = Vec::new();
    for file in reach.keys().filter(|file| mutual(file, file)) {
        if circles.iter().any(|circle| circle.files.contains(*file)) {
            continue;
        }
        let files = reach.keys().filter(|other| mutual(file, other));
        let files: BTreeSet<String> = files.map(|file| (*file).to_owned()).collect();
        let within = |arrow: &&Arrow| files.contains(&arrow.from) && files.contains(&arrow.to);
        let arrows = arrows.iter().filter(|arrow| !arrow.names).filter(within).cloned().collect();
        circles.push(Circle { files, arrows });
    }
    circles
}

fn reached<'a>(next: &BTreeMap<&'a str, BTreeSet<&'a str>>, from: &'a str) -> BTreeSet<&'a str> {
    let mut reached = BTreeSet::new();
    let mut open = vec![from];
    while let Some(file) = open.pop() {
        let others = next.get(file).into_iter().flatten();
        open.extend(others.filter(|other| reached.insert(**other)));
    }
    reached
}

pub(crate) fn is_root(path: &str) -> bool {
    let Some(program) = path.strip_prefix("bin/") else {
        return ["lib.rs", "main.rs"].contains(&path);
    };
    program.split_once('/').is_none_or(|(_, file)| file == "main.rs")
}

fn folder(path: &str) -> String {
    path.rsplit_once('/').map_or(String::new(), |(folder, _)| folder.to_owned())
}

fn join(folder: &str, path: &str) -> String {
    let whole = Path::new(folder).join(path);
    let mut parts: Vec<String> = Vec::new();
    for part in whole.components() {
        match part {
            Component::ParentDir => drop(parts.pop()),
            Component::Normal(part) => parts.push(part.to_string_lossy().into_owned()),
            _ => {}
        }
    }
    parts.join("/")
}
