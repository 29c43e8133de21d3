use std::time::Duration;

use tokio::time::{Instant, sleep};

use super::trial::{BRIEF, LATE, LIMIT, LONG, SHORT, Trial, all_but};
use crate::node::key::MAX_RESOURCES;
use crate::node::label::Label;
use crate::node::{Claim, Expiry, Extension, Holder, Holding, Removal, Shares, Terms, Vote};

/// What a server's clock of whole milliseconds may be off against ours.
const GRAIN: Duration = Duration::from_millis(2);

/// A new holder's claim on shares.
pub(super) fn reader(t: &Trial<'_>, parts: &[&str]) -> Claim {
    t.claim(parts).shared()
}

/// Who share a resource, the one that stays longest first.
async fn shown(t: &Trial<'_>, part: &str) -> Shares {
    match t.holding(part).await {
        None => Shares { count: 0, shown: Vec::new() },
        Some(Holding { shares: Some(shares), .. }) => shares,
        Some(holding) => panic!("`{part}` is held whole: {holding:?}"),
    }
}

/// Insists that exactly these share the resource.
pub(super) async fn assert_shared(t: &Trial<'_>, part: &str, claims: &[&Claim]) {
    let shares = shown(t, part).await;
    let mut found: Vec<Holder> = shares.shown.iter().map(|share| share.holder).collect();
    let mut wanted: Vec<Holder> = claims.iter().map(|claim| Holder::of(claim.value())).collect();
    found.sort_unstable();
    wanted.sort_unstable();
    assert_eq!((found, shares.count), (wanted, claims.len()), "of `{part}`");
}

/// How long the claim's share of the resource lasts.
async fn left(t: &Trial<'_>, part: &str, claim: &Claim) -> Duration {
    let holder = Holder::of(claim.value());
    let shares = shown(t, part).await.shown;
    match shares.iter().find(|share| share.holder == holder).expect("a share").expiry {
        Expiry::In(left) => left,
        other => panic!("expected an end, got {other:?}"),
    }
}

/// Insists that shares alone refuse a whole claim, and gives how long they do.
pub(super) async fn refused_by_shares(t: &Trial<'_>, claim: &Claim) -> Duration {
    match t.vote(claim, Terms::new(LONG)).await {
        Vote::Shared { expiry: Expiry::In(left), .. } => left,
        vote => panic!("expected to be refused by shares, got {vote:?}"),
    }
}

pub(super) async fn a_free_resource_is_shared_by_all_who_ask(t: &Trial<'_>) {
    let readers: Vec<Claim> = (0..3).map(|_| reader(t, &["a"])).collect();
    for reader in &readers {
        t.take(reader, LONG).await;
    }
    assert_shared(t, "a", &readers.iter().collect::<Vec<_>>()).await;
}

pub(super) async fn as_many_shares_are_shown_as_fit(t: &Trial<'_>) {
    let mut readers = Vec::new();
    for seconds in 0..Shares::MAX_SHOWN as u64 + 4 {
        let reader = reader(t, &["a"]);
        t.take(&reader, LONG + Duration::from_secs(seconds)).await;
        readers.push(Holder::of(reader.value()));
    }
    let shares = shown(t, "a").await;
    assert_eq!(shares.count, readers.len());
    let shown: Vec<Holder> = shares.shown.iter().map(|share| share.holder).collect();
    readers.reverse();
    assert_eq!(shown, readers[..Shares::MAX_SHOWN]);
}

pub(super) async fn shares_refuse_a_whole_claim_and_tell_the_longest(t: &Trial<'_>) {
    let label = Label::new("a reader").unwrap();
    let (long, short) = (reader(t, &["a"]).with_label(label.clone()), reader(t, &["a"]));
    t.take(&long, LONG).await;
    t.take(&short, LONG / 4).await;
    for parts in [&["a"][..], &["a", "b"]] {
        let claim = t.claim(parts);
        match t.vote(&claim, Terms::new(LONG)).await {
            Vote::Shared { expiry: Expiry::In(left), fence: None, label: told } => {
                assert!(left > LONG / 2 && left <= LONG + GRAIN, "{left:?}");
                assert_eq!(told, Some(label.clone()));
            }
            vote => panic!("expected to be refused by shares, got {vote:?}"),
        }
        assert_eq!(t.release(&claim).await, Removal::Foreign);
    }
    assert_shared(t, "a", &[&long, &short]).await;
    t.assert_free(["b"]).await;
}

