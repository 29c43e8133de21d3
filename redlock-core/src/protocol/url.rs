/// The URL with everything cut out that is not surely a scheme, a host, a port or a database's number.
///
/// It works on the text, because a URL that does not parse can hold a password as well.
pub fn redacted_url(url: &str) -> String {
    const CUT: &str = "<redacted>";
    let Some((scheme, rest)) = url.trim().split_once("://") else { return CUT.to_owned() };
    let scheme = if is_word(scheme, "+") { scheme } else { CUT };
    // The last one: an `@` in a password should have been encoded, but was it?
    let (secret, address) =
        rest.rsplit_once('@').map_or(("", rest), |(_, address)| ("<redacted>@", address));
    let address = if is_address(address) { address } else { CUT };
    format!("{scheme}://{secret}{address}")
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
    fn what_a_url_may_hide_is_cut_out() {
        let cases = [
            ("redis://a:1/2", "redis://a:1/2"),
            ("redis://[::1]:1", "redis://[::1]:1"),
            ("redis://[::1]", "redis://[::1]"),
            ("redis://u:hunter2@a:1/0", "redis://<redacted>@a:1/0"),
            ("u:hunter2@a", "<redacted>"),
            ("redis://u:hunter2/@x@a", "redis://<redacted>@a"),
            ("redis://u:hunter2%40a:1", "redis://<redacted>"),
            ("redis://:hunter2", "redis://<redacted>"),
            ("redis://u:hunter2/a", "redis://<redacted>"),
            ("redis://u:123456", "redis://<redacted>"),
            ("redis://a/hunter2", "redis://<redacted>"),
            ("redis://a?password=hunter2", "redis://<redacted>"),
            ("redis://a#hunter2", "redis://<redacted>"),
            ("hunter2://a", "<redacted>://a"),
            ("redis+unix:///r?pass=hunter2", "redis+unix://<redacted>"),
            ("redis://hé", "redis://<redacted>"),
            ("é@", "<redacted>"),
            ("", "<redacted>"),
        ];
        for (url, shown) in cases {
            assert_eq!(redacted_url(url), shown, "{url}");
        }
    }
}
