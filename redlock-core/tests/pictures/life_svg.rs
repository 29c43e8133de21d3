//! Draws the life of a lock: the holder above the nodes, who follows it below, and what they send.

use redlock_core::faults::Verb;

use crate::life::{DOWN, END, Life, NODES, Sent, TTL};
use crate::sheet::{BAR, Sheet, caption};
use crate::simulation::timeline::grouped;
use crate::simulation::timeline::svg::{Anchor, Svg};

const HOLDER: f64 = 62.0;
const FIRST_NODE: f64 = 118.0;
const LANE: f64 = 32.0;
const FOLLOWER: f64 = FIRST_NODE + LANE * NODES as f64 + 22.0;
const SCALE: f64 = FOLLOWER + BAR + 34.0;

/// The whole picture.
pub(crate) fn draw(life: &Life) -> String {
    let sheet = Sheet::new(END);
    let mut svg = Svg::default();
    sheet.scale(&mut svg, (20.0, SCALE));
    nodes(&mut svg, &sheet, life);
    for sent in &life.sent {
        message(&mut svg, &sheet, life, sent);
    }
    holder(&mut svg, &sheet, life);
    follower(&mut svg, &sheet, life);
    let bottom = captions(&mut svg, &sheet, life);
    svg.finish(
        "The life of a lock over five nodes, one of which is down",
        crate::sheet::STYLE,
        bottom,
    )
}

fn lane_of(node: usize) -> f64 {
    FIRST_NODE + LANE * node as f64
}

fn nodes(svg: &mut Svg, sheet: &Sheet, life: &Life) {
    for node in 0..NODES {
        let y = lane_of(node);
        svg.open("node", &format!("node {}", node + 1));
        svg.text("name", Anchor::Start, (8.0, y + 12.0), &format!("node {}", node + 1));
        svg.rect("lane", (sheet.at(0), y - 3.0), (sheet.at(END) - sheet.at(0), BAR + 6.0), "");
        if node == DOWN {
            svg.text("faint", Anchor::End, (sheet.at(END) - 8.0, y + 12.0), "is down");
        }
        for stood in life.stood.iter().filter(|stood| stood.node == node) {
            let class = format!("key c{}", stood.process);
            let (from, to) = (sheet.at(stood.from), sheet.at(stood.to));
            svg.rect(&class, (from, y), (to - from, BAR), "");
            let said = format!("key: {}'s", ["A", "B"][stood.process]);
            let middle = match stood.process {
                0 => (renewal(life).at + life.released) / 2 + 60,
                _ => (life.granted[1] + END) / 2,
            };
            svg.text("", Anchor::Middle, (sheet.at(middle), y + 12.0), &said);
        }
        svg.close();
    }
}

/// The request, and the answer where it matters.
fn message(svg: &mut Svg, sheet: &Sheet, life: &Life, sent: &Sent) {
    let Sent { process, node, verb, at, delay } = *sent;
    let (own, towards) = match process {
        0 => (HOLDER + BAR, lane_of(node)),
        _ => (FOLLOWER, lane_of(node) + BAR),
    };
    let Some(delay) = delay else {
        let (x, y) = (sheet.at(at), lane_of(node) + BAR / 2.0);
        let class = if process == 0 { "lost" } else { "lost faintly" };
        svg.path(class, &format!("M{:.1} {:.1}l8 8m0 -8l-8 8", x - 4.0, y - 4.0), "refused");
        return;
    };
    let (from, there) = (sheet.at(at), sheet.at(at + delay));
    let granted = life.stood.iter().any(|stood| {
        (stood.node, stood.process) == (node, process) && stood.from.abs_diff(at + delay) <= 1
    });
    let refused = verb == Verb::Acquire && !granted;
    let weight = if refused || (process, verb) == (1, Verb::Release) { " faintly" } else { "" };
    let class = format!("message c{process}{weight}");
    svg.path(&class, &format!("M{from:.1} {own:.1}L{there:.1} {towards:.1}"), "");
    svg.path(&format!("dot c{process}{weight}"), &dot(there, towards), "");
    if verb == Verb::Extend {
        let y = lane_of(node);
        svg.path("longer", &format!("M{there:.1} {y:.1}v{BAR}"), "the key's time begins anew");
    }
    if matches!(verb, Verb::Acquire | Verb::Extend) {
        let back = sheet.at(at + delay * 2);
        let d = format!("M{there:.1} {towards:.1}L{back:.1} {own:.1}");
        svg.path(&format!("{class} answer"), &d, "");
    }
}

