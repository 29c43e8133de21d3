//! A run as a picture: who held what and when, what went wrong meanwhile, and which rule was broken. Pure: marks in, text
//! out. The simulator's tests in `redlock-core/tests` include these files, and `chaos` uses them as they are.

mod axis;
mod axis_tests;
mod bars;
mod broken;
mod draw;
mod draw_tests;
mod lane;
mod legend;
mod marks;
mod page;
mod rows;
pub mod svg;

pub use axis::{Axis, grouped};
pub use draw::draw;
pub use marks::{End, Lane, Mark, Mode, Role, Timeline, What};
pub use page::{Page, Section};
