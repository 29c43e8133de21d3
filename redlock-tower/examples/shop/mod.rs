//! What the axum and the actix-web example share: orders that are paid in two seconds, and the nodes to lock them on.

use std::collections::HashMap;
use std::error::Error;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use futures_util::Stream;
use metrics_exporter_prometheus::{Matcher, PrometheusBuilder, PrometheusHandle};
use redlock_config::Settings;
use redlock_core::route::HeldAs;
use redlock_core::{InMemoryNode, Lease, LockNode, Redlock};

/// As `println!`, but a service goes on where nobody reads what it says.
macro_rules! say {
    ($($text:tt)*) => {{
        use std::io::Write as _;
        let _ = writeln!(std::io::stdout(), $($text)*);
    }};
}
pub(crate) use say;

/// What `GET /metrics` answers. To be called before there are locks to count, within the runtime.
pub(crate) fn metrics() -> Result<PrometheusHandle, Box<dyn Error>> {
    let seconds = Matcher::Suffix("_seconds".to_owned());
    let prometheus = PrometheusBuilder::new()
        .set_buckets_for_metric(seconds, redlock_core::telemetry::SECONDS_BUCKETS)?
        .install_recorder()?;
    let upkeep = prometheus.clone();
    tokio::spawn(async move {
        loop {
            tokio::time::sleep(Duration::from_secs(5)).await;
            upkeep.run_upkeep();
        }
    });
    Ok(prometheus)
}

/// Over the nodes that the environment or `redlock.toml` names; where none is named, over five in the memory of this process,
/// which is what it says first then.
pub(crate) async fn redlock() -> Result<Redlock, Box<dyn Error>> {
    let settings = Settings::from_env()?;
    let builder = match settings.nodes() {
        [] => {
            say!(
                "no nodes are named: locks are in the memory of this process, and no other process sees them. With \
                 REDLOCK_NODES=redis://…,redis://… several processes share them, each on a PORT of its own"
            );
            let nodes = ["one", "two", "three", "four", "five"].map(InMemoryNode::new);
            settings.builder_over(nodes.map(|node| Arc::new(node) as Arc<dyn LockNode>))
        }
        nodes => {
            say!("locks are on {nodes:?}, through {}", settings.client());
            settings.builder().await?
        }
    };
    Ok(builder.ttl(settings.ttl().unwrap_or(Duration::from_secs(10))).build()?)
}

/// What `GET /ready` answers: whether this process can have locks now, the type of the text, and the text. Whoever asks is
/// told numbers alone; which node fails and why is printed here.
pub(crate) async fn ready(redlock: &Redlock) -> (bool, &'static str, String) {
    let detail = match redlock.probe().await {
        Ok(probe) if probe.is_ready() => {
            return (true, "text/plain", format!("ready: {}\n", probe.summary()));
        }
        Ok(probe) => {
            say!("{probe}");
            probe.summary()
        }
        Err(error) => {
            say!("not ready: {error}");
            "this process is stopping".to_owned()
        }
    };
    let problem = format!(
        r#"{{"type":"about:blank","title":"Service Unavailable","status":503,"detail":"{detail}","reason":"not_ready"}}"#
    );
    (false, "application/problem+json", problem)
}

/// The log, on standard error: outages of the nodes among what is said.
pub(crate) fn log() {
    tracing_subscriber::fmt().with_writer(std::io::stderr).init();
}

/// Why the port cannot be had.
pub(crate) fn cannot_listen(port: u16, error: &std::io::Error) -> String {
    format!("cannot listen on port {port}: {error}; PORT chooses another one")
}

/// `PORT`, or 3000.
pub(crate) fn port() -> Result<u16, Box<dyn Error>> {
    match std::env::var("PORT") {
        Ok(port) => {
            port.parse().map_err(|_| format!("PORT is a port's number, not `{port}`").into())
        }
        Err(_) => Ok(3000),
    }
}

/// The curl lines to try.
pub(crate) fn welcome(framework: &str, at: std::net::SocketAddr) {
    say!(
        "\
orders over {framework} on http://{at}

  pay, which takes two seconds, and again from another terminal:
    curl -i -X POST http://{at}/orders/42/pay
  wait for the lock of the same order, up to five seconds, instead of being refused:
    curl -i -X POST http://{at}/orders/42/refund
  its invoice, which takes two seconds, beside other invoices and never beside a payment or a refund:
    curl -i http://{at}/orders/42/invoice
  look, without a lock:
    curl -i http://{at}/orders/42
  whether it could take locks now, for a load balancer:
    curl -i http://{at}/ready
  metrics of the locks, for Prometheus:
    curl http://{at}/metrics
  all orders of a tenant at once, which takes two seconds; two of them at a time, and the third gets 429:
    curl -i -X POST http://{at}/tenants/acme/exports
  one export of an order at a time, locked until its last line:
    curl -i -N http://{at}/orders/42/export
"
    );
}