fn dot(x: f64, y: f64) -> String {
    format!("M{:.1} {y:.1}a2 2 0 1 0 4 0a2 2 0 1 0 -4 0", x - 2.0)
}

fn holder(svg: &mut Svg, sheet: &Sheet, life: &Life) {
    svg.open("process", "A");
    svg.text("name", Anchor::Start, (8.0, HOLDER + 12.0), "process A");
    let (from, to) = (sheet.at(life.granted[0]), sheet.at(life.released));
    svg.rect("hold c0", (from, HOLDER), (to - from, BAR), "");
    svg.text("strong", Anchor::Start, (from + 8.0, HOLDER + 12.0), "A holds the lock");
    for (place, (_, until)) in life.deadlines.iter().enumerate() {
        let asked = [0, renewal(life).at][place.min(1)];
        let y = 32.0 + 15.0 * place as f64;
        let (from, to) = (sheet.at(asked), sheet.at(*until));
        svg.path("validity", &format!("M{from:.1} {:.1}v8m0 -4H{to:.1}m0 -4v8", y - 4.0), "");
        let said = match place {
            0 => format!("valid until {} ms", grouped(until * 1_000)),
            _ => format!("renewed, until {} ms", grouped(until * 1_000)),
        };
        svg.text("halo", Anchor::End, (to - 12.0, y + 4.0), &said);
    }
    svg.close();
}

fn renewal(life: &Life) -> &Sent {
    life.sent.iter().find(|sent| sent.verb == Verb::Extend).unwrap()
}

fn follower(svg: &mut Svg, sheet: &Sheet, life: &Life) {
    svg.open("process", "B");
    svg.text("name", Anchor::Start, (8.0, FOLLOWER + 12.0), "process B");
    let asked = sheet.at(came(life));
    let (from, to) = (sheet.at(life.granted[1]), sheet.at(END));
    svg.path("waits", &format!("M{asked:.1} {:.1}H{from:.1}", FOLLOWER + BAR / 2.0), "");
    let middle = (asked + from) / 2.0;
    svg.text("halo", Anchor::Middle, (middle, FOLLOWER + 12.0), "B waits");
    svg.rect("hold c1", (from, FOLLOWER), (to - from, BAR), "");
    svg.text("strong", Anchor::Start, (from + 8.0, FOLLOWER + 12.0), "B holds the lock");
    svg.close();
}

/// When the second process came.
fn came(life: &Life) -> u64 {
    life.sent.iter().find(|sent| sent.process == 1).unwrap().at
}

fn captions(svg: &mut Svg, sheet: &Sheet, life: &Life) -> (f64, f64) {
    let [granted, next] = life.granted;
    let (came, until) = (came(life), life.deadlines[0].1);
    let answers = |process| {
        let asked = life.sent.iter().filter(|sent| sent.verb == Verb::Acquire);
        let back = |sent: &&Sent| {
            let back = sent.delay.map(|delay| sent.at + delay * 2);
            sent.process == process && back.is_some_and(|back| back <= life.granted[process])
        };
        // Of the last attempt, which is the one that has it.
        let first = asked.clone().filter(|sent| sent.process == process).map(|sent| sent.at).max();
        asked.filter(back).filter(|sent| Some(sent.at) == first).count()
    };
    // Beside the lane of whom it is about.
    let (above, below) = (16.0, FOLLOWER + BAR + 14.0);
    let lines = [
        (0, above, format!("A asks all {NODES} nodes for the key, with a time to live of {TTL} ms. Node 5 is down.")),
        (
            granted,
            above,
            format!(
                "{} of {NODES} have given it: a majority. A holds the lock until {until} ms, counted from before its first request, \
                 less 1 % and 2 ms.",
                answers(0)
            ),
        ),
        (came, below, "B asks too. No majority is left for it, so it gives back what it got, and waits.".to_owned()),
        (renewal(life).at, above, "A renews at a third of its time, and a majority agrees: the deadline moves.".to_owned()),
        (life.released, above, "A releases on every node, wherever its requests went. A node that frees the key tells B.".to_owned()),
        (next, below, format!("{} of {NODES} have given it to B: the next holder, and never beside A.", answers(1))),
    ];
    let mut y = SCALE + 26.0;
    for (place, (at, beside, said)) in lines.iter().enumerate() {
        let number = place + 1;
        sheet.number(svg, number, (sheet.at(*at), *beside));
        y = caption(svg, number, y, said);
    }
    (sheet.width(), y)
}
