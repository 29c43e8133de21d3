//! `inspect`, `list`, `watch` and `release` where permits of a semaphore are taken, each of which is a lock of its name.

use integration_tests::Servers;
use integration_tests::nodes::Client;
use redlock_core::{LockOptions, Token};

use crate::setup::*;

async fn inspect_shows_who_has_each_permit_and_list_each_that_is_taken(client: Client) {
    let servers = Servers::start(3).await;
    let urls = servers.urls();
    let redlock = builder(client, &urls).key_prefix("shop:").build().unwrap();
    let labelled = LockOptions::new().label("exports@pod-7");
    let kept = LockOptions::new().at_least(LIMIT / 2);
    let first = redlock.lock_with("exports/2", &labelled).await.unwrap();
    redlock.lock_with("exports/10", &kept).await.unwrap().release().await.unwrap();
    // No permit of this semaphore.
    let beyond = redlock.lock("exports/11").await.unwrap();
    servers[0].exec(&["SET", "shop:exports/0", "theirs"]).await;
    for server in servers.iter() {
        server.exec(&["RPUSH", "shop:exports/1", "x"]).await;
    }

    let inspect = ["inspect", "--key-prefix", "shop:", "--permits", "11", "exports"];
    let shown = run(client, &urls, &inspect).await.expect(125);
    let lines: Vec<_> = shown.out.lines().collect();
    assert_eq!(lines[0], "exports: 2 of 11 permits taken, 1 unknown", "{}", shown.out);
    let slots = lines[2..].iter().map(|row| row.split_whitespace().take(2).collect::<Vec<_>>());
    let slots: Vec<_> = slots.map(|row| (row[0], row[1])).collect();
    let states =
        ["free", "unknown", "held", "free", "free", "free", "free", "free", "free", "free", "kept"];
    let numbers: Vec<String> = (0..11).map(|slot| slot.to_string()).collect();
    let wanted: Vec<_> = numbers.iter().map(String::as_str).zip(states).collect();
    assert_eq!(slots, wanted, "{}", shown.out);
    assert!(lines[2].contains("(held by "), "the node that says otherwise: {}", lines[2]);
    assert!(lines[3].contains("key of another type"), "{}", lines[3]);
    assert!(lines[4].contains("exports@pod-7 ("), "{}", lines[4]);

    for server in servers.iter() {
        server.exec(&["DEL", "shop:exports/1"]).await;
    }
    let json = run(client, &urls, &[&inspect[..], &["--json"]].concat()).await.expect(0).json();
    let [json] = &json[..] else { panic!("{json:?}") };
    assert_eq!(json["name"], "exports");
    let numbers =
        ["permits", "taken", "free", "unknown"].map(|field| json[field].as_u64().unwrap());
    assert_eq!(numbers, [11, 2, 9, 0]);
    let slot = &json["slots"][2];
    let fields = ["key", "state", "label"].map(|field| slot[field].as_str().unwrap());
    assert_eq!(fields, ["exports/2", "held", "exports@pod-7"]);
    assert_eq!(json["slots"].as_array().unwrap().len(), 11);

    // Under the semaphore's own name nobody holds anything.
    let plainly = ["inspect", "--key-prefix", "shop:", "exports", "nothing"];
    let shown = run(client, &urls, &plainly).await.expect(0);
    let said = "  not free: exports/2, exports/10, exports/11. Where exports is a semaphore these are its permits: --permits N";
    assert!(shown.out.starts_with("exports: free\n") && shown.out.contains(said), "{}", shown.out);
    assert!(!shown.out.contains("nothing/"), "{}", shown.out);
    let json = run(client, &urls, &[&plainly[..], &["--json"]].concat()).await.expect(0).json();
    assert_eq!(json[0]["permits"], serde_json::json!(["exports/2", "exports/10", "exports/11"]));
    assert_eq!((&json[0]["state"], &json[1]["permits"]), (&"free".into(), &serde_json::json!([])));
    let taken = "not free: exports/2, exports/10, exports/11. Where exports is a semaphore these are its permits";
    let token = Token::random().unwrap();
    for (way, code) in [(&[][..], 2), (&["--force", "--yes"], 0), (&["--token", token.expose()], 1)]
    {
        let release = [&["release", "--key-prefix", "shop:"], way, &["exports"]].concat();
        let said = run(client, &urls, &release).await.expect(code);
        assert!(said.out.contains(taken), "{way:?}: {}", said.out);
        assert!(said.out.contains("released by its own name"), "{way:?}: {}", said.out);
    }
    let mut watch = Running::start(client, &urls, &["watch", "--key-prefix", "shop:", "exports"]);
    assert!(watch.line().await.contains("exports: free"));
    watch.signal(rustix::process::Signal::INT);
    let said = ended(watch.into_child()).await.expect(0).err;
    assert!(said.contains(taken), "{said}");
    assert!(said.contains("`redlock list exports/ --watch` follows them"), "{said}");

    let list = ["list", "--key-prefix", "shop:", "exports/"];
    let listed = run(client, &urls, &list).await.expect(0);
    for row in ["exports/10  kept", "exports/11  exclusive", "exports/2   exclusive"] {
        assert!(listed.out.lines().any(|line| line.starts_with(row)), "{row}: {}", listed.out);
    }
    let mut watch = Running::start(client, &urls, &["watch", "--key-prefix", "shop:", "exports/2"]);
    assert!(watch.line().await.contains("exports/2: held by exports@pod-7 ("));
    first.release().await.unwrap();
    // A look in the middle of it may see that the nodes differ.
    while !watch.line().await.contains("exports/2: free") {}
    beyond.release().await.unwrap();
}

integration_tests::with_both_clients! {
    inspect_shows_who_has_each_permit_and_list_each_that_is_taken
}
