use std::net::SocketAddr;
use std::sync::Arc;
use std::thread;

use actix_web::dev::ServerHandle;
use actix_web::{App, HttpServer};
use redlock_core::Redlock;
use redlock_core::route::LockPolicy;
use tokio::net::TcpListener;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

use crate::actix_app::Locks;
use crate::axum_app::router;
use crate::backend::{Backend, patiently};
use crate::client::{Answer, Client, Request};
use crate::probe::Probe;

/// Milliseconds after which the route `/impatient` gives up.
pub(crate) const IMPATIENCE: u64 = 3_000;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Stack {
    Axum,
    /// As it comes: a client that closes its side is taken to wait for the answer.
    Actix,
    /// With `h1_allow_half_closed(false)`.
    ActixNoticing,
}

/// An application that listens.
pub(crate) struct Site {
    pub(crate) addr: SocketAddr,
    pub(crate) probe: Arc<Probe>,
    pub(crate) redlock: Redlock,
    server: Server,
}

enum Server {
    Axum { stop: Option<oneshot::Sender<()>>, served: JoinHandle<()> },
    Actix { handle: ServerHandle, served: Option<thread::JoinHandle<()>> },
}

impl Site {
    pub(crate) async fn start(stack: Stack, backend: &Backend, policy: LockPolicy) -> Self {
        Self::with_probe(stack, backend, policy, Probe::new()).await
    }

    /// One of several that share a probe; the handle is its own.
    pub(crate) async fn with_probe(
        stack: Stack,
        backend: &Backend,
        policy: LockPolicy,
        probe: Arc<Probe>,
    ) -> Self {
        let redlock = backend.redlock();
        let (addr, server) = match stack {
            Stack::Axum => axum(&redlock, &policy, Arc::clone(&probe)).await,
            Stack::Actix => actix(&redlock, &policy, Arc::clone(&probe), true).await,
            Stack::ActixNoticing => actix(&redlock, &policy, Arc::clone(&probe), false).await,
        };
        Self { addr, probe, redlock, server }
    }

    pub(crate) async fn connect(&self) -> Client {
        Client::connect(self.addr).await
    }

    /// Sends one request on a connection of its own.
    pub(crate) async fn send(&self, request: Request) -> Answer {
        self.connect().await.ask(request).await.unwrap()
    }

    /// The same, to be awaited later.
    pub(crate) fn sending(&self, request: Request) -> JoinHandle<Answer> {
        let addr = self.addr;
        tokio::spawn(async move { Client::connect(addr).await.ask(request).await.unwrap() })
    }

    /// Tells the server to stop, which lets the requests in flight finish.
    pub(crate) fn begin_to_stop(&mut self) {
        match &mut self.server {
            Server::Axum { stop, .. } => drop(stop.take()),
            // It is on its way before the future is polled.
            Server::Actix { handle, .. } => drop(handle.stop(true)),
        }
    }

    pub(crate) async fn until_stopped(&mut self) {
        let stopped = async {
            match &mut self.server {
                Server::Axum { served, .. } => served.await.unwrap(),
                Server::Actix { served, .. } => {
                    let served = served.take().unwrap();
                    tokio::task::spawn_blocking(|| served.join().unwrap()).await.unwrap();
                }
            }
        };
        patiently("the server stops", stopped).await;
    }
}

impl Drop for Site {
    fn drop(&mut self) {
        if let Server::Actix { handle, .. } = &self.server {
            drop(handle.stop(false));
        }
    }
}

async fn axum(redlock: &Redlock, policy: &LockPolicy, probe: Arc<Probe>) -> (SocketAddr, Server) {
    let app = router(redlock, policy, probe);
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let addr = listener.local_addr().unwrap();
    let (stop, stopped) = oneshot::channel();
    let stopped = async { drop(stopped.await) };
    let served = tokio::spawn(async move {
        axum::serve(listener, app).with_graceful_shutdown(stopped).await.unwrap();
    });
    (addr, Server::Axum { stop: Some(stop), served })
}

async fn actix(
    redlock: &Redlock,
    policy: &LockPolicy,
    probe: Arc<Probe>,
    half_closed: bool,
) -> (SocketAddr, Server) {
    let locks = Locks::new(redlock, policy);
    let (started, start) = oneshot::channel();
    let serve = move || async move {
        let app = move || App::new().configure(locks.clone().configure(Arc::clone(&probe)));
        let server = HttpServer::new(app)
            .workers(2)
            .disable_signals()
            .h1_allow_half_closed(half_closed)
            .bind("127.0.0.1:0")
            .unwrap();
        let addr = server.addrs()[0];
        let server = server.run();
        started.send((addr, server.handle())).unwrap();
        server.await.unwrap();
    };
    let served = thread::spawn(|| actix_web::rt::System::new().block_on(serve()));
    let (addr, handle) = start.await.unwrap();
    (addr, Server::Actix { handle, served: Some(served) })
}
