//! Draws a stale write: two processes above the resource, which refuses the late one.

use crate::sheet::{BAR, STYLE, Sheet, caption};
use crate::simulation::timeline::svg::{Anchor, Svg};
use crate::simulation::timeline::{End, Mark, What, grouped};
use crate::stale::{FROZEN, SECOND};

const END: u64 = 1_400;
const LANES: [f64; 2] = [44.0, 104.0];
const RESOURCE: f64 = 178.0;
const SCALE: f64 = RESOURCE + BAR + 40.0;
/// Around a bar.
const MARGIN: f64 = 6.0;
const NAMES: [&str; 2] = ["A", "B"];

/// The lock as a process had it, in milliseconds.
struct Had {
    fence: u64,
    from: u64,
    to: u64,
}

/// A write, and whether the resource let it pass.
struct Write {
    process: usize,
    at: u64,
    passed: bool,
}

/// The whole picture.
pub(crate) fn draw(marks: &[Mark]) -> String {
    let sheet = Sheet::new(END);
    let mut svg = Svg::default();
    let (had, writes) = ([0, 1].map(|process| had(marks, process)), writes(marks));
    sheet.scale(&mut svg, (20.0, SCALE));
    for (process, had) in had.iter().enumerate() {
        holder(&mut svg, &sheet, process, had);
    }
    resource(&mut svg, &sheet, &had, &writes);
    let bottom = captions(&mut svg, &sheet, &had, &writes);
    let title = "The write of a holder that was frozen past its lease is refused by its fence";
    svg.finish(title, STYLE, bottom)
}

fn had(marks: &[Mark], process: usize) -> Had {
    let begins = marks.iter().find_map(|mark| match mark.what {
        What::Held { lane, fence: Some(fence), .. } if lane == process => Some((fence, mark.at)),
        _ => None,
    });
    // Holds have the numbers of their processes.
    let ends = marks.iter().filter_map(|mark| match mark.what {
        What::Ended { hold, how: End::Lost | End::Released } if hold == process => Some(mark.at),
        _ => None,
    });
    let (fence, from) = begins.unwrap();
    Had { fence, from: from / 1_000, to: ends.min().unwrap() / 1_000 }
}

fn writes(marks: &[Mark]) -> Vec<Write> {
    let writes = marks.iter().filter_map(|mark| match mark.what {
        What::Wrote { hold: process } => Some(Write { process, at: mark.at / 1_000, passed: true }),
        What::Refused { hold: process, .. } => {
            Some(Write { process, at: mark.at / 1_000, passed: false })
        }
        _ => None,
    });
    writes.collect()
}

fn said(fence: u64) -> String {
    grouped(fence * 1_000)
}

fn holder(svg: &mut Svg, sheet: &Sheet, process: usize, had: &Had) {
    let (y, name) = (LANES[process], NAMES[process]);
    let (top, high) = (y - MARGIN, BAR + 2.0 * MARGIN);
    svg.open("process", name);
    svg.text("name", Anchor::Start, (8.0, y + 12.0), &format!("process {name}"));
    svg.rect("lane", (sheet.at(0), top), (sheet.at(END) - sheet.at(0), high), "");
    if process == 0 {
        let (from, to) = (sheet.at(FROZEN.0), sheet.at(FROZEN.1));
        svg.rect("frozen", (from, top), (to - from, high), "");
        let middle = y + BAR / 2.0;
        svg.path("waits", &format!("M{:.1} {middle:.1}H{to:.1}", sheet.at(had.to)), "");
        let place = (f64::midpoint(sheet.at(had.to), to), y + 12.0);
        svg.text("warn halo", Anchor::Middle, place, "frozen: it cannot know");
    } else {
        let (from, to) = (sheet.at(SECOND), sheet.at(had.from));
        svg.path("waits", &format!("M{from:.1} {:.1}H{to:.1}", y + BAR / 2.0), "");
        svg.text("halo", Anchor::Middle, (f64::midpoint(from, to), y + 12.0), "B waits");
    }
    let (from, to) = (sheet.at(had.from), sheet.at(had.to));
    svg.rect(&format!("hold c{process}"), (from, y), (to - from, BAR), "");
    let label = format!("{name} holds, fence {}", said(had.fence));
    svg.text("strong", Anchor::Start, (from + 8.0, y + 12.0), &label);
    svg.close();
}

