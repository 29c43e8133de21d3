use std::ffi::OsString;

use redlock_config::Place;

use super::*;

fn args(nodes: &[&str]) -> Flags {
    Flags { nodes: nodes.iter().map(|&node| node.to_owned()).collect(), ..Flags::default() }
}

fn around<'a>(set: &'a [(&'a str, &'a str)], file: Option<&'a str>) -> Surroundings<'a> {
    let var = move |name: &str| {
        let value = set.iter().find(|(variable, _)| *variable == name);
        value.map(|(_, value)| OsString::from(value))
    };
    Surroundings::new(var, move |_| Ok(file.map(str::to_owned)))
}

fn url(node: &NodeAddress) -> String {
    match node.place() {
        Place::Server(url) => url.expose().to_owned(),
        place => format!("{place:?}"),
    }
}

fn urls(config: &Config) -> Vec<String> {
    let Nodes::Named(nodes) = &config.nodes else { return Vec::new() };
    nodes.iter().map(url).collect()
}

#[test]
fn flags_come_before_the_environment_before_the_file_before_the_directory() {
    let text = "nodes = ['c:3']\nttl = '5s'\nclient = 'fred'\n";
    let set = [("REDLOCK_NODES", "b:2, b:3")];
    let config = Config::resolve(&args(&["a:1"]), around(&set, Some(text))).unwrap();
    assert_eq!(urls(&config), ["redis://a:1"]);
    let config = Config::resolve(&args(&[]), around(&set, Some(text))).unwrap();
    assert_eq!(urls(&config), ["redis://b:2", "redis://b:3"]);
    let config = Config::resolve(&args(&[]), around(&[], Some(text))).unwrap();
    assert_eq!(urls(&config), ["redis://c:3"]);
    assert_eq!((config.ttl, config.client), (Some(Duration::from_secs(5)), ClientKind::Fred));
    let none = Config::resolve(&args(&[]), around(&[], None)).unwrap();
    assert!(matches!(none.nodes, Nodes::Embedded), "{none:?}");
    let flags = Flags {
        client: Some(ClientKind::Redis),
        restart_guard: Some(Duration::from_secs(7)),
        key_prefix: Some(String::new()),
        ..args(&[])
    };
    let set = [("REDLOCK_RESTART_GUARD", "9s"), ("REDLOCK_KEY_PREFIX", "env:")];
    let config = Config::resolve(&flags, around(&set, Some(text))).unwrap();
    assert_eq!((config.client, config.key_prefix.as_str()), (ClientKind::Redis, ""));
    assert_eq!(config.restart_guard, Some(Duration::from_secs(7)));
}

#[test]
fn a_file_that_a_flag_names_must_be_there() {
    let flags = Flags { file: Some("/c.toml".into()), ..args(&["a:1"]) };
    let error = Config::resolve(&flags, around(&[("REDLOCK_CONFIG", "")], None)).unwrap_err();
    assert_eq!(error.to_string(), "/c.toml: there is no such file");
}

/// One grammar: the command finds what a service finds, and refuses what it refuses, in the same words.
#[test]
fn the_command_and_a_service_find_the_same_nodes() {
    let text = r#"
        nodes = ["a:1", { url = "b", name = "second", password_env = "SECRET" }, "file:/d?shared"]
        client = "fred"
        ttl = "5s"
        restart_guard = "60s"
        key_prefix = "lock:"
        fencing = false
    "#;
    let secret = ("SECRET", "hunter2");
    type Set = [(&'static str, &'static str)];
    let cases: [(&Set, Option<&str>); 14] = [
        (&[], None),
        (&[], Some(text)),
        (&[secret], Some(text)),
        (&[secret, ("REDLOCK_PASSWORD", "p"), ("REDLOCK_USERNAME", "u")], Some(text)),
        (&[("REDLOCK_NODES", "a,rediss://b:7/1"), ("REDLOCK_PASSWORD", "p")], Some(text)),
        (&[("REDLOCK_NODES", "redis+unix:///run/a?db=1"), ("REDLOCK_CLIENT", "fred")], None),
        (&[("REDLOCK_NODES", "a"), ("REDLOCK_TTL", "7s"), ("REDLOCK_KEY_PREFIX", "env:")], None),
        (&[("REDLOCK_NODES", "a"), ("REDLOCK_RESTART_GUARD", "30s")], None),
        (&[("REDLOCK_NODES", "a,,b")], None),
        (&[("REDLOCK_NODES", "a"), ("REDLOCK_CLIENT", "")], None),
        (&[("REDLOCK_CONFIG", "")], None),
        (&[("HOME", "relative")], None),
        (&[], Some("nodes = []")),
        (&[], Some("nodes = ['redis://u@a']")),
    ];
    for (set, file) in cases {
        let service = Settings::new().resolve(&around(set, file));
        let command = Config::resolve(&Flags::default(), around(set, file));
        match (service, command) {
            (Ok(service), Ok(command)) => {
                let nodes: Vec<_> = service.nodes().iter().map(url).collect();
                assert_eq!(urls(&command), nodes, "{set:?}");
                assert_eq!(command.client, service.client());
                assert_eq!((command.ttl, command.fencing), (service.ttl(), service.fencing()));
                assert_eq!(command.restart_guard, service.restart_guard());
                assert_eq!(command.key_prefix, service.key_prefix());
            }
            (Err(service), Err(command)) => assert_eq!(command.to_string(), service.to_string()),
            (service, command) => panic!("{set:?}: {service:?}, and {command:?}"),
        }
    }
}

#[test]
fn a_password_on_the_command_line_is_refused_and_not_shown() {
    for url in [
        "redis://u:hunter2@a",
        "redis://:hunter2@a",
        "redis+unix:///s?pass=hunter2",
        "redis://a?pass=hunter2",
    ] {
        let error = Config::resolve(&args(&[url]), around(&[], None)).unwrap_err().to_string();
        assert!(error.starts_with("--node: `"), "{error}");
        assert!(error.contains("REDLOCK_PASSWORD") && !error.contains("hunter2"), "{error}");
    }
}

#[test]
fn a_node_that_a_flag_names_wrongly_is_named_by_the_flag() {
    let error = Config::resolve(&args(&["a", "http://b"]), around(&[], None)).unwrap_err();
    assert!(error.to_string().starts_with("--node: `http://b` must be `redis://"), "{error}");
    let user = Config::resolve(&args(&["redis://u@a"]), around(&[], None)).unwrap_err();
    assert!(user.to_string().starts_with("--node: `redis://<redacted>@a` names a user"), "{user}");
}
