//! How a server is named: URLs as users write them, what of them may be shown, and names for reports.

use redlock_core::ConfigError;

/// The URL of a server: `host[:port]` stands for `redis://host[:port]`, and whatever has a scheme for itself. None for anything
/// else, such as a user or a path without a scheme.
pub fn server_url(text: &str) -> Option<String> {
    let text = text.trim();
    if text.contains("://") {
        return Some(text.to_owned());
    }
    let is_bare = !text.is_empty() && !text.contains(['@', '/', '?', '#', ' ', ',']);
    is_bare.then(|| format!("redis://{text}"))
}

/// The URL with everything cut out that is not surely a scheme, a host, a port or a database's number.
///
/// It works on the text, because a URL that does not parse can hold a password as well.
pub fn redacted_url(url: &str) -> String {
    const CUT: &str = "<redacted>";
    let url = url.trim();
    if url.is_empty() {
        return String::new();
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
    is_host
        && port.parse::<u16>().is_ok()
        && (database.is_empty() || database.parse::<u32>().is_ok())
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
            ("a,b", None),
        ];
        for (text, url) in cases {
            assert_eq!(server_url(text).as_deref(), url, "{text}");
        }
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
            ("", ""),
            (" ", ""),
        ];
        for (url, shown) in cases {
            assert_eq!(redacted_url(url), shown, "{url}");
        }
    }
}
