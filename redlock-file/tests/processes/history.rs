//! What the contenders wrote, and whether it may be true.

use std::collections::HashMap;

use crate::KEYS;

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Holding {
    hold: String,
    entered: u64,
    /// The lease's end; a holder that was killed has it until then.
    until: u64,
    exited: Option<u64>,
    fence: u64,
}

impl Holding {
    fn end(&self) -> u64 {
        self.exited.map_or(self.until, |exited| exited.min(self.until))
    }
}

#[derive(Debug, Default)]
pub(crate) struct History {
    /// By resource, in the order of entering.
    holdings: HashMap<&'static str, Vec<Holding>>,
}

impl History {
    /// Reads the lines. One that was cut short by a kill counts for nothing.
    pub(crate) fn parse(text: &str) -> Self {
        let mut holdings: HashMap<&str, Vec<Holding>> = HashMap::new();
        let (mut untils, mut exits) = (HashMap::new(), HashMap::new());
        for line in text.split_inclusive('\n').filter_map(|line| line.strip_suffix('\n')) {
            match line.split(' ').collect::<Vec<_>>()[..] {
                ["enter", hold, keys, entered, until, fence] => {
                    let number = |text: &str| text.parse::<u64>().unwrap();
                    let holding = Holding {
                        hold: hold.to_owned(),
                        entered: number(entered),
                        until: number(until),
                        exited: None,
                        fence: number(fence),
                    };
                    for key in KEYS.into_iter().filter(|key| keys.split('+').any(|k| k == *key)) {
                        holdings.entry(key).or_default().push(holding.clone());
                    }
                }
                ["until", hold, until] => _ = untils.insert(hold, until.parse::<u64>().unwrap()),
                ["exit", hold, at] => _ = exits.insert(hold, at.parse::<u64>().unwrap()),
                _ => panic!("no line of ours: {line}"),
            }
        }
        for all in holdings.values_mut() {
            all.sort_by_key(|holding| holding.entered);
            for holding in all {
                let until = untils.get(&*holding.hold).copied().unwrap_or(0);
                holding.until = holding.until.max(until);
                holding.exited = exits.get(&*holding.hold).copied();
            }
        }
        Self { holdings }
    }

    pub(crate) fn len(&self) -> usize {
        self.holdings.values().map(Vec::len).sum()
    }

    /// Holders that were killed while they had a lock.
    pub(crate) fn killed(&self) -> usize {
        self.holdings.values().flatten().filter(|holding| holding.exited.is_none()).count()
    }

    /// Two holders at a time, and fences that do not rise.
    pub(crate) fn violations(&self) -> Vec<String> {
        let mut violations = Vec::new();
        for (key, all) in &self.holdings {
            let mut last: Option<&Holding> = None;
            for holding in all {
                if let Some(last) = last.filter(|last| last.end() > holding.entered) {
                    violations.push(format!("two holders of {key}: {last:?} and {holding:?}"));
                }
                if last.is_none_or(|last| last.end() <= holding.end()) {
                    last = Some(holding);
                }
            }
            for pair in all.windows(2).filter(|pair| pair[0].fence >= pair[1].fence) {
                violations.push(format!("fences of {key} do not rise: {pair:?}"));
            }
        }
        violations
    }
}

#[test]
fn the_checker_sees_what_must_not_be() {
    let violations = |text| History::parse(text).violations().len();
    let after = "enter 1.0 a+b 10 100 5\nexit 1.0 20\nenter 2.0 b 20 100 6\nexit 2.0 30\n";
    assert_eq!(violations(after), 0);
    assert_eq!(violations("enter 1.0 a 10 100 5\nexit 1.0 20\nenter 2.0 a 19 100 6\n"), 1);
    // Killed: it has the lock to its end.
    assert_eq!(violations("enter 1.0 a 10 100 5\nenter 2.0 a 99 200 6\n"), 1);
    assert_eq!(violations("enter 1.0 a 10 100 5\nenter 2.0 a 100 200 6\nenter 3.0 a 2"), 0);
    assert_eq!(violations("enter 1.0 a 10 50 5\nuntil 1.0 100\nenter 2.0 a 99 200 6\n"), 1);
    assert_eq!(violations("enter 1.0 a 10 50 5\nenter 2.0 a 60 90 5\n"), 1);
    assert_eq!(History::parse(after).len(), 3);
    assert_eq!(History::parse("enter 1.0 a 10 100 5\n").killed(), 1);
}
