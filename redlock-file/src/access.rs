//! Whose a directory has to be.

use rustix::fs::{Mode, Stat};

/// Who may lock in a directory.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Access {
    /// Its owner.
    Owner,
    /// Its group.
    Group,
}

impl Access {
    /// The rule that a directory of this owner and mode breaks.
    pub(crate) fn refusal(self, stat: &Stat) -> Option<&'static str> {
        let (us, owner) = (rustix::process::geteuid().as_raw(), stat.st_uid);
        let mode = Mode::from_raw_mode(stat.st_mode);
        match self {
            Self::Owner if owner != us => Some("must be owned by the user of this process"),
            Self::Owner if mode.intersects(Mode::WGRP | Mode::WOTH) => {
                Some("must not be writable by group or others")
            }
            Self::Group if owner != us && owner != 0 => {
                Some("must be owned by root or the user of this process")
            }
            Self::Group if mode.contains(Mode::WOTH) => {
                Some("must not be writable by others than its owner and its group")
            }
            // Where it is sticky nobody may replace another user's file.
            Self::Group if !mode.contains(Mode::SGID | Mode::RWXG) || mode.contains(Mode::SVTX) => {
                Some("must be of mode 2770 to be shared by a group")
            }
            Self::Owner | Self::Group => None,
        }
    }

    /// The mode of files.
    pub(crate) fn files(self) -> Mode {
        match self {
            Self::Owner => Mode::RUSR | Mode::WUSR,
            Self::Group => Mode::RUSR | Mode::WUSR | Mode::RGRP | Mode::WGRP,
        }
    }
}
