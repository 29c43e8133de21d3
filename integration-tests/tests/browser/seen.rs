//! What the browser made of pages: as `probe.js` wrote it down.

use serde::Deserialize;

#[derive(Debug, Deserialize)]
pub(crate) struct Seen {
    /// Each picture of the documents as an image of its own.
    pub(crate) images: Vec<Image>,
    pub(crate) frames: Vec<Frame>,
}

#[derive(Debug, Deserialize)]
pub(crate) struct Image {
    pub(crate) name: String,
    pub(crate) width: f64,
}

#[derive(Debug, Deserialize)]
pub(crate) struct Frame {
    pub(crate) name: String,
    pub(crate) dark: bool,
    pub(crate) width: f64,
    pub(crate) scroll_width: f64,
    /// As CSS, like all colours.
    pub(crate) background: String,
    pub(crate) lines: Vec<Line>,
    pub(crate) pictures: Vec<Picture>,
}

/// Text beside the pictures.
#[derive(Debug, Deserialize)]
pub(crate) struct Line {
    pub(crate) said: String,
    pub(crate) red: bool,
    pub(crate) colour: String,
    #[serde(rename = "box")]
    pub(crate) place: Place,
}

#[derive(Debug, Deserialize)]
pub(crate) struct Picture {
    #[serde(rename = "box")]
    pub(crate) place: Place,
    /// In the order in which they are painted.
    pub(crate) shapes: Vec<Shape>,
}

#[derive(Debug, Deserialize)]
pub(crate) struct Shape {
    pub(crate) tag: String,
    pub(crate) classes: Vec<String>,
    #[serde(rename = "box")]
    pub(crate) place: Place,
    pub(crate) fill: String,
    pub(crate) fill_opacity: f64,
    pub(crate) stroke: String,
    pub(crate) stroke_opacity: f64,
    /// Of a text.
    pub(crate) said: String,
}

#[derive(Debug, Clone, Copy, Deserialize)]
pub(crate) struct Place {
    pub(crate) x: f64,
    pub(crate) y: f64,
    pub(crate) width: f64,
    pub(crate) height: f64,
}

impl Shape {
    pub(crate) fn is(&self, class: &str) -> bool {
        self.classes.iter().any(|own| own == class)
    }

    pub(crate) fn is_text(&self) -> bool {
        self.tag == "text" && !self.said.trim().is_empty()
    }

    /// A rectangle that stands for something, and is no ground for others.
    pub(crate) fn is_bar(&self) -> bool {
        let ground = ["paper", "lane", "shade", "overlap", "frozen", "cut"];
        self.tag == "rect" && !ground.iter().any(|class| self.is(class))
    }
}

impl Place {
    pub(crate) fn middle(&self) -> (f64, f64) {
        (self.x + self.width / 2.0, self.y + self.height / 2.0)
    }

    pub(crate) fn holds(&self, (x, y): (f64, f64)) -> bool {
        let within = |from: f64, length: f64, at: f64| from <= at && at <= from + length;
        within(self.x, self.width, x) && within(self.y, self.height, y)
    }

    /// Whether it is in another, to a pixel.
    pub(crate) fn is_in(&self, outer: &Self) -> bool {
        let end = |place: &Self| (place.x + place.width, place.y + place.height);
        let ((right, bottom), (far, low)) = (end(self), end(outer));
        self.x >= outer.x - 1.0
            && self.y >= outer.y - 1.0
            && right <= far + 1.0
            && bottom <= low + 1.0
    }
}
