use super::trial::{LONG, Trial};
use crate::node::key::MAX_RESOURCES;
use crate::node::{Extension, Removal};

pub(super) async fn any_bytes_make_a_name(t: &Trial<'_>) {
    let all: Vec<u8> = (0..=255).collect();
    let names: [&[u8]; 11] = [
        b"line\r\nbreak",
        b"nul\0nul",
        b"'single' \"double\"",
        b"{brace}",
        b"}{",
        b"\xff\xfe",
        b"\xc3",
        b" ",
        b"$5\r\nhello\r\n",
        b"' return 1 --",
        &all,
    ];
    for name in names {
        round_trip(t, name).await;
    }
    let claim = t.claim(names);
    t.take(&claim, LONG).await;
    t.assert_held(&claim, names).await;
    assert_eq!(t.release(&claim).await, Removal::Removed);
    t.assert_free(names).await;
}

pub(super) async fn the_longest_name_is_kept_whole(t: &Trial<'_>) {
    let longest = t.longest_part();
    round_trip(t, &longest).await;
    let shorter = &longest[..longest.len() - 1];
    t.take(&t.claim([&longest]), LONG).await;
    t.take(&t.claim([shorter]), LONG).await;
}

pub(super) async fn names_that_differ_in_one_byte_are_different(t: &Trial<'_>) {
    let names: [&[u8]; 9] =
        [b"k", b"K", b"k ", b" k", b"k\0", b"{k}", b"k\n", b"\xff", b"\xef\xbf\xbd"];
    for name in names {
        t.take(&t.claim([name]), LONG).await;
    }
}

pub(super) async fn as_many_resources_as_a_key_takes_work_together(t: &Trial<'_>) {
    let parts: Vec<String> = (0..MAX_RESOURCES).map(|i| i.to_string()).collect();
    let claim = t.claim(&parts);
    t.take(&claim, LONG / 10).await;
    t.assert_held(&claim, &parts).await;
    assert_eq!(t.extend(&claim, LONG).await, Extension::Extended);
    assert_eq!(t.holdings(&parts).await.iter().flatten().count(), MAX_RESOURCES);
    assert_eq!(t.release(&claim).await, Removal::Removed);
    t.assert_free(&parts).await;
}

/// Puts one name through every verb.
async fn round_trip(t: &Trial<'_>, name: &[u8]) {
    let claim = t.claim([name]);
    t.take(&claim, LONG).await;
    t.assert_held(&claim, [name]).await;
    t.refused(&t.claim([name])).await;
    assert!(t.holding(name).await.expect("a holder").holder.is(claim.token()));
    assert_eq!(t.extend(&claim, LONG * 2).await, Extension::Extended);
    assert_eq!(t.release(&claim).await, Removal::Removed);
    t.assert_free([name]).await;
}
