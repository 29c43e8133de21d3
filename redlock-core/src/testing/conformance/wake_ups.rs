use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Weak};

use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep, timeout};

use super::trial::{LATE, LIMIT, LONG, SHORT, Trial};
use crate::node::key::MAX_RESOURCES;
use crate::node::token::Token;
use crate::node::{Claim, Listener, NodeError, Removal, Vote};

pub(super) async fn a_release_tells_its_resource(t: &Trial<'_>) {
    let mut ear = Ear::open(t).await;
    let claim = t.claim(["a"]);
    t.take(&claim, LONG).await;
    t.tell(&claim, Removal::Removed).await;
    ear.assert_heard(t, ["a"]).await;
}

pub(super) async fn a_release_that_tells_frees_and_answers_like_any_other(t: &Trial<'_>) {
    let (claim, other) = (t.claim(["a", "b"]), t.claim(["c"]));
    t.take(&claim, LONG).await;
    t.take(&other, LONG).await;
    t.tell(&t.same(&claim, ["a", "c"]), Removal::Foreign).await;
    t.assert_free(["a"]).await;
    t.assert_held(&other, ["c"]).await;
    t.tell(&claim, Removal::Gone).await;
    t.assert_free(["a", "b"]).await;
    t.tell(&other, Removal::Removed).await;
    t.assert_free(["c"]).await;
}

pub(super) async fn who_hears_of_a_release_can_take(t: &Trial<'_>) {
    let mut ear = Ear::open(t).await;
    for _ in 0..10 {
        let (claim, next) = (t.claim(["a"]), t.claim(["a"]));
        t.take(&claim, LONG).await;
        let release = tokio::spawn(t.node().release_and_tell(claim, LIMIT));
        assert_eq!(ear.next().await, t.name("a"));
        t.take(&next, LONG).await;
        release.await.unwrap().expect("an answer to release");
        t.release(&next).await;
    }
}

pub(super) async fn of_several_resources_each_is_told(t: &Trial<'_>) {
    let mut ear = Ear::open(t).await;
    let claim = t.claim(["a", "b", "c"]);
    t.take(&claim, LONG).await;
    t.tell(&claim, Removal::Removed).await;
    ear.assert_heard(t, ["a", "b", "c"]).await;
}

pub(super) async fn as_many_resources_as_a_key_takes_are_told(t: &Trial<'_>) {
    let mut ear = Ear::open(t).await;
    let parts: Vec<String> = (0..MAX_RESOURCES).map(|i| i.to_string()).collect();
    let claim = t.claim(&parts);
    t.take(&claim, LONG).await;
    t.tell(&claim, Removal::Removed).await;
    ear.assert_heard(t, &parts).await;
}

pub(super) async fn only_what_a_release_freed_is_told(t: &Trial<'_>) {
    let mut ear = Ear::open(t).await;
    let (claim, other) = (t.claim(["a", "b", "c", "d"]), t.claim(["b"]));
    t.take(&other, LONG).await;
    // Before it nothing stands there, behind it somebody else.
    t.take(&t.same(&claim, ["a", "d"]), LONG).await;
    t.tell(&claim, Removal::Foreign).await;
    ear.assert_heard(t, ["a", "d"]).await;
    t.take(&t.same(&claim, ["d"]), LONG).await;
    t.tell(&t.same(&claim, ["c", "d"]), Removal::Gone).await;
    ear.assert_heard(t, ["d"]).await;
}

pub(super) async fn a_release_of_what_is_free_tells_nothing(t: &Trial<'_>) {
    let mut ear = Ear::open(t).await;
    let claim = t.claim(["a"]);
    t.tell(&claim, Removal::Gone).await;
    t.take(&claim, LONG).await;
    t.tell(&claim, Removal::Removed).await;
    t.tell(&claim, Removal::Gone).await;
    ear.assert_heard(t, ["a"]).await;
}

pub(super) async fn a_release_by_another_tells_nothing(t: &Trial<'_>) {
    let mut ear = Ear::open(t).await;
    t.take(&t.claim(["a"]), LONG).await;
    t.tell(&t.claim(["a"]), Removal::Foreign).await;
    ear.assert_heard(t, [""; 0]).await;
}

pub(super) async fn neither_an_expiry_nor_a_release_after_it_is_told(t: &Trial<'_>) {
    let mut ear = Ear::open(t).await;
    let claim = t.claim(["a"]);
    t.take(&claim, SHORT).await;
    t.until_free("a", SHORT + LATE).await;
    sleep(SHORT).await;
    t.tell(&claim, Removal::Gone).await;
    ear.assert_heard(t, [""; 0]).await;
}

pub(super) async fn a_plain_release_is_not_told(t: &Trial<'_>) {
    let mut ear = Ear::open(t).await;
    for parts in [&["a"][..], &["a", "b"]] {
        let claim = t.claim(parts);
        t.take(&claim, LONG).await;
        assert_eq!(t.release(&claim).await, Removal::Removed);
    }
    ear.assert_heard(t, [""; 0]).await;
}

pub(super) async fn nothing_but_a_release_is_told(t: &Trial<'_>) {
    let mut ear = Ear::open(t).await;
    let claim = t.claim(["a", "b"]);
    t.take(&claim, LONG).await;
    t.take_again(&claim, LONG).await;
    t.refused(&t.claim(["a"])).await;
    t.extend(&claim, LONG * 2).await;
    t.holdings(["a", "b"]).await;
    let vote = t.try_acquire(&t.claim(["c"]), LONG).await;
    assert!(matches!(vote, Ok(Vote::Granted { .. })), "{vote:?}");
    ear.assert_heard(t, [""; 0]).await;
}

