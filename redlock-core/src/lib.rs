//! placeholder

pub mod error;
pub mod key;
pub mod node;
#[doc(hidden)]
pub mod protocol;
pub mod token;