fn resource(svg: &mut Svg, sheet: &Sheet, had: &[Had; 2], writes: &[Write]) {
    svg.open("resource", "resource");
    svg.text("name", Anchor::Start, (8.0, RESOURCE + 6.0), "resource,");
    svg.text("name", Anchor::Start, (8.0, RESOURCE + 21.0), "its fence");
    let (top, high) = (RESOURCE - MARGIN, BAR + 2.0 * MARGIN);
    svg.rect("lane", (sheet.at(0), top), (sheet.at(END) - sheet.at(0), high), "");
    let firsts = [0, 1].map(|process| {
        let first = writes.iter().find(|write| write.passed && write.process == process);
        first.unwrap().at
    });
    let spans = [(firsts[0], firsts[1]), (firsts[1], END)];
    for (process, (from, to)) in spans.into_iter().enumerate() {
        let (from, to) = (sheet.at(from), sheet.at(to));
        svg.rect(&format!("key c{process}"), (from, RESOURCE), (to - from, BAR), "");
        let place = (from + 8.0, RESOURCE + 12.0);
        svg.text("", Anchor::Start, place, &said(had[process].fence));
    }
    for Write { process, at, passed } in writes {
        let (x, from) = (sheet.at(*at), LANES[*process] + BAR);
        let to = if *passed { RESOURCE } else { top - 8.0 };
        let class = if *passed { format!("message c{process}") } else { "refused".to_owned() };
        svg.path(&class, &format!("M{x:.1} {from:.1}V{to:.1}"), "");
        if *passed {
            let arrow = format!("M{:.1} {:.1}h8l-4 6z", x - 4.0, to - 6.0);
            svg.path(&format!("dot c{process}"), &arrow, "");
            svg.text("small halo", Anchor::Start, (x + 7.0, top - 8.0), "writes");
        } else {
            svg.path("refused", &format!("M{:.1} {to:.1}l10 10m0 -10l-10 10", x - 5.0), "");
            let label = format!("{}: refused", said(had[*process].fence));
            svg.text("bad halo", Anchor::End, (x - 9.0, top - 8.0), &label);
        }
    }
    svg.close();
}

fn captions(svg: &mut Svg, sheet: &Sheet, [a, b]: &[Had; 2], writes: &[Write]) -> (f64, f64) {
    let late = writes.iter().find(|write| !write.passed).unwrap();
    let (first, second) = (said(a.fence), said(b.fence));
    let (above, below) = (20.0, RESOURCE + BAR + 20.0);
    let lines = [
        (a.from, above, format!("A has the lock, with fence {first}. It writes, and the resource keeps the fence.")),
        (
            FROZEN.0,
            above,
            "A's process is frozen: a paused virtual machine, a stopped process. Its renewal stands still as well.".to_owned(),
        ),
        (a.to, above, format!("A's lease ends at {} ms. From then on another may have the lock.", grouped(a.to * 1_000))),
        (
            b.from,
            78.0,
            format!("B has it, with the greater fence {second}. It writes, and the resource keeps that."),
        ),
        (
            late.at,
            below,
            format!("A goes on where it stood and writes. Its fence {first} is less than {second}: the resource refuses."),
        ),
    ];
    let mut y = SCALE + 26.0;
    for (place, (at, beside, said)) in lines.iter().enumerate() {
        sheet.number(svg, place + 1, (sheet.at(*at), *beside));
        y = caption(svg, place + 1, y, said);
    }
    (sheet.width(), y)
}