/// What a service that stops may say of its locks.
pub(crate) fn farewell(finished: bool) -> &'static str {
    match finished {
        true => "stopped; all locks are released",
        false => "stopped; some requests did not finish, and their locks expire",
    }
}

/// The orders.
#[derive(Clone, Default)]
pub(crate) struct Shop(Arc<Mutex<HashMap<u64, Order>>>);

#[derive(Default, Clone, Copy)]
struct Order {
    cents: i64,
    busy: u32,
    readers: u32,
    overlaps: u32,
}

impl Shop {
    fn with<T>(&self, id: u64, what: impl FnOnce(&mut Order) -> T) -> T {
        what(self.0.lock().unwrap_or_else(PoisonError::into_inner).entry(id).or_default())
    }

    /// Books an amount, as slowly as a payment provider.
    pub(crate) async fn book(
        &self,
        id: u64,
        what: &'static str,
        cents: i64,
        lease: &Lease,
    ) -> String {
        say!("order {id}: {what} begins, held for {:.1?} more unless renewed", lease.remaining());
        let _busy = Busy::begin(self.clone(), id, what, false);
        // Read, wait, write: without a lock another request would come in between.
        let before = self.with(id, |order| order.cents);
        tokio::time::sleep(Duration::from_secs(2)).await;
        self.with(id, |order| order.cents = before + cents);
        say!("order {id}: {what} is done");
        format!("order {id}: {what} done, {} cents booked\n", before + cents)
    }

    /// What is booked, and once more when it is printed: nobody books in between.
    pub(crate) async fn invoice(&self, id: u64) -> String {
        say!("order {id}: an invoice begins");
        let _busy = Busy::begin(self.clone(), id, "an invoice", true);
        let before = self.with(id, |order| order.cents);
        tokio::time::sleep(Duration::from_secs(2)).await;
        let Order { cents, .. } = self.with(id, |order| *order);
        format!("order {id}: invoice over {before} cents, and {cents} when it was printed\n")
    }

    /// The order as it is now.
    pub(crate) fn show(&self, id: u64) -> String {
        let Order { cents, busy, readers, overlaps } = self.with(id, |order| *order);
        format!(
            "order {id}: {cents} cents booked, {busy} at work on it and {readers} reading, {overlaps} overlaps ever\n"
        )
    }

    /// All of a tenant's, at one of so many desks at which that can be done at a time.
    pub(crate) async fn export_all(&self, tenant: &str, held: HeldAs) -> String {
        let HeldAs::Permit { slot } = held else { return "not at a desk\n".to_owned() };
        say!("tenant {tenant}: an export begins at desk {slot}");
        tokio::time::sleep(Duration::from_secs(2)).await;
        format!("tenant {tenant}: exported at desk {slot}\n")
    }

    /// Five lines in two seconds.
    pub(crate) fn export(
        &self,
        id: u64,
    ) -> impl Stream<Item = Result<String, std::io::Error>> + use<> {
        futures_util::stream::unfold(1, move |line| async move {
            if line > 5 {
                return None;
            }
            tokio::time::sleep(Duration::from_millis(400)).await;
            Some((Ok(format!("order {id}, line {line} of 5\n")), line + 1))
        })
    }
}

/// Work on an order, until it is dropped.
struct Busy {
    shop: Shop,
    id: u64,
    what: &'static str,
    reads: bool,
}

impl Busy {
    fn begin(shop: Shop, id: u64, what: &'static str, reads: bool) -> Self {
        shop.with(id, |order| {
            *order.of(reads) += 1;
            let Order { busy, readers, .. } = *order;
            // Readers are beside one another, and nobody else beside anybody.
            order.overlaps += u32::from(busy > 1 || busy > 0 && readers > 0);
        });
        Self { shop, id, what, reads }
    }
}

impl Order {
    fn of(&mut self, reads: bool) -> &mut u32 {
        if reads { &mut self.readers } else { &mut self.busy }
    }
}

impl Drop for Busy {
    fn drop(&mut self) {
        self.shop.with(self.id, |order| *order.of(self.reads) -= 1);
        say!("order {}: {} ended", self.id, self.what);
    }
}
