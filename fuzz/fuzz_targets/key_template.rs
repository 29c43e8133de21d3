//! Two requests share a key exactly if all the parts that the template asks for are equal, whatever the template.
//!
//! Input: the template and four values for each of two requests, one a line.

#![no_main]

use std::borrow::Cow;
use std::cell::RefCell;
use std::collections::BTreeMap;

use libfuzzer_sys::fuzz_target;
use redlock_core::LockKey;
use redlock_core::route::middleware::{Header, RouteContext};
use redlock_core::route::{KeyError, KeyTemplate};

/// Has a value for every part that it is asked for, and remembers which these were.
struct Request<'a> {
    values: [&'a str; 4],
    asked: RefCell<BTreeMap<String, &'a str>>,
}

impl<'a> Request<'a> {
    fn part(&self, kind: &str, name: &str) -> &'a str {
        let sum = name.bytes().fold(0, |sum: usize, byte| sum.wrapping_add(byte.into()));
        let value = match kind {
            "method" => self.values[0],
            "route" => self.values[1],
            _ => self.values[sum % 4],
        };
        self.asked.borrow_mut().insert(format!("{kind} {name}"), value);
        value
    }
}

impl RouteContext for Request<'_> {
    fn method(&self) -> &str {
        self.part("method", "")
    }

    fn route(&self) -> Option<Cow<'_, str>> {
        Some(self.part("route", "").into())
    }

    fn param(&self, name: &str) -> Result<Option<Cow<'_, str>>, KeyError> {
        Ok(Some(self.part("param", name).into()))
    }

    fn header(&self, name: &str) -> Header<'_> {
        Header::Once(self.part("header", name).as_bytes())
    }
}

fuzz_target!(|input: &str| {
    let mut lines = input.split('\n');
    let template = lines.next().unwrap_or_default();
    let Ok(template) = KeyTemplate::parse(template) else { return };
    assert_eq!(KeyTemplate::parse(&template.to_string()), Ok(template.clone()));
    let mut request = || {
        let values = [(); 4].map(|()| lines.next().unwrap_or_default());
        let request = Request { values, asked: RefCell::default() };
        let key: Option<LockKey> = template.key_of(&request).ok();
        key.map(|key| (key, request.asked.into_inner()))
    };
    if let (Some((one, its)), Some((other, others))) = (request(), request()) {
        assert_eq!(one == other, its == others, "{one} and {other} of {its:?} and {others:?}");
    }
});
