//! Pure: what a template is made of, and the rules between its parts.

use std::fmt;

use super::spelling::Spelling;

/// Longest key, in bytes, that is stored as it reads. A longer one is replaced by its SHA-256 hash.
pub const MAX_PLAIN_KEY_BYTES: usize = 200;

/// Text of a template, or what stands for a part of the request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Piece {
    Text(String),
    Param(String, Spelling),
    Header(String),
    Method,
    Route,
}

/// Splits a template into text and parts.
pub(super) fn pieces(template: &str) -> Result<Vec<Piece>, &'static str> {
    let mut pieces = Vec::new();
    let mut text = String::new();
    let mut rest = template.chars().peekable();
    while let Some(c) = rest.next() {
        match c {
            '{' if rest.next_if_eq(&'{').is_some() => text.push('{'),
            '}' if rest.next_if_eq(&'}').is_some() => text.push('}'),
            '}' => return Err("must have a `{` for each `}`; a brace itself is written `}}`"),
            '{' => {
                let mut name = String::new();
                loop {
                    match rest.next() {
                        Some('}') => break,
                        Some(c) if c != '{' => name.push(c),
                        _ => return Err("must close each `{`; a brace itself is written `{{`"),
                    }
                }
                if !text.is_empty() {
                    pieces.push(Piece::Text(std::mem::take(&mut text)));
                }
                pieces.push(part(&name)?);
            }
            c if c.is_control() => return Err("must not contain control characters"),
            '#' => return Err("must not contain `#`, which marks hashed keys"),
            c => text.push(c),
        }
    }
    if !text.is_empty() {
        pieces.push(Piece::Text(text));
    }
    Ok(pieces)
}

pub(super) fn part(name: &str) -> Result<Piece, &'static str> {
    let is_name = |name: &str| {
        !name.is_empty()
            && name.chars().all(|c| c.is_alphanumeric() || matches!(c, '_' | '-' | '.'))
    };
    // The characters of a header's name: RFC 9110, section 5.6.2.
    let is_token = |name: &str| {
        let special = |b: u8| b"!#$%&'*+-.^_`|~".contains(&b);
        !name.is_empty() && name.bytes().all(|b| b.is_ascii_alphanumeric() || special(b))
    };
    let param = |name: &str, spelling| Ok(Piece::Param(name.to_owned(), spelling));
    match name.split_once(':') {
        None if name == "method" => Ok(Piece::Method),
        None if name == "route" => Ok(Piece::Route),
        None if is_name(name) => param(name, Spelling::Text),
        Some(("param", name)) if is_name(name) => param(name, Spelling::Text),
        Some(("int", name)) if is_name(name) => param(name, Spelling::Int),
        Some(("uuid", name)) if is_name(name) => param(name, Spelling::Uuid),
        Some(("header", name)) if is_token(name) => Ok(Piece::Header(name.to_ascii_lowercase())),
        Some(("header", _)) => Err("must name a header: `{header:x-tenant}`"),
        Some((kind, _)) if !matches!(kind, "param" | "int" | "uuid") => Err(
            "must use the parts `{name}`, `{param:name}`, `{int:name}`, `{uuid:name}`, `{header:name}`, `{method}`, \
             `{route}`",
        ),
        _ => Err("must name a parameter of letters, digits, `_`, `-` and `.`: `{id}`"),
    }
}

/// Whether different parts always give different keys.
pub(super) fn check(pieces: &[Piece]) -> Result<(), &'static str> {
    let is_text = |piece: &Piece| matches!(piece, Piece::Text(_));
    let text: usize = pieces.iter().map(|piece| piece.text().len()).sum();
    if text > MAX_PLAIN_KEY_BYTES {
        return Err("must have at most 200 bytes of text");
    }
    // No part contains what is escaped even in a route pattern, `%` aside.
    let separates =
        |byte: u8| byte != b'%' && !byte.is_ascii_alphanumeric() && !b"-._~/{}*".contains(&byte);
    let chosen = |piece: &Piece| matches!(piece, Piece::Param(..) | Piece::Header(_));
    let head = &pieces[..pieces.iter().position(chosen).unwrap_or(pieces.len())];
    let own = match pieces {
        [Piece::Text(_)] => true,
        [Piece::Text(text), ..] if text.bytes().any(separates) => true,
        _ => head.contains(&Piece::Route),
    };
    if !own {
        return Err(
            "must begin with text of its own that no part can contain, such as `order:`, or have `{route}` before the \
             first part that a client chooses; unrelated routes would share keys",
        );
    }
    for (i, piece) in pieces.iter().enumerate().skip(1) {
        let apart = match (&pieces[i - 1], pieces.get(i + 1)) {
            (Piece::Text(_), _) | (_, None) if is_text(piece) => true,
            (_, Some(_)) if is_text(piece) => piece.text().bytes().any(separates),
            (before, _) => is_text(before),
        };
        if !apart {
            return Err("must have text between two parts that no part can contain, such as `:`");
        }
    }
    Ok(())
}

impl Piece {
    pub(super) fn text(&self) -> &str {
        match self {
            Self::Text(text) => text,
            _ => "",
        }
    }
}

impl fmt::Display for Piece {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Text(text) => f.write_str(text),
            Self::Param(name, _) => write!(f, "path parameter {name}"),
            Self::Header(name) => write!(f, "header {name}"),
            Self::Method => f.write_str("method"),
            Self::Route => f.write_str("route"),
        }
    }
}
