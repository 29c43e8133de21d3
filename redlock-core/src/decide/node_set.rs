//! Which servers a handle locks on, in a few letters.

use std::fmt;

use crate::node::fingerprint;

/// Tells apart two services that were given different servers: the fingerprint of the servers' run ids.
///
/// The same servers have the same one in whatever order they are named, and by whatever address. It proves nothing, and a
/// server that restarts has another run id: two services agree again once both have asked the new one.
///
/// ```
/// use redlock_core::NodeSetFingerprint;
///
/// let one = NodeSetFingerprint::of(["5b3c", "90fe", "aa01"]);
/// assert_eq!(one, NodeSetFingerprint::of(["aa01", "5b3c", "90fe"]));
/// assert_ne!(one, NodeSetFingerprint::of(["aa01", "5b3c"]));
/// assert_eq!(one.to_string().len(), 8);
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct NodeSetFingerprint(u32);

impl NodeSetFingerprint {
    /// Of the servers with these run ids ([`Identity::run_id`](crate::node::Identity::run_id)).
    pub fn of<I: AsRef<str>>(run_ids: impl IntoIterator<Item = I>) -> Self {
        let mut ids: Vec<I> = run_ids.into_iter().collect();
        ids.sort_unstable_by(|a, b| a.as_ref().cmp(b.as_ref()));
        // No run id holds the byte that ends each.
        let bytes = ids.iter().flat_map(|id| id.as_ref().bytes().chain([0]));
        let print = fingerprint(&bytes.collect::<Vec<u8>>());
        Self((print >> 32) as u32 ^ print as u32)
    }
}

impl fmt::Display for NodeSetFingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:08x}", self.0)
    }
}

impl fmt::Debug for NodeSetFingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "NodeSetFingerprint({self})")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_set_has_one_fingerprint_in_whatever_order_and_another_set_another() {
        let of = |ids: &[&str]| NodeSetFingerprint::of(ids).to_string();
        let orders = [["a", "b", "c"], ["c", "a", "b"], ["b", "c", "a"]];
        assert!(orders.iter().all(|order| of(order) == of(&orders[0])));
        let others: [&[&str]; 7] = [
            &[],
            &["a"],
            &["a", "b"],
            &["a", "b", "d"],
            &["ab", "c"],
            &["abc"],
            &["a", "a", "b", "c"],
        ];
        for (at, one) in others.iter().enumerate() {
            assert_ne!(of(one), of(&orders[0]), "{one:?}");
            assert!(others[at + 1..].iter().all(|other| of(other) != of(one)), "{one:?}");
        }
    }

    /// Services of two versions have to agree.
    #[test]
    fn the_fingerprint_stays_what_it_is() {
        // FNV-1a of "a\0", folded.
        let print = 0xcbf2_9ce4_8422_2325_u64;
        let step = |print: u64, byte: u8| (print ^ u64::from(byte)).wrapping_mul(0x100_0000_01b3);
        let print = step(step(print, b'a'), 0);
        let folded = (print >> 32) ^ (print & 0xffff_ffff);
        assert_eq!(NodeSetFingerprint::of(["a"]).to_string(), format!("{folded:08x}"));
    }
}
