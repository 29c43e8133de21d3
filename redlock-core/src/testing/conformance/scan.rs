use std::collections::BTreeMap;

use super::shared::reader;
use super::trial::{LATE, LIMIT, LONG, SHORT, Trial, fenced};
use crate::node::key::{COUNTER_PREFIX, INTENT_PREFIX};
use crate::node::{Claim, Expiry, Fault, Holder, Holding, NodeError, Page, Terms, Vote};

/// Most names that a page may have: a node that tells more at once keeps others waiting.
const MOST: usize = 2_000;

/// No check stores so much that it takes more pages.
const PAGES: usize = 20_000;

/// What the node tells, by the part of the name behind the check's own.
type Told = BTreeMap<Vec<u8>, Result<Holding, NodeError>>;

pub(super) async fn what_is_held_is_told_with_its_holder_and_time(t: &Trial<'_>) {
    let (one, two) = (t.claim(["a"]), t.claim(["b", "c"]));
    t.take(&one, LONG).await;
    t.take(&two, LONG / 2).await;
    let told = t.scan("").await;
    assert_eq!(names(&told), [&b"a"[..], b"b", b"c"]);
    for (name, claim, most) in [("a", &one, LONG), ("b", &two, LONG / 2), ("c", &two, LONG / 2)] {
        let holding = holding(&told, name);
        assert!(holding.holder.is(claim.token()), "{name}: {holding:?}");
        match holding.expiry {
            Expiry::In(left) => assert!(left > most / 2 && left <= most, "{left:?} left of {name}"),
            other => panic!("expected an end of {name}, got {other:?}"),
        }
    }
}

pub(super) async fn a_prefix_is_taken_byte_by_byte(t: &Trial<'_>) {
    let prefixes: [&[u8]; 8] =
        [b"p*", b"p?", b"p[ab]", b"p\\", b"p\\*", b"p^", b"p\xff\0\r\n", b"P"];
    let others: [&[u8]; 8] = [b"p", b"px", b"pa", b"pb", b"p*", b"pp", b"q*", b"p[ab"];
    let all = prefixes.iter().map(|prefix| [prefix, &b":1"[..]].concat());
    let all: Vec<_> = all.chain(others.iter().map(|name| name.to_vec())).collect();
    for name in &all {
        t.take(&t.claim([name]), LONG).await;
    }
    for prefix in prefixes.into_iter().chain([&b""[..], b"p", b"nothing"]) {
        let mut wanted: Vec<&[u8]> =
            all.iter().map(Vec::as_slice).filter(|name| name.starts_with(prefix)).collect();
        wanted.sort_unstable();
        let told = t.scan(prefix).await;
        assert_eq!(names(&told), wanted, "{}", prefix.escape_ascii());
    }
}

pub(super) async fn names_of_any_bytes_are_told_whole(t: &Trial<'_>) {
    let wanted = [b"\0".to_vec(), b" a ".to_vec(), b"\xff\xfe".to_vec(), t.longest_part()];
    for name in &wanted {
        t.take(&t.claim([name]), LONG).await;
    }
    let told = t.scan("").await;
    let mut wanted: Vec<&[u8]> = wanted.iter().map(Vec::as_slice).collect();
    wanted.sort_unstable();
    assert_eq!(names(&told), wanted);
}

pub(super) async fn what_is_free_again_is_not_told(t: &Trial<'_>) {
    let (released, expired, held) = (t.claim(["a"]), t.claim(["b"]), t.claim(["c"]));
    t.take(&released, LONG).await;
    t.take(&expired, SHORT).await;
    t.take(&held, LONG).await;
    t.release(&released).await;
    t.until_free("b", SHORT + LATE).await;
    assert_eq!(names(&t.scan("").await), [b"c"]);
}

