//! This process, and the signals that reach it.

mod dispositions;
mod group;
mod interrupt;

pub(crate) use self::dispositions::{is_ignored, outlive_full_files};
pub(crate) use self::group::{group, leads_session};
pub(crate) use self::interrupt::Interrupt;
