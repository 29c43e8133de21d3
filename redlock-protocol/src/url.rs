//! How a server is named: URLs as users write them, what of them may be shown, and names for reports.

use redlock_core::ConfigError;

/// The URL of a server: `host[:port]` stands for `redis://host[:port]`, and whatever has a scheme for itself. None for anything
/// else, such as a user or a path without a scheme.
pub fn server_url(text: &str) -> Option<String> {
    let text = text.trim();
    if text.contains("://") {
        return Some(text.to_owned());
    }
    let is_other = |c: char| c.is_whitespace() || "@/?#,".contains(c);
    let is_bare = !text.is_empty() && !text.contains(is_other);
    is_bare.then(|| format!("redis://{text}"))
}

/// The URL with everything cut out that is not surely a scheme, a host, a port, a database's number or a path. Several that
/// are separated by spaces or commas are shown where each of them is shown whole.
///
/// It works on the text, because a URL that does not parse can hold a password as well.
pub fn redacted_url(url: &str) -> String {
    const CUT: &str = "<redacted>";
    let url = url.trim();
    if url.is_empty() {
        return String::new();
    }
    if are_addresses(url) {
        return url.chars().map(|c| if c.is_whitespace() { ' ' } else { c }).collect();
    }
    if is_path(url) {
        return url.chars().map(visible).collect();
    }
    let (scheme, rest) = match url.split_once("://") {
        Some((scheme, rest)) if is_word(scheme, "+") => (format!("{scheme}://"), rest),
        Some((_, rest)) => (format!("{CUT}://"), rest),
        None => (String::new(), url),
    };
    // The last one: an `@` in a password should have been encoded, but was it?
    let (secret, place) =
        rest.rsplit_once('@').map_or(("", rest), |(_, place)| ("<redacted>@", place));
    let (address, more) = place.find(['?', '#']).map_or((place, ""), |at| place.split_at(at));
    let (address, more) = match address.split_once('/') {
        _ if is_address(address) => (address.to_owned(), more.get(..1)),
        Some((server, _)) if is_address(server) => (server.to_owned(), Some("/")),
        _ => return format!("{scheme}{secret}{CUT}"),
    };
    match more {
        Some(begin) => format!("{scheme}{secret}{address}{begin}{CUT}"),
        None => format!("{scheme}{secret}{address}"),
    }
}

/// A name that can stand in a report.
///
/// # Errors
///
/// When it is empty.
pub fn checked_name(name: impl Into<String>) -> Result<Box<str>, ConfigError> {
    let name = name.into();
    if name.trim().is_empty() {
        return Err(ConfigError::new("name", name, "must not be empty"));
    }
    Ok(name.into())
}

/// A node for each URL, in their order, as `connect` makes it.
///
/// # Errors
///
/// The first of `connect`, which says then which of the URLs it is about.
pub fn connected<N>(
    urls: impl IntoIterator<Item = impl AsRef<str>>,
    connect: impl Fn(&str) -> Result<N, ConfigError>,
) -> Result<Vec<N>, ConfigError> {
    let urls: Vec<_> = urls.into_iter().collect();
    let mut nodes = Vec::with_capacity(urls.len());
    for (index, url) in urls.iter().enumerate() {
        nodes.push(connect(url.as_ref()).map_err(|error| {
            let value = format!("{} ({} of {})", error.value(), index + 1, urls.len());
            ConfigError::new(error.field(), value.trim_start().to_owned(), error.rule().to_owned())
        })?);
    }
    Ok(nodes)
}

/// One address, or several of one form: where only one of them has a scheme or a port, what follows it may be the rest of a
/// password with a space.
fn are_addresses(text: &str) -> bool {
    let parts = text.split(|c: char| c.is_whitespace() || c == ',').filter(|part| !part.is_empty());
    let mut forms = parts.map(|part| {
        let (scheme, place) =
            part.split_once("://").map_or((None, part), |(scheme, place)| (Some(scheme), place));
        let sure = scheme.is_none_or(|scheme| is_word(scheme, "+")) && is_address(place);
        sure.then_some((scheme.is_some(), place.contains(':')))
    });
    let first = forms.next().flatten();
    first.is_some() && forms.all(|form| form == first)
}

/// A directory, or a server's socket without a login.
fn is_path(url: &str) -> bool {
    let of_paths = ["file", "unix", "redis+unix", "valkey+unix"];
    let is_of_paths = |scheme: &str| of_paths.iter().any(|word| scheme.eq_ignore_ascii_case(word));
    let (scheme, path) =
        url.split_once(':').map_or((None, url), |(scheme, path)| (Some(scheme), path));
    scheme.is_none_or(is_of_paths)
        && path.starts_with('/')
        && !path.contains(['@', '?', '#', ':', '%'])
}

/// On one line, and nothing that a terminal obeys. The same when it is shown again.
fn visible(c: char) -> String {
    if matches!(c, '\\' | '\'' | '"') { c.into() } else { c.escape_debug().collect() }
}