pub(super) async fn many_are_told_in_pages_and_none_is_left_out(t: &Trial<'_>) {
    let held = Page::SIZE * 6;
    for number in 0..held {
        t.put(&format!("{number:04}"), b"somebody's", Some(LONG)).await;
    }
    let pages = t.pages("").await;
    let largest = pages.iter().map(|page| page.found.len()).max();
    assert!(largest <= Some(MOST) && largest < Some(held), "{largest:?} of {held} at once");
    let told = t.scan("").await;
    let wanted: Vec<_> = (0..held).map(|number| format!("{number:04}").into_bytes()).collect();
    assert_eq!(names(&told), wanted.iter().map(Vec::as_slice).collect::<Vec<_>>());
}

pub(super) async fn what_stays_is_told_whatever_comes_and_goes(t: &Trial<'_>) {
    let stays = Page::SIZE * 2;
    let mut goes = Vec::new();
    for number in 0..stays {
        t.put(&format!("stays {number}"), b"x", Some(LONG)).await;
        let claim = t.claim([format!("goes {number:03}")]);
        t.take(&claim, LONG).await;
        goes.push(claim);
    }
    let (mut from, mut comes, mut told) = (Some(0), 0, Vec::new());
    while let Some(at) = from {
        let page = t.page("", at).await;
        told.extend(page.found.into_iter().map(|found| t.part(&found.resource)));
        from = page.next;
        for claim in goes.drain(..goes.len().min(60)) {
            t.release(&claim).await;
        }
        for _ in 0..20 {
            t.put(&format!("comes {comes}"), b"x", Some(LONG)).await;
            comes += 1;
        }
        assert!(comes < 20 * PAGES, "there is no end of pages");
    }
    for number in 0..stays {
        let name = format!("stays {number}").into_bytes();
        assert!(told.contains(&name), "`stays {number}` was left out");
    }
}

pub(super) async fn counters_are_not_told(t: &Trial<'_>) {
    let claim = t.claim(["a"]);
    if t.node().features().fencing {
        let vote = t.vote(&claim, fenced(LONG, 1, LONG)).await;
        assert!(matches!(vote, Vote::Granted { .. }), "{vote:?}");
    } else {
        t.take(&claim, LONG).await;
    }
    assert_eq!(names(&t.scan("").await), [b"a"]);
    t.tells_nothing_beside(COUNTER_PREFIX).await;
}

pub(super) async fn shares_are_told_as_an_inspection_tells_them_and_intents_are_not(t: &Trial<'_>) {
    let (one, two) = (reader(t, &["a"]), reader(t, &["a"]));
    t.take(&one, LONG / 2).await;
    t.take(&two, LONG).await;
    let wants = Terms::new(LONG).with_intent(Some(LONG));
    assert!(matches!(t.vote(&t.claim(["a"]), wants).await, Vote::Shared { .. }));
    let told = t.scan("").await;
    assert_eq!(names(&told), [b"a"]);
    let shares = |holding: &Holding| {
        let shares = holding.shares.as_ref().expect("shares");
        (shares.count, shares.shown.iter().map(|share| share.holder).collect::<Vec<_>>())
    };
    let of = |claim: &Claim| Holder::of(claim.value());
    assert_eq!(shares(holding(&told, "a")), (2, vec![of(&two), of(&one)]));
    let inspected = t.holding("a").await.expect("a holding");
    assert_eq!(shares(holding(&told, "a")), shares(&inspected));
    t.tells_nothing_beside(INTENT_PREFIX).await;
    t.release(&one).await;
    t.release(&two).await;
    assert_eq!(names(&t.scan("").await), [b""; 0]);
}

pub(super) async fn a_value_that_is_no_locks_is_told_as_such(t: &Trial<'_>) {
    t.put("foreign", b"\xff\0\r\n", Some(LONG)).await;
    t.put("empty", b"", None).await;
    t.put("long", [b'x'; 5_000], Some(LONG)).await;
    let told = t.scan("").await;
    t.put("empty", b"", Some(SHORT)).await;
    assert_eq!(names(&told), [&b"empty"[..], b"foreign", b"long"]);
    assert_eq!(holding(&told, "foreign").holder, Holder::of(b"\xff\0\r\n"));
    let empty = holding(&told, "empty");
    assert_eq!((empty.holder, empty.expiry), (Holder::of(b""), Expiry::Never));
    let long = told[&b"long"[..]].as_ref().expect_err("no lock's value");
    assert_eq!(long.fault(), Fault::WrongType, "{long}");
}