pub(super) async fn every_listener_hears(t: &Trial<'_>) {
    let mut ears = [Ear::open(t).await, Ear::open(t).await, Ear::open(t).await];
    let claim = t.claim(["a"]);
    t.take(&claim, LONG).await;
    t.tell(&claim, Removal::Removed).await;
    for ear in &mut ears {
        ear.assert_heard(t, ["a"]).await;
    }
}

pub(super) async fn a_listener_that_left_hears_no_more_and_is_forgotten(t: &Trial<'_>) {
    let (mut stays, leaves) = (Ear::open(t).await, Ear::open(t).await);
    let (mut heard, forgotten) = leaves.leave().await;
    let claim = t.claim(["a"]);
    t.take(&claim, LONG).await;
    t.tell(&claim, Removal::Removed).await;
    stays.assert_heard(t, ["a"]).await;
    let began = Instant::now();
    while forgotten.strong_count() > 0 {
        assert!(began.elapsed() <= LATE, "the listener is kept");
        sleep(SHORT / 50).await;
    }
    assert_eq!(heard.recv().await, None, "it heard");
}

pub(super) async fn any_bytes_are_told_as_they_are(t: &Trial<'_>) {
    let all: Vec<u8> = (0..=255).collect();
    let longest = t.longest_part();
    let names: [&[u8]; 11] = [
        b"line\r\nbreak",
        b"nul\0nul",
        b"'single' \"double\"",
        b"%s {brace}",
        b"\xff\xfe",
        b"\xc3",
        b" ",
        b"$5\r\nhello\r\n",
        b"*1\r\n$4\r\nPING\r\n",
        &all,
        &longest,
    ];
    let mut ear = Ear::open(t).await;
    for name in names {
        let claim = t.claim([name]);
        t.take(&claim, LONG).await;
        t.tell(&claim, Removal::Removed).await;
        ear.assert_heard(t, [name]).await;
    }
}

impl Trial<'_> {
    /// Releases by telling, and insists on the answer.
    pub(super) async fn tell(&self, claim: &Claim, wanted: Removal) {
        let answer = self.node().release_and_tell(claim.clone(), LIMIT).await;
        assert_eq!(answer, Ok(wanted));
    }
}

/// A listener of one check. It lets other checks' resources pass.
pub(super) struct Ear {
    heard: mpsc::UnboundedReceiver<Vec<u8>>,
    hearer: Weak<Hearer>,
    listening: JoinHandle<NodeError>,
}

impl Ear {
    pub(super) async fn open(t: &Trial<'_>) -> Self {
        assert!(t.fixture.listening_node().features().wake_ups, "the node does not say it can");
        let (tell_heard, heard) = mpsc::unbounded_channel();
        let (tell_ready, mut ready) = mpsc::unbounded_channel();
        let hearer = Arc::new(Hearer { ours: t.name(""), ready: tell_ready, heard: tell_heard });
        let known = Arc::downgrade(&hearer);
        let mut listening: Pin<Box<dyn Future<Output = NodeError> + Send>> =
            t.fixture.listening_node().listen(hearer, LIMIT);
        let begun = timeout(LIMIT, async {
            tokio::select! {
                ready = ready.recv() => assert!(ready.is_some(), "the listener was dropped"),
                error = &mut listening => panic!("not listening: {error}"),
            }
        });
        begun.await.expect("listening begins in time");
        Self { heard, hearer: known, listening: tokio::spawn(listening) }
    }

    /// The next resource that is told.
    pub(super) async fn next(&mut self) -> Vec<u8> {
        let heard = timeout(LIMIT, self.heard.recv()).await.expect("something is told in time");
        heard.expect("the listener is kept")
    }

    /// Insists that exactly these were told since the last time, in any order.
    pub(super) async fn assert_heard<P: AsRef<[u8]>>(
        &mut self,
        t: &Trial<'_>,
        parts: impl IntoIterator<Item = P>,
    ) {
        // Whatever was told before is heard before this.
        let token = Token::random().unwrap();
        let part = format!("mark {}", token.expose());
        let mark = t.claim([&part]);
        t.take(&mark, LONG).await;
        t.tell(&mark, Removal::Removed).await;
        let mut heard = Vec::new();
        loop {
            match self.next().await {
                name if name == t.name(&part) => break,
                // Another listener's mark.
                name if name.starts_with(&t.name("mark ")) => {}
                name => heard.push(name.escape_ascii().to_string()),
            }
        }
        heard.sort_unstable();
        let names = parts.into_iter().map(|part| t.name(part).escape_ascii().to_string());
        let mut wanted: Vec<_> = names.collect();
        wanted.sort_unstable();
        assert_eq!(heard, wanted);
    }

    /// Ends the listening, and gives what is heard all the same and the listener.
    async fn leave(mut self) -> (mpsc::UnboundedReceiver<Vec<u8>>, Weak<Hearer>) {
        self.listening.abort();
        let ended = (&mut self.listening).await;
        assert!(ended.is_err_and(|error| error.is_cancelled()), "it ended by itself");
        let (_, nothing) = mpsc::unbounded_channel();
        let heard = std::mem::replace(&mut self.heard, nothing);
        (heard, self.hearer.clone())
    }
}

impl Drop for Ear {
    fn drop(&mut self) {
        self.listening.abort();
    }
}

struct Hearer {
    /// How the check's resources begin.
    ours: Vec<u8>,
    ready: mpsc::UnboundedSender<()>,
    heard: mpsc::UnboundedSender<Vec<u8>>,
}

impl Listener for Hearer {
    fn listening(&self) {
        let _ = self.ready.send(());
    }

    fn released(&self, resource: &[u8]) {
        if resource.starts_with(&self.ours) {
            let _ = self.heard.send(resource.to_vec());
        }
    }
}
