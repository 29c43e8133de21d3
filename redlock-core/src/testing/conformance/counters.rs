use super::trial::{LIMIT, Trial};

pub(super) async fn counters_are_told_in_the_order_of_the_key(t: &Trial<'_>) {
    let (one, other) = (t.claim(["c"]), t.claim(["a"]));
    let numbers = [t.take_fenced(&other, 1_000).await, t.take_fenced(&one, 1_000).await + 7];
    t.raise(&one, numbers[1]).await;
    let told = t.told_counters(["c", "b", "a"]).await;
    assert_eq!(told, [Some(numbers[0]), None, Some(numbers[1])]);
    assert_eq!(told, t.counters(["a", "b", "c"]).await, "as they stand");
    t.release(&other).await;
    assert_eq!(t.told_counters(["a"]).await, [Some(numbers[0])], "whether it is held or not");
}

pub(super) async fn looking_at_counters_changes_nothing(t: &Trial<'_>) {
    let claim = t.claim(["a"]);
    let number = t.take_fenced(&claim, 1_000).await;
    for _ in 0..3 {
        t.told_counters(["a", "b"]).await;
    }
    assert_eq!(t.counters(["a", "b"]).await, [Some(number), None]);
    t.assert_held(&claim, ["a"]).await;
    t.assert_free(["b"]).await;
}

impl Trial<'_> {
    async fn told_counters<P: AsRef<[u8]>>(
        &self,
        parts: impl IntoIterator<Item = P>,
    ) -> Vec<Option<u64>> {
        self.node()
            .inspect_counters(self.key(parts), LIMIT)
            .await
            .expect("an answer to inspect_counters")
    }
}
