//! What a file of Rust says about modules: those it declares, what it defines, what it imports and which paths it writes.

use std::borrow::Borrow;

use proc_macro2::{Delimiter, Ident, TokenStream, TokenTree};
use syn::visit::{self, Visit};
use syn::{Attribute, Expr, ImplItem, Item, Lit, Meta, TraitItem, UseTree, Visibility};

/// A module, whether it is a file or stands inside of one.
#[derive(Debug, Default)]
pub(crate) struct Module {
    /// Whether it is there in tests alone.
    pub(crate) test: bool,
    pub(crate) children: Vec<Child>,
    /// The names of what it defines.
    pub(crate) items: Vec<String>,
    /// The macros that stand in the root of the crate.
    pub(crate) exported: Vec<String>,
    pub(crate) imports: Vec<Import>,
    pub(crate) mentions: Vec<Mention>,
}

/// A module that another declares.
#[derive(Debug)]
pub(crate) struct Child {
    pub(crate) name: String,
    /// What `#[path = "…"]` says.
    pub(crate) path: Option<String>,
    pub(crate) test: bool,
    /// What is between its braces.
    pub(crate) body: Option<Module>,
}

/// A leaf of a `use`.
#[derive(Debug)]
pub(crate) struct Import {
    pub(crate) path: Vec<String>,
    pub(crate) binds: Binds,
    /// Whether others see it: then it names what is elsewhere, and uses nothing by itself.
    pub(crate) public: bool,
    pub(crate) line: usize,
}

#[derive(Debug, PartialEq)]
pub(crate) enum Binds {
    Name(String),
    Nothing,
    All,
}

/// A path in code or among the tokens of a macro.
#[derive(Debug)]
pub(crate) struct Mention {
    pub(crate) path: Vec<String>,
    pub(crate) line: usize,
}

/// Reads a file; what is compiled for tests alone is left out.
pub(crate) fn read(text: &str) -> syn::Result<Module> {
    let file = syn::parse_file(text)?;
    Ok(Module { test: only_in_tests(&file.attrs), ..read_items(&file.items) })
}

fn read_items(items: &[Item]) -> Module {
    let mut reader = Reader::default();
    items.iter().for_each(|item| reader.visit_item(item));
    reader.module
}

#[derive(Default)]
struct Reader {
    module: Module,
    /// How many blocks of code are around: what stands in one has no name outside.
    blocks: usize,
}

impl<'ast> Visit<'ast> for Reader {
    fn visit_item(&mut self, item: &'ast Item) {
        let (attributes, name) = about(item);
        if only_in_tests(attributes) && !matches!(item, Item::Mod(_)) {
            return;
        }
        if let Some(name) = name
            && self.blocks == 0
        {
            self.module.items.push(plain(name));
            if attributes.iter().any(|attribute| attribute.path().is_ident("macro_export")) {
                self.module.exported.push(plain(name));
            }
        }
        visit::visit_item(self, item);
    }

    fn visit_impl_item(&mut self, item: &'ast ImplItem) {
        if !matches!(item, ImplItem::Fn(function) if only_in_tests(&function.attrs)) {
            visit::visit_impl_item(self, item);
        }
    }

    fn visit_trait_item(&mut self, item: &'ast TraitItem) {
        if !matches!(item, TraitItem::Fn(function) if only_in_tests(&function.attrs)) {
            visit::visit_trait_item(self, item);
        }
    }

    fn visit_block(&mut self, block: &'ast syn::Block) {
        self.blocks += 1;
        visit::visit_block(self, block);
        self.blocks -= 1;
    }

    fn visit_item_mod(&mut self, item: &'ast syn::ItemMod) {
        self.module.children.push(Child {
            name: plain(&item.ident),
            path: item.attrs.iter().find_map(path_of),
            test: only_in_tests(&item.attrs),
            body: item.content.as_ref().map(|(_, items)| read_items(items)),
        });
    }

    fn visit_item_use(&mut self, item: &'ast syn::ItemUse) {
        if item.leading_colon.is_none() {
            let public = !matches!(item.vis, Visibility::Inherited);
            leaves(&item.tree, &[], public, &mut self.module.imports);
        }
    }

    fn visit_path(&mut self, path: &'ast syn::Path) {
        if path.leading_colon.is_none() {
            let idents: Vec<&Ident> = path.segments.iter().map(|segment| &segment.ident).collect();
            self.module.mentions.extend(mention(&[], &idents));
        }
        visit::visit_path(self, path);
    }

    fn visit_macro(&mut self, call: &'ast syn::Macro) {
        self.visit_path(&call.path);
        scan(call.tokens.clone(), &[], &mut self.module.mentions);
    }