pub(super) async fn a_value_beside_shares_refuses_as_a_value(t: &Trial<'_>) {
    let (holder, reader) = (t.claim(["a"]), reader(t, &["b"]));
    t.take(&holder, LONG / 4).await;
    t.take(&reader, LONG).await;
    // The longest of them is told all the same.
    let Expiry::In(left) = t.refused(&t.claim(["a", "b", "c"])).await else { panic!("no end") };
    assert!(left > LONG / 2 && left <= LONG + GRAIN, "{left:?}");
    t.assert_free(["c"]).await;
}

pub(super) async fn a_value_refuses_shares(t: &Trial<'_>) {
    let holder = t.claim(["a"]);
    t.take(&holder, LONG / 2).await;
    let Expiry::In(left) = t.refused(&reader(t, &["a"])).await else { panic!("no end") };
    assert!(left > LONG / 4 && left <= LONG / 2, "{left:?}");
    t.assert_held(&holder, ["a"]).await;
    t.put("b", "somebody's", None).await;
    assert_eq!(t.refused(&reader(t, &["b"])).await, Expiry::Never);
}

pub(super) async fn several_resources_are_shared_all_or_none(t: &Trial<'_>) {
    for held in ["a", "b", "c"] {
        let (holder, other) = (t.claim([held]), reader(t, &all_but(held)));
        t.take(&holder, LONG).await;
        t.take(&other, LONG).await;
        t.refused(&reader(t, &["a", "b", "c"])).await;
        for part in all_but(held) {
            assert_shared(t, part, &[&other]).await;
        }
        assert_eq!(t.release(&holder).await, Removal::Removed);
        assert_eq!(t.release(&other).await, Removal::Removed);
    }
    let (first, second) = (reader(t, &["a", "b"]), reader(t, &["b", "c"]));
    t.take(&first, LONG).await;
    t.take(&second, LONG).await;
    assert_shared(t, "b", &[&first, &second]).await;
}

pub(super) async fn as_many_resources_as_a_key_takes_are_shared_together(t: &Trial<'_>) {
    let parts: Vec<String> = (0..MAX_RESOURCES).map(|i| i.to_string()).collect();
    let claim = t.claim(&parts).shared();
    t.take(&claim, LONG / 2).await;
    assert_eq!(t.extend(&claim, LONG).await, Extension::Extended);
    let whole = t.claim(&parts);
    assert!(refused_by_shares(t, &whole).await > LONG / 2);
    assert_eq!(t.release(&claim).await, Removal::Removed);
    t.take(&whole, LONG).await;
    assert_eq!(t.extend(&t.same(&whole, &parts).shared(), LONG).await, Extension::Extended);
    assert_eq!(t.release(&whole.shared()).await, Removal::Removed);
    assert!(t.holdings(&parts).await.iter().all(Option::is_none));
}

pub(super) async fn a_shared_acquire_sent_twice_is_told_from_a_fresh_one(t: &Trial<'_>) {
    let claim = reader(t, &["a"]);
    t.take(&claim, LONG / 2).await;
    for ttl in [LONG, LONG / 4] {
        t.take_again(&claim, ttl).await;
        let left = left(t, "a", &claim).await;
        assert!(left > LONG / 4 && left <= LONG / 2, "{left:?}");
    }
    // Partly there it is completed.
    let both = t.same(&claim, ["a", "b"]).shared();
    t.take_again(&both, LONG).await;
    assert_shared(t, "a", &[&claim]).await;
    assert_shared(t, "b", &[&claim]).await;
}