fn is_address(text: &str) -> bool {
    let (server, database) = text.split_once('/').unwrap_or((text, ""));
    let (host, port) = match server.rsplit_once(':') {
        Some((host, port)) if !port.ends_with(']') => (host, port),
        _ => (server, "0"),
    };
    let is_host = is_word(host, "0123456789.-_")
        || host
            .strip_prefix('[')
            .is_some_and(|ip| is_word(ip.trim_end_matches(']'), "0123456789.:"));
    // What is too large by a little is a port that was mistyped; with a digit more it may be a password.
    let is_port = (1..=5).contains(&port.len()) && port.bytes().all(|digit| digit.is_ascii_digit());
    is_host && is_port && (database.is_empty() || database.parse::<u32>().is_ok())
}

/// Whether the text is made of letters and of `others`.
fn is_word(text: &str, others: &str) -> bool {
    !text.is_empty() && text.chars().all(|c| c.is_ascii_alphabetic() || others.contains(c))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_host_alone_stands_for_the_url_of_its_server() {
        let cases = [
            ("10.0.0.1", Some("redis://10.0.0.1")),
            (" localhost:7000 ", Some("redis://localhost:7000")),
            ("[::1]:6379", Some("redis://[::1]:6379")),
            ("rediss://a", Some("rediss://a")),
            ("redis://u:p@a/2?x#y", Some("redis://u:p@a/2?x#y")),
            ("", None),
            (" ", None),
            ("u:p@a", None),
            ("/run/redis.sock", None),
            ("a/2", None),
            ("a b", None),
            ("a\nb", None),
            ("a,b", None),
        ];
        for (text, url) in cases {
            assert_eq!(server_url(text).as_deref(), url, "{text}");
        }
    }

    #[test]
    fn what_cannot_hide_anything_is_shown() {
        let as_it_is = [
            "127.0.0.1:99999",
            "redis://127.0.0.1:99999",
            "127.0.0.1:27111 127.0.0.1:27112",
            "redis://a:1 redis://b:1",
            "redis://a:1,redis://b:1",
            "a b",
            "a,",
            "[::1]:1 [::1]:2",
            "/run/redis.sock",
            "redis+unix:///run/redis.sock",
            "UNIX:///run/redis 2.sock",
            "file:/d",
            "FILE:/tmp/x",
            "file:///d",
        ];
        for url in as_it_is {
            assert_eq!(redacted_url(url), url);
        }
        assert_eq!(redacted_url("redis://u:hunter2@a:99999"), "redis://<redacted>@a:99999");
        assert_eq!(redacted_url("a:1\n\tb:1"), "a:1  b:1");
        assert_eq!(redacted_url("/r\u{1b}[2J\u{202e}\n2"), "/r\\u{1b}[2J\\u{202e}\\n2");
    }

    #[test]
    fn what_a_url_may_hide_is_cut_out() {
        let cases = [
            ("redis://a:1/2", "redis://a:1/2"),
            ("redis://[::1]:1", "redis://[::1]:1"),
            ("redis://[::1]", "redis://[::1]"),
            ("redis://u:hunter2@a:1/0", "redis://<redacted>@a:1/0"),
            ("u:hunter2@a", "<redacted>@a"),
            ("redis://u:hunter2/@x@a", "redis://<redacted>@a"),
            ("redis://u:hunter2%40a:1", "redis://<redacted>"),
            ("redis://:hunter2", "redis://<redacted>"),
            ("redis://u:hunter2/a", "redis://<redacted>"),
            ("redis://u:123456", "redis://<redacted>"),
            ("redis://a/hunter2", "redis://a/<redacted>"),
            ("redis://a/2?hunter2", "redis://a/2?<redacted>"),
            ("redis://a?password=hunter2", "redis://a?<redacted>"),
            ("redis://a#hunter2", "redis://a#<redacted>"),
            ("hunter2://a", "<redacted>://a"),
            ("redis+unix:///r?pass=hunter2", "redis+unix://<redacted>"),
            ("redis://hé", "redis://<redacted>"),
            ("é@", "<redacted>@<redacted>"),
            ("10.0.0.1", "10.0.0.1"),
            (" a:7000 ", "a:7000"),
            ("[::1]:7000", "[::1]:7000"),
            ("a:hunter2", "<redacted>"),
            ("redis://:hunter2 and more", "redis://<redacted>"),
            ("u:12345 hunter2", "<redacted>"),
            ("u:12345,hunter2", "<redacted>"),
            ("redis://default hunter2", "redis://<redacted>"),
            ("a:1 u:hunter2", "<redacted>"),
            ("a:1 u:hunter2@b:1", "<redacted>@b:1"),
            (":pa@ss@a", "<redacted>@a"),
            ("REDIS://u:hunter2@a", "REDIS://<redacted>@a"),
            ("REDIS://:hunter2", "REDIS://<redacted>"),
            ("u:/hunter2", "<redacted>"),
            (":/hunter2", "<redacted>"),
            ("a:+1234", "<redacted>"),
            ("/r.sock?pass=hunter2", "<redacted>"),
            ("/r:hunter2", "<redacted>"),
            ("redis:///hunter2", "redis://<redacted>"),
            ("redis+unix:///r:hunter2", "redis+unix://<redacted>"),
            ("redis+unix://u:hunter2@/r", "redis+unix://<redacted>@<redacted>"),
            ("file:hunter2", "<redacted>"),
            ("", ""),
            (" ", ""),
        ];
        for (url, shown) in cases {
            assert_eq!(redacted_url(url), shown, "{url}");
        }
    }
}