    fn visit_visibility(&mut self, _: &'ast Visibility) {}

    fn visit_attribute(&mut self, _: &'ast Attribute) {}
}

/// The attributes of an item, and its name.
fn about(item: &Item) -> (&[Attribute], Option<&Ident>) {
    match item {
        Item::Const(item) => (&item.attrs, Some(&item.ident)),
        Item::Enum(item) => (&item.attrs, Some(&item.ident)),
        Item::Fn(item) => (&item.attrs, Some(&item.sig.ident)),
        Item::Impl(item) => (&item.attrs, None),
        Item::Macro(item) => (&item.attrs, item.ident.as_ref()),
        Item::Mod(item) => (&item.attrs, None),
        Item::Static(item) => (&item.attrs, Some(&item.ident)),
        Item::Struct(item) => (&item.attrs, Some(&item.ident)),
        Item::Trait(item) => (&item.attrs, Some(&item.ident)),
        Item::Type(item) => (&item.attrs, Some(&item.ident)),
        Item::Union(item) => (&item.attrs, Some(&item.ident)),
        Item::Use(item) => (&item.attrs, None),
        _ => (&[], None),
    }
}

fn path_of(attribute: &Attribute) -> Option<String> {
    match &attribute.meta {
        Meta::NameValue(pair) if pair.path.is_ident("path") => match &pair.value {
            Expr::Lit(literal) => match &literal.lit {
                Lit::Str(text) => Some(text.value()),
                _ => None,
            },
            _ => None,
        },
        _ => None,
    }
}

/// Whether a `cfg` leaves an item out unless tests or doctests are compiled.
fn only_in_tests(attributes: &[Attribute]) -> bool {
    let cfg = |attribute: &&Attribute| attribute.path().is_ident("cfg");
    let needs_tests = |attribute: &Attribute| attribute.parse_args().is_ok_and(|c| needs_tests(&c));
    attributes.iter().filter(cfg).any(needs_tests)
}

fn needs_tests(condition: &Meta) -> bool {
    let list = |list: &syn::MetaList| {
        let parser = syn::punctuated::Punctuated::<Meta, syn::Token![,]>::parse_terminated;
        list.parse_args_with(parser).unwrap_or_default()
    };
    match condition {
        Meta::Path(path) => path.is_ident("test") || path.is_ident("doctest"),
        Meta::List(all) if all.path.is_ident("all") => list(all).iter().any(needs_tests),
        Meta::List(any) if any.path.is_ident("any") => list(any).iter().all(needs_tests),
        _ => false,
    }
}

fn leaves(tree: &UseTree, before: &[String], public: bool, found: &mut Vec<Import>) {
    let leaf = |ident: &Ident, binds: &Ident| {
        let mut path = before.to_vec();
        if ident != "self" || before.is_empty() {
            path.push(plain(ident));
        }
        let binds = match plain(binds).as_str() {
            "_" => Binds::Nothing,
            "self" => path.last().cloned().map_or(Binds::Nothing, Binds::Name),
            name => Binds::Name(name.to_owned()),
        };
        Import { path, binds, public, line: ident.span().start().line }
    };
    match tree {
        UseTree::Path(tree) => {
            let path = [before, &[plain(&tree.ident)]].concat();
            leaves(&tree.tree, &path, public, found);
        }
        UseTree::Group(group) => {
            group.items.iter().for_each(|tree| leaves(tree, before, public, found));
        }
        UseTree::Name(name) => found.push(leaf(&name.ident, &name.ident)),
        UseTree::Rename(rename) => found.push(leaf(&rename.ident, &rename.rename)),
        UseTree::Glob(glob) => {
            let line = glob.star_token.spans[0].start().line;
            found.push(Import { path: before.to_vec(), binds: Binds::All, public, line });
        }
    }
}

/// The paths among tokens, which the compiler gets to see only where a macro puts them. A group that follows
/// `before::` continues it, as in a `use`.
fn scan(tokens: TokenStream, before: &[String], found: &mut Vec<Mention>) {
    let mut path: Vec<Ident> = Vec::new();
    let mut last = String::new();
    for token in tokens {
        let text = match &token {
            TokenTree::Punct(punct) if last == ":" || last == "." => format!("{last}{punct}"),
            TokenTree::Group(_) => String::new(),
            other => other.to_string(),
        };
        match token {
            TokenTree::Ident(ident) if last == "::" && !path.is_empty() => path.push(ident),
            TokenTree::Ident(ident) => {
                found.extend(mention(before, &path));
                path.clear();
                // What follows a point is a field or a method, and what follows `as` a name that is given.
                if ![last.as_str(), &text].contains(&"as") && last != "." {
                    path.push(ident);
                }
            }
            TokenTree::Group(group) if group.delimiter() == Delimiter::Brace && last == "::" => {
                scan(group.stream(), &[before, &names(&path)].concat(), found);
                path.clear();
            }
            TokenTree::Group(group) => {
                found.extend(mention(before, &path));
                path.clear();
                scan(group.stream(), &[], found);
            }
            _ if text == ":" || text == "::" => {}
            _ => {
                found.extend(mention(before, &path));
                path.clear();
            }
        }
        last = text;
    }
    found.extend(mention(before, &path));
}

fn mention<I: Borrow<Ident>>(before: &[String], path: &[I]) -> Option<Mention> {
    let line = path.first()?.borrow().span().start().line;
    Some(Mention { path: [before, &names(path)].concat(), line })
}

fn names<I: Borrow<Ident>>(path: &[I]) -> Vec<String> {
    path.iter().map(|ident| plain(ident.borrow())).collect()
}

fn plain(ident: &Ident) -> String {
    ident.to_string().trim_start_matches("r#").to_owned()
}