pub(super) async fn each_share_ends_by_its_own_time(t: &Trial<'_>) {
    let (short, long) = (reader(t, &["a"]), reader(t, &["a"]));
    let began = Instant::now();
    t.take(&short, SHORT).await;
    t.take(&long, LONG).await;
    while shown(t, "a").await.count == 2 {
        assert!(began.elapsed() <= SHORT + LATE, "it does not end");
        sleep(SHORT / 50).await;
    }
    assert!(began.elapsed() + GRAIN >= SHORT, "ended after {:?}", began.elapsed());
    assert_shared(t, "a", &[&long]).await;
    // Gone is gone, though others are there.
    assert_eq!(t.extend(&short, LONG).await, Extension::Gone);
    assert_eq!(t.release(&short).await, Removal::Gone);
    assert_shared(t, "a", &[&long]).await;
    assert!(left(t, "a", &long).await > LONG / 2);
}

pub(super) async fn a_resource_is_free_when_its_last_share_ends_and_not_before(t: &Trial<'_>) {
    // The longest comes first, and last.
    for times in [[SHORT * 2, SHORT], [SHORT, SHORT * 2]] {
        let began = Instant::now();
        for ttl in times {
            t.take(&reader(t, &["a"]), ttl).await;
        }
        t.until_free("a", SHORT * 2 + LATE).await;
        let lived = began.elapsed();
        assert!(lived + GRAIN >= SHORT * 2, "free after {lived:?}");
        let next = t.claim(["a"]);
        // The key itself may go a moment later.
        while !matches!(t.vote(&next, Terms::new(LONG)).await, Vote::Granted { .. }) {
            assert!(began.elapsed() <= SHORT * 2 + LATE, "it does not go");
            sleep(SHORT / 50).await;
        }
        t.release(&next).await;
    }
}

pub(super) async fn when_the_longest_share_is_released_the_rest_decides(t: &Trial<'_>) {
    let (long, short) = (reader(t, &["a"]), reader(t, &["a"]));
    t.take(&long, LONG).await;
    t.take(&short, BRIEF).await;
    assert_eq!(t.release(&long).await, Removal::Removed);
    assert!(refused_by_shares(t, &t.claim(["a"])).await <= BRIEF + GRAIN);
    assert_shared(t, "a", &[&short]).await;
    t.until_free("a", BRIEF + LATE).await;
}

pub(super) async fn a_release_of_a_share_leaves_the_others(t: &Trial<'_>) {
    let readers = [reader(t, &["a"]), reader(t, &["a"]), reader(t, &["a"])];
    for reader in &readers {
        t.take(reader, LONG).await;
    }
    assert_eq!(t.release(&readers[1]).await, Removal::Removed);
    assert_shared(t, "a", &[&readers[0], &readers[2]]).await;
    assert!(refused_by_shares(t, &t.claim(["a"])).await > LONG / 2);
    assert_eq!(t.release(&readers[1]).await, Removal::Gone);
    assert_eq!(t.release(&reader(t, &["a"])).await, Removal::Gone);
    assert_eq!(t.release(&readers[0]).await, Removal::Removed);
    assert_eq!(t.release(&readers[2]).await, Removal::Removed);
    let next = t.claim(["a"]);
    t.take(&next, LONG).await;
    assert_eq!(t.release(&readers[2]).await, Removal::Foreign);
    t.assert_held(&next, ["a"]).await;
}

pub(super) async fn a_whole_claims_verbs_leave_shares_alone(t: &Trial<'_>) {
    let (reader, whole) = (reader(t, &["a"]), t.claim(["a"]));
    t.take(&reader, LONG / 2).await;
    // Also those of the same holder.
    for claim in [whole, t.same(&reader, ["a"])] {
        assert_eq!(t.extend(&claim, LONG).await, Extension::Foreign);
        assert_eq!(t.release(&claim).await, Removal::Foreign);
        let told = t.node().release_and_tell(claim.clone(), LIMIT).await;
        assert_eq!(told, Ok(Removal::Foreign));
        refused_by_shares(t, &claim).await;
    }
    assert_shared(t, "a", &[&reader]).await;
    assert!(left(t, "a", &reader).await <= LONG / 2);
}

