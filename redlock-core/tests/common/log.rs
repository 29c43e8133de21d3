//! Spans and events, as they were told.
#![allow(dead_code)]

use std::collections::BTreeMap;
use std::fmt::Debug;
use std::sync::{Arc, LazyLock, Mutex};

use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::subscriber::DefaultGuard;
use tracing::{Dispatch, Event, Level, Subscriber};
use tracing_subscriber::layer::{Context, Layer, SubscriberExt};
use tracing_subscriber::registry::LookupSpan;

#[derive(Default, Debug, Clone)]
pub(crate) struct Fields(BTreeMap<&'static str, String>);

impl Visit for Fields {
    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        self.0.insert(field.name(), format!("{value:?}"));
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.0.insert(field.name(), value.to_owned());
    }
}

impl Fields {
    pub(crate) fn get(&self, name: &str) -> &str {
        self.0.get(name).map_or("", String::as_str)
    }
}

/// Notes spans when they close, and events.
#[derive(Clone, Default)]
pub(crate) struct Log {
    spans: Arc<Mutex<Vec<(&'static str, Fields)>>>,
    events: Arc<Mutex<Vec<(Level, Fields)>>>,
}

impl<S: Subscriber + for<'a> LookupSpan<'a>> Layer<S> for Log {
    fn on_new_span(&self, attributes: &Attributes<'_>, id: &Id, context: Context<'_, S>) {
        let mut fields = Fields::default();
        attributes.record(&mut fields);
        context.span(id).unwrap().extensions_mut().insert(fields);
    }

    fn on_record(&self, id: &Id, values: &Record<'_>, context: Context<'_, S>) {
        let span = context.span(id).unwrap();
        values.record(span.extensions_mut().get_mut::<Fields>().unwrap());
    }

    fn on_event(&self, event: &Event<'_>, _: Context<'_, S>) {
        let mut fields = Fields::default();
        event.record(&mut fields);
        fields.0.insert("target", event.metadata().target().to_owned());
        self.events.lock().unwrap().push((*event.metadata().level(), fields));
    }

    fn on_close(&self, id: Id, context: Context<'_, S>) {
        let span = context.span(&id).unwrap();
        let fields = span.extensions().get::<Fields>().unwrap().clone();
        self.spans.lock().unwrap().push((span.name(), fields));
    }
}

impl Log {
    pub(crate) fn set() -> (Self, DefaultGuard) {
        // With one subscriber alone an event that another test's thread comes to first, where there is none, is taken for one
        // that nobody wants, for all threads and for good.
        static ANOTHER: LazyLock<Dispatch> =
            LazyLock::new(|| Dispatch::new(tracing_subscriber::registry()));
        LazyLock::force(&ANOTHER);
        let log = Self::default();
        let subscriber = tracing_subscriber::registry().with(log.clone());
        (log, tracing::subscriber::set_default(subscriber))
    }

    /// The last span of a call.
    pub(crate) fn span(&self) -> Fields {
        let spans = self.spans.lock().unwrap();
        let (name, fields) = spans.last().unwrap();
        assert_eq!(*name, "redlock.acquire");
        fields.clone()
    }

    pub(crate) fn events(&self, level: Level) -> Vec<Fields> {
        let events = self.events.lock().unwrap();
        events.iter().filter(|(of, _)| *of == level).map(|(_, fields)| fields.clone()).collect()
    }

    pub(crate) fn warnings(&self) -> Vec<String> {
        self.events(Level::WARN).iter().map(|fields| fields.get("message").to_owned()).collect()
    }

    pub(crate) fn text(&self) -> String {
        format!("{:?}{:?}", self.spans.lock().unwrap(), self.events.lock().unwrap())
    }
}
