use super::*;

fn args(nodes: &[&str]) -> NodeArgs {
    NodeArgs { node: nodes.iter().map(|&node| node.to_owned()).collect(), ..NodeArgs::default() }
}

fn resolve(args: &NodeArgs, around: Surroundings) -> Result<Config, ConfigFault> {
    Config::resolve(args, around, |name| (name == "SECRET").then(|| "hunter2".to_owned()))
}

fn urls(config: &Config) -> Vec<String> {
    let Nodes::Named(nodes) = &config.nodes else { return Vec::new() };
    let url = |node: &Address| match node.place() {
        Place::Server(url) => url.expose().to_owned(),
        Place::Directory(path) => path.display().to_string(),
    };
    nodes.iter().map(url).collect()
}

fn file(text: &str) -> Surroundings {
    Surroundings { file: Some(("redlock.toml".into(), text.to_owned())), ..Surroundings::default() }
}

#[test]
fn flags_come_before_the_environment_before_the_file_before_the_directory() {
    let text = "nodes = ['c:3']\nttl = '5s'\n";
    let env = || Surroundings { nodes: Some("b:2, b:3".into()), ..file(text) };
    assert_eq!(urls(&resolve(&args(&["a:1"]), env()).unwrap()), ["redis://a:1"]);
    assert_eq!(urls(&resolve(&args(&[]), env()).unwrap()), ["redis://b:2", "redis://b:3"]);
    let config = resolve(&args(&[]), file(text)).unwrap();
    assert_eq!(urls(&config), ["redis://c:3"]);
    assert_eq!(config.ttl, Some(Duration::from_secs(5)));
    let none = resolve(&args(&[]), Surroundings::default()).unwrap();
    assert_eq!(none.nodes, Nodes::Embedded);
}

#[test]
fn credentials_come_from_the_url_then_the_table_then_the_environment() {
    let text = r#"
        nodes = [
            "redis://own:secret@a",
            { url = "redis://b", username = "bob", password = "p@ss" },
            { url = "redis://c", password_env = "SECRET", name = "third" },
            "rediss://dora@d:7/1",
            "redis+unix:///run/e?db=1",
        ]
    "#;
    let around = Surroundings {
        username: Some("eve".into()),
        password: Some(Secret::new("w/d")),
        ..file(text)
    };
    let config = resolve(&args(&[]), around).unwrap();
    assert_eq!(
        urls(&config),
        [
            "redis://own:secret@a",
            "redis://bob:p%40ss@b",
            "redis://:hunter2@c",
            "rediss://dora:w%2Fd@d:7/1",
            "redis+unix:///run/e?db=1&pass=w%2Fd&user=eve",
        ]
    );
    let shown = format!("{config:?}");
    for secret in ["secret", "p@ss", "p%40ss", "hunter2", "w/d", "w%2Fd"] {
        assert!(!shown.contains(secret), "{secret} in {shown}");
    }
}

#[test]
fn a_password_on_the_command_line_is_refused_and_not_shown() {
    for url in ["redis://u:hunter2@a", "redis://:hunter2@a", "redis+unix:///s?pass=hunter2"] {
        let error = resolve(&args(&[url]), Surroundings::default()).unwrap_err().to_string();
        assert!(error.starts_with("--node: `"), "{error}");
        assert!(error.contains("REDLOCK_PASSWORD") && !error.contains("hunter2"), "{error}");
    }
}

#[test]
fn bad_input_is_named_and_passwords_are_not() {
    let cases = [
        ("nodes = ['http://a:hunter2@b']", "nodes[0]: `http://<redacted>@b`"),
        (
            "nodes = [{ url = 'a', password_env = 'NOT_SET' }]",
            "nodes[0].password_env: `NOT_SET` is not set",
        ),
        (
            "nodes = [{ url = 'a', password = 'hunter2', password_env = 'SECRET' }]",
            "nodes[0].password_env",
        ),
        ("nodes = ['file:relative']", "nodes[0]: `file:relative` must name an absolute path"),
        ("\nttl = 'soon'", "redlock.toml, line 2: "),
        ("\n\nwhat = 1", "redlock.toml, line 3: unknown field `what`"),
        ("client = 'hunter'", "redlock.toml, line 1: unknown variant"),
    ];
    for (text, expected) in cases {
        let error = resolve(&args(&[]), file(text)).unwrap_err().to_string();
        assert!(error.contains(expected), "{text}: {error}");
        assert!(!error.contains("hunter2"), "{error}");
    }
}