pub(super) async fn labels_and_marks_are_told_as_an_inspection_tells_them(t: &Trial<'_>) {
    let label = crate::node::label::Label::new("a holder").unwrap();
    let labelled = t.claim(["a"]).with_label(label);
    t.take(&labelled, LONG).await;
    let marked = t.claim(["b"]);
    t.put("b", marked.mark(), Some(LONG)).await;
    let told = t.scan("").await;
    for name in ["a", "b"] {
        let (told, seen) = (holding(&told, name), t.holding(name).await.expect("a holder"));
        assert_eq!((told.holder, &told.label), (seen.holder, &seen.label));
    }
    assert_eq!(holding(&told, "a").label.as_ref(), labelled.label());
    assert!(holding(&told, "b").holder.is_kept());
}

pub(super) async fn telling_changes_nothing(t: &Trial<'_>) {
    let claim = t.claim(["a"]);
    t.take(&claim, LONG / 2).await;
    for _ in 0..3 {
        t.scan("").await;
    }
    t.assert_held(&claim, ["a"]).await;
    let left = t.left("a").await;
    assert!(left > LONG / 4 && left <= LONG / 2, "{left:?} left");
}

/// Of the checks of `types`.
pub(super) async fn a_value_of_another_type_is_told_as_such(t: &Trial<'_>) {
    t.fixture.put_list(&t.name("list"), LONG).await;
    t.take(&t.claim(["a"]), LONG).await;
    let told = t.scan("").await;
    assert_eq!(names(&told), [&b"a"[..], b"list"]);
    let list = told[&b"list"[..]].as_ref().expect_err("no lock's value");
    assert_eq!(list.fault(), Fault::WrongType, "{list}");
    assert!(told[&b"a"[..]].is_ok() && t.fixture.is_list(&t.name("list")).await);
}

fn names(told: &Told) -> Vec<&[u8]> {
    told.keys().map(Vec::as_slice).collect()
}

fn holding<'a>(told: &'a Told, name: &str) -> &'a Holding {
    told[name.as_bytes()].as_ref().unwrap_or_else(|error| panic!("`{name}`: {error}"))
}

impl Trial<'_> {
    /// Under names of this kind, which stand beside resources. Whatever begins names, and not only the check's own.
    async fn tells_nothing_beside(&self, kind: &str) {
        let prefix = [kind.as_bytes(), &self.name("")].concat();
        let mut from = Some(0);
        while let Some(at) = from {
            let page = self.node().scan(prefix.as_slice().into(), at, LIMIT).await.expect("a page");
            assert_eq!(page.found, []);
            from = page.next;
        }
    }

    async fn page(&self, prefix: impl AsRef<[u8]>, from: u64) -> Page {
        let prefix = self.name(prefix).into();
        self.node().scan(prefix, from, LIMIT).await.expect("an answer to scan")
    }

    /// All pages.
    async fn pages(&self, prefix: impl AsRef<[u8]>) -> Vec<Page> {
        let (mut from, mut pages) = (Some(0), Vec::new());
        while let Some(at) = from {
            let page = self.page(&prefix, at).await;
            from = page.next;
            pages.push(page);
            assert!(pages.len() <= PAGES, "there is no end of pages");
        }
        pages
    }

    /// What is told in all pages; of a name that is told twice, the last.
    async fn scan(&self, prefix: impl AsRef<[u8]>) -> Told {
        let found = self.pages(prefix).await.into_iter().flat_map(|page| page.found);
        found.map(|found| (self.part(&found.resource), found.holding)).collect()
    }

    /// The part of a name behind the check's own.
    fn part(&self, name: &[u8]) -> Vec<u8> {
        let own = self.name("");
        let part = name.strip_prefix(own.as_slice());
        part.unwrap_or_else(|| panic!("`{}` was not asked for", name.escape_ascii())).to_vec()
    }
}
