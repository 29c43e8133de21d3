use super::*;
use crate::testing::Scratch;

fn told(subscription: &mut Subscription) -> Vec<Vec<u8>> {
    let mut told = Vec::new();
    subscription.poll(|name| told.push(name.to_vec())).unwrap();
    told
}

fn names(names: &[&[u8]]) -> Vec<Box<[u8]>> {
    names.iter().map(|name| (*name).into()).collect()
}

#[test]
fn nothing_is_written_while_nobody_listens() {
    let scratch = Scratch::new();
    let store = scratch.store();
    tell(&store.dir, &names(&[b"a"])).unwrap();
    assert_eq!(scratch.files(), ["run"]);
    drop(Subscription::new(&store.dir).unwrap());
    let before = std::fs::read(scratch.path().join(RELEASED)).unwrap();
    tell(&store.dir, &names(&[b"a"])).unwrap();
    assert_eq!(std::fs::read(scratch.path().join(RELEASED)).unwrap(), before);
}

#[test]
fn a_listener_follows_a_file_that_was_replaced_and_hears_each_release_once() {
    let scratch = Scratch::new();
    let store = scratch.store();
    let mut ear = Subscription::new(&store.dir).unwrap();
    let mut inodes = std::collections::HashSet::new();
    for i in 0..1000_u32 {
        let name = [&i.to_le_bytes()[..], &[b'x'; 500]].concat();
        tell(&store.dir, &names(&[b"", &name])).unwrap();
        inodes.insert(store.dir.inode(RELEASED));
        // At least once before a file is replaced twice.
        if i % 50 == 0 || i == 999 {
            let heard = told(&mut ear);
            assert_eq!(heard.last(), Some(&name));
            assert_eq!(
                heard.len(),
                if i == 0 {
                    2
                } else if i == 999 {
                    98
                } else {
                    100
                }
            );
        }
    }
    assert!(
        inodes.len() > 1
            || std::fs::metadata(scratch.path().join(RELEASED)).unwrap().len() <= LONGEST
    );
    assert_eq!(told(&mut ear), Vec::<Vec<u8>>::new());
}

#[test]
fn an_entry_that_was_cut_short_is_not_told_and_is_overwritten() {
    let scratch = Scratch::new();
    let store = scratch.store();
    let mut ear = Subscription::new(&store.dir).unwrap();
    tell(&store.dir, &names(&[b"first"])).unwrap();
    let path = scratch.path().join(RELEASED);
    let mut content = std::fs::read(&path).unwrap();
    content.extend_from_slice(b"\xff\xff\xff\xffcut");
    std::fs::write(&path, content).unwrap();
    assert_eq!(told(&mut ear), [b"first"]);
    tell(&store.dir, &names(&[b"second"])).unwrap();
    assert_eq!(told(&mut ear), [b"second"]);
}

#[test]
fn a_file_of_releases_that_is_not_ours_ends_the_listening() {
    let scratch = Scratch::new();
    let store = scratch.store();
    for header in [0, 3, u64::MAX] {
        let mut ear = Subscription::new(&store.dir).unwrap();
        std::fs::write(scratch.path().join(RELEASED), header.to_le_bytes()).unwrap();
        assert!(ear.poll(|_| {}).is_err());
        tell(&store.dir, &names(&[b"a"])).unwrap();
        drop(ear);
    }
    let mut ear = Subscription::new(&store.dir).unwrap();
    std::fs::remove_dir_all(scratch.path()).unwrap();
    assert!(matches!(ear.poll(|_| {}), Err(Failure::Replaced)));
}

#[test]
fn a_file_that_a_power_failure_cut_short_is_made_anew() {
    let scratch = Scratch::new();
    let store = scratch.store();
    for left in [&b""[..], &[8, 0, 0], &[0; 8]] {
        std::fs::write(scratch.path().join(RELEASED), left).unwrap();
        let mut ear = Subscription::new(&store.dir).unwrap();
        tell(&store.dir, &names(&[b"a"])).unwrap();
        assert_eq!(told(&mut ear), [b"a".to_vec()]);
    }
}
