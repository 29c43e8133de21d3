//! Settings as TOML: what stands in which line, and messages that repeat no password.

use std::path::Path;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use crate::error::SettingsError;
use crate::settings::Settings;
use crate::written::{Spot, Written};

const FIELDS: [&str; 6] = ["client", "nodes", "ttl", "restart_guard", "fencing", "key_prefix"];

/// Reads a file's text. `path` is for messages.
pub(crate) fn parse(path: Option<&Path>, text: &str) -> Result<Settings, SettingsError> {
    let place = |at: usize| {
        let line = text.get(..at).unwrap_or(text).matches('\n').count() + 1;
        match path {
            Some(path) => format!("{}, line {line}", path.display()),
            None => format!("line {line}"),
        }
    };
    let begin = |error: &toml::de::Error| error.span().map_or(0, |span| span.start);
    let table = DeTable::parse(text)
        .map_err(|error| {
            SettingsError::malformed(place(begin(&error)), without_urls(error.message()))
        })?
        .into_inner();
    let written: Written = toml::from_str(text).map_err(|error| {
        let at = begin(&error);
        let mut origin = place(at);
        if let Some(spot) = around(&table, at) {
            origin = format!("{origin}, {spot}");
        }
        SettingsError::malformed(origin, without_urls(error.message()))
    })?;
    let at = |spot| format!("{}, {spot}", place(position(&table, spot).unwrap_or(0)));
    written.settings(&at)
}

/// Where a value begins.
fn position(table: &DeTable<'_>, spot: Spot) -> Option<usize> {
    let node = |at: usize| table.get("nodes")?.get_ref().as_array()?.get(at);
    let value = match spot {
        Spot::Field(field) => table.get(field)?,
        Spot::Node(at) => node(at)?,
        Spot::InNode(at, field) => node(at)?.get_ref().as_table()?.get(field)?,
    };
    Some(value.span().start)
}

/// Which value stands there.
fn around(table: &DeTable<'_>, at: usize) -> Option<Spot> {
    let field = FIELDS.iter().find(|field| table.get(**field).is_some_and(|v| holds(v, at)))?;
    if let Some(nodes) = table.get(*field).and_then(|value| value.get_ref().as_array())
        && let Some(index) = nodes.iter().position(|node| holds(node, at))
    {
        return Some(Spot::Node(index));
    }
    Some(Spot::Field(field))
}

/// Whether it stands within the value, or within what belongs to it further down.
fn holds(value: &Spanned<DeValue<'_>>, at: usize) -> bool {
    if value.span().contains(&at) {
        return true;
    }
    match value.get_ref() {
        DeValue::Array(values) => values.iter().any(|value| holds(value, at)),
        DeValue::Table(table) => {
            table.iter().any(|(key, value)| key.span().contains(&at) || holds(value, at))
        }
        _ => false,
    }
}

/// What is quoted of the file may be an address with a password, wherever it stands there. It may hold quotes itself, so it
/// counts as quoted up to what was expected instead.
fn without_urls(message: &str) -> String {
    let end = message.rfind(", expected ").unwrap_or(message.len());
    let (said, expected) = message.split_at(end);
    match said.find(['`', '"']) {
        Some(begin) if said.contains("://") || said.contains('@') => {
            format!("{}<redacted>{expected}", &said[..begin])
        }
        _ => message.to_owned(),
    }
}
