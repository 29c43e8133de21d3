//! What must be so of every page that was looked at; each rule tells what is against it.

use crate::colour::Colour;
use crate::seen::{Frame, Line, Picture, Seen, Shape};

/// Of a text to what is behind it: what WCAG 2 asks of text that is not large (AA).
const TEXT: f64 = 4.5;
/// Of a bar or its outline to what is behind it: what WCAG 2 asks of what is no text.
const BAR: f64 = 3.0;
/// Texts of one line may come so near to one another that their boxes overlap by so much.
const NEAR: f64 = 2.0;

/// All that is wrong, a line each.
pub(crate) fn against(seen: &Seen, dark: bool) -> Vec<String> {
    let mut wrong = Vec::new();
    for image in seen.images.iter().filter(|image| image.width <= 0.0) {
        wrong.push(format!("{}: is no image", image.name));
    }
    for frame in &seen.frames {
        let found = of_frame(frame, dark);
        wrong.extend(found.into_iter().map(|what| format!("{}: {what}", frame.name)));
    }
    wrong
}

fn of_frame(frame: &Frame, dark: bool) -> Vec<String> {
    let mut wrong = Vec::new();
    if frame.dark != dark {
        wrong.push(format!("was shown {}", if frame.dark { "dark" } else { "light" }));
    }
    let back = Colour::of(&frame.background);
    if dark != (back.luminance() < 0.2) || dark == (back.luminance() > 0.5) {
        wrong.push(format!("has {} behind it, dark is {dark}", frame.background));
    }
    if frame.scroll_width > frame.width + 1.0 {
        wrong.push(format!("is {} wide in a window of {}", frame.scroll_width, frame.width));
    }
    if frame.pictures.is_empty() {
        wrong.push("shows no picture".to_owned());
    }
    wrong.extend(frame.lines.iter().filter_map(|line| of_line(line, back)));
    for picture in &frame.pictures {
        if picture.place.width > frame.width || picture.place.x < 0.0 {
            wrong.push(format!("a picture is not in the window: {:?}", picture.place));
        }
        wrong.extend(of_picture(picture, back, dark));
    }
    wrong
}

fn of_line(line: &Line, back: Colour) -> Option<String> {
    let colour = Colour::of(&line.colour);
    if line.place.width <= 0.0 || line.place.height <= 0.0 {
        return Some(format!("has no room for its line {:?}", line.said));
    }
    if colour.contrast(back) < TEXT {
        return Some(format!("its line {:?} is {} on its page", line.said, line.colour));
    }
    (line.red && !colour.is_reddish()).then(|| format!("its line {:?} is not red", line.said))
}

fn of_picture(picture: &Picture, back: Colour, dark: bool) -> Vec<String> {
    let mut wrong = Vec::new();
    let shapes = &picture.shapes;
    if !shapes.iter().any(Shape::is_text) {
        wrong.push("a picture has no text".to_owned());
    }
    for (place, shape) in shapes.iter().enumerate() {
        let behind = behind(&shapes[..place], shape, back);
        let mut complain = |what: String| wrong.push(format!("{}: {what}", named(shape)));
        if shape.is("paper") && (behind_luminance(shape, behind) < 0.2) != dark {
            complain(format!("its ground is {}, dark is {dark}", shape.fill));
        }
        if !(shape.is_text() || shape.is_bar()) {
            continue;
        }
        if shape.place.width <= 0.0 || shape.place.height <= 0.0 {
            complain("has no size".to_owned());
        }
        if !shape.place.is_in(&picture.place) {
            complain(format!(
                "reaches out of its picture: {:?} of {:?}",
                shape.place, picture.place
            ));
        }
        let (seen, least) = visibility(shape, behind);
        if seen < least {
            complain(format!("has a contrast of {seen:.2} to what is behind it: {}", shape.fill));
        }
        if shape.is_text() {
            let texts = shapes[..place].iter().filter(|other| other.is_text());
            for other in texts.filter(|other| overlap(shape, other)) {
                complain(format!("stands on {}", named(other)));
            }
        }
    }
    wrong
}

fn behind_luminance(shape: &Shape, behind: Colour) -> f64 {
    Colour::of(&shape.fill).upon(shape.fill_opacity, behind).luminance()
}

/// What is painted where the middle of a shape will be, before it.
fn behind(before: &[Shape], shape: &Shape, back: Colour) -> Colour {
    let middle = shape.place.middle();
    let filled = before.iter().filter(|other| other.tag != "text" && other.place.holds(middle));
    filled.fold(back, |behind, other| Colour::of(&other.fill).upon(other.fill_opacity, behind))
}

/// How well it is seen, and how well it has to be.
fn visibility(shape: &Shape, behind: Colour) -> (f64, f64) {
    let fill = Colour::of(&shape.fill).upon(shape.fill_opacity, behind);
    let stroke = Colour::of(&shape.stroke).upon(shape.stroke_opacity, behind);
    if shape.is_text() {
        // Its outline is painted first, and keeps it apart from what is behind.
        return (fill.contrast(stroke), TEXT);
    }
    (fill.contrast(behind).max(stroke.contrast(behind)), BAR)
}

fn overlap(one: &Shape, two: &Shape) -> bool {
    let (one, two) = (&one.place, &two.place);
    let common = |from: f64, length: f64, other: f64, its: f64| {
        (from + length).min(other + its) - from.max(other)
    };
    // Boxes of lines below each other overlap, as there is room for accents in them.
    let apart = one.height.min(two.height) / 2.0;
    common(one.x, one.width, two.x, two.width) > NEAR
        && common(one.y, one.height, two.y, two.height) > apart
}

fn named(shape: &Shape) -> String {
    match shape.said.as_str() {
        "" => format!("{} .{}", shape.tag, shape.classes.join(".")),
        said => format!("text {said:?}"),
    }
}