pub(super) async fn an_extension_of_a_share_prolongs_it_alone_and_never_shortens(t: &Trial<'_>) {
    let (first, second) = (reader(t, &["a"]), reader(t, &["a"]));
    t.take(&first, LONG / 2).await;
    t.take(&second, LONG / 2).await;
    assert_eq!(t.extend(&first, LONG).await, Extension::Extended);
    assert_eq!(t.extend(&second, LONG / 4).await, Extension::Extended);
    assert!(left(t, "a", &first).await > LONG / 2);
    let left = left(t, "a", &second).await;
    assert!(left > LONG / 4 && left <= LONG / 2, "{left:?}");
    assert!(refused_by_shares(t, &t.claim(["a"])).await > LONG / 2);
}

pub(super) async fn an_extended_share_outlives_its_first_time(t: &Trial<'_>) {
    let (claim, other) = (reader(t, &["a"]), reader(t, &["a"]));
    t.take(&claim, BRIEF).await;
    t.take(&other, BRIEF).await;
    assert_eq!(t.extend(&claim, LONG).await, Extension::Extended);
    sleep(BRIEF + SHORT / 2).await;
    assert_shared(t, "a", &[&claim]).await;
    assert!(refused_by_shares(t, &t.claim(["a"])).await > LONG / 2);
}

pub(super) async fn shares_of_several_resources_are_extended_all_or_none(t: &Trial<'_>) {
    for missing in ["a", "b", "c"] {
        let claim = reader(t, &all_but(missing));
        t.take(&claim, LONG / 2).await;
        let all = t.same(&claim, ["a", "b", "c"]).shared();
        assert_eq!(t.extend(&all, LONG).await, Extension::Gone);
        let (other, beside) = (t.claim([missing]), reader(t, &[missing]));
        t.take(&beside, LONG).await;
        assert_eq!(t.extend(&all, LONG).await, Extension::Gone, "others' shares are not its");
        t.release(&beside).await;
        t.take(&other, LONG).await;
        assert_eq!(t.extend(&all, LONG).await, Extension::Foreign);
        for part in all_but(missing) {
            assert!(left(t, part, &claim).await <= LONG / 2);
        }
        assert_eq!(t.release(&all).await, Removal::Foreign);
        t.assert_held(&other, [missing]).await;
        assert!(t.holdings(all_but(missing)).await.iter().all(Option::is_none));
        t.release(&other).await;
    }
}

pub(super) async fn an_extension_makes_a_share_of_what_stands_whole(t: &Trial<'_>) {
    let (holder, next) = (t.claim(["a"]), reader(t, &["a"]));
    t.take(&holder, LONG).await;
    let shared = holder.clone().shared();
    assert_eq!(t.extend(&shared, LONG / 4).await, Extension::Extended);
    assert_shared(t, "a", &[&holder]).await;
    assert!(left(t, "a", &holder).await > LONG / 2, "it ended no sooner");
    // Once more it is an extension like any other.
    assert_eq!(t.extend(&shared, LONG * 2).await, Extension::Extended);
    assert!(left(t, "a", &holder).await > LONG);
    t.take(&next, LONG).await;
    assert_shared(t, "a", &[&holder, &next]).await;
    assert_eq!(t.release(&shared).await, Removal::Removed);
    assert_shared(t, "a", &[&next]).await;
}

pub(super) async fn what_stands_whole_for_another_becomes_no_share(t: &Trial<'_>) {
    let (holder, other) = (t.claim(["a"]), reader(t, &["a"]));
    t.take(&holder, LONG / 2).await;
    assert_eq!(t.extend(&other, LONG).await, Extension::Foreign);
    assert_eq!(t.release(&other).await, Removal::Foreign);
    t.assert_held(&holder, ["a"]).await;
    // All of a claim, or none.
    let both = t.same(&holder, ["a", "b"]).shared();
    assert_eq!(t.extend(&both, LONG).await, Extension::Gone);
    t.assert_held(&holder, ["a"]).await;
    assert!(t.left("a").await <= LONG / 2);
}

pub(super) async fn what_stands_whole_is_a_shared_claims_too(t: &Trial<'_>) {
    let holder = t.claim(["a"]);
    t.take(&holder, LONG).await;
    t.take_again(&holder.clone().shared(), LONG).await;
    t.assert_held(&holder, ["a"]).await;
    assert_eq!(t.release(&holder.shared()).await, Removal::Removed);
    t.assert_free(["a"]).await;
}
