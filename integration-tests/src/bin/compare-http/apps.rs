//! The same trivial route on both frameworks: bare, behind the layer, and with the lock written into the handler.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use redlock_core::route::LockPolicy;
use redlock_core::{LockErrorKind, LockOptions, Redlock, Renewal};

#[derive(Debug, Clone, Copy)]
pub(crate) enum Framework {
    Axum,
    Actix,
}

impl Framework {
    pub(crate) const ALL: [Self; 2] = [Self::Axum, Self::Actix];
}

/// How the route is locked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Way {
    Bare,
    Layer,
    ByHand,
    /// Behind the layer, with a handler that takes a millisecond and counts.
    Slow,
}

/// What the slow handlers did.
#[derive(Debug, Default, Clone)]
pub(crate) struct Work {
    pub(crate) begun: usize,
    pub(crate) finished: usize,
    pub(crate) overlaps: usize,
    inside: HashMap<u64, usize>,
}

#[derive(Clone)]
struct State {
    redlock: Redlock,
    work: Arc<Mutex<Work>>,
}

pub(crate) struct App {
    pub(crate) addr: SocketAddr,
    state: State,
}

/// Leaves, also when the handler is dropped.
struct Inside<'a>(&'a State, u64);

impl Drop for Inside<'_> {
    fn drop(&mut self) {
        *self.0.work.lock().unwrap().inside.get_mut(&self.1).unwrap() -= 1;
    }
}

impl State {
    async fn slow(&self, id: u64) -> &'static str {
        {
            let mut work = self.work.lock().unwrap();
            work.begun += 1;
            let inside = work.inside.entry(id).or_default();
            *inside += 1;
            work.overlaps += usize::from(*inside > 1);
        }
        let inside = Inside(self, id);
        tokio::time::sleep(Duration::from_millis(1)).await;
        self.work.lock().unwrap().finished += 1;
        drop(inside);
        "paid"
    }

    /// What a careful engineer would write into the handler.
    async fn by_hand(&self, id: u64) -> Result<&'static str, u16> {
        let options = LockOptions::new()
            .ttl(Duration::from_secs(10))
            .renewal(Renewal::Auto)
            .max_hold(Duration::from_secs(60));
        let guard = match self.redlock.try_lock_with(format!("order:{id}"), &options).await {
            Ok(guard) => guard,
            Err(error) if error.kind() == LockErrorKind::Contended => return Err(409),
            Err(_) => return Err(503),
        };
        let _ = guard.release().await;
        Ok("paid")
    }
}

impl App {
    pub(crate) async fn start(framework: Framework, way: Way, redlock: Redlock) -> Self {
        let state = State { redlock, work: Arc::default() };
        let addr = match framework {
            Framework::Axum => axum_app(way, state.clone()).await,
            Framework::Actix => actix_app(way, state.clone()).await,
        };
        Self { addr, state }
    }

    pub(crate) fn work(&self) -> Work {
        self.state.work.lock().unwrap().clone()
    }
}

async fn axum_app(way: Way, state: State) -> SocketAddr {
    use axum::Router;
    use axum::extract::{Path, State as Shared};
    use axum::http::StatusCode;
    use axum::routing::post;

    let by_hand = |Shared(state): Shared<State>, Path(id): Path<u64>| async move {
        state.by_hand(id).await.map_err(|status| StatusCode::from_u16(status).unwrap())
    };
    let bare = |Path(_): Path<u64>| async { "paid" };
    let slow =
        |Shared(state): Shared<State>, Path(id): Path<u64>| async move { state.slow(id).await };
    let lock =
        || redlock_tower::LockLayer::new(&state.redlock, "order:{id}", LockPolicy::new()).unwrap();
    let route = match way {
        Way::Bare => post(bare),
        Way::Layer => post(bare).layer(lock()),
        Way::ByHand => post(by_hand),
        Way::Slow => post(slow).layer(lock()),
    };
    let app: Router = Router::new().route("/orders/{id}/pay", route).with_state(state);
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let addr = listener.local_addr().unwrap();
    tokio::spawn(async move { axum::serve(listener, app).await });
    addr
}

async fn actix_app(way: Way, state: State) -> SocketAddr {
    use actix_web::http::StatusCode;
    use actix_web::web::{Data, Path, post};
    use actix_web::{App, HttpResponse, HttpServer};

    async fn by_hand(state: Data<State>, id: Path<u64>) -> HttpResponse {
        match state.by_hand(*id).await {
            Ok(paid) => HttpResponse::Ok().body(paid),
            Err(status) => HttpResponse::new(StatusCode::from_u16(status).unwrap()),
        }
    }
    async fn bare(_: Path<u64>) -> &'static str {
        "paid"
    }
    async fn slow(state: Data<State>, id: Path<u64>) -> &'static str {
        state.slow(*id).await
    }
    let lock = redlock_actix::LockMiddleware::new(&state.redlock, "order:{id}", LockPolicy::new())
        .unwrap();
    let (bound, addr) = tokio::sync::oneshot::channel();
    std::thread::spawn(move || {
        actix_web::rt::System::new().block_on(async move {
            let server = HttpServer::new(move || {
                let route = match way {
                    Way::Bare => post().to(bare),
                    Way::Layer => post().to(bare).wrap(lock.clone()),
                    Way::ByHand => post().to(by_hand),
                    Way::Slow => post().to(slow).wrap(lock.clone()),
                };
                App::new().app_data(Data::new(state.clone())).route("/orders/{id}/pay", route)
            });
            let server = server.workers(2).disable_signals().h1_allow_half_closed(false);
            let server = server.bind("127.0.0.1:0").unwrap();
            bound.send(server.addrs()[0]).unwrap();
            server.run().await
        })
    });
    addr.await.unwrap()
}
