//! What tests of this crate, and of crates that implement its nodes, stand on.

#[cfg(feature = "testing")]
pub mod conformance;
#[cfg(feature = "testing")]
pub mod faults;
#[cfg(feature = "mutants")]
#[doc(hidden)]
pub mod mutants;
#[cfg(all(feature = "testing", feature = "route"))]
pub mod route_cases;
