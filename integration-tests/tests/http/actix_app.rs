use std::future::{Ready, ready};
use std::sync::Arc;
use std::time::Duration;

use actix_web::body::MessageBody;
use actix_web::dev::{Payload, ServiceRequest, ServiceResponse};
use actix_web::error::{ErrorGatewayTimeout, ErrorUnprocessableEntity};
use actix_web::middleware::{Next, from_fn};
use actix_web::web::{self, Data, ServiceConfig};
use actix_web::{Error, FromRequest, HttpRequest, HttpResponse};
use redlock_actix::{LockMiddleware, Locked};
use redlock_core::Redlock;
use redlock_core::route::LockPolicy;

use crate::handler::{self, DOES, Reply};
use crate::probe::Probe;
use crate::site::IMPATIENCE;

/// The locks of all routes, made once for all workers.
#[derive(Clone)]
pub(crate) struct Locks {
    order: LockMiddleware,
    outer_order: LockMiddleware,
    invoice: LockMiddleware,
    tenant: LockMiddleware,
    thing: LockMiddleware,
    number: LockMiddleware,
    look: LockMiddleware,
}

impl Locks {
    pub(crate) fn new(redlock: &Redlock, policy: &LockPolicy) -> Self {
        let lock = |template| LockMiddleware::new(redlock, template, policy.clone()).unwrap();
        Self {
            order: lock("order:{id}"),
            outer_order: lock("order:{id}"),
            invoice: lock("invoice:{id}"),
            tenant: lock("tenant:{header:x-tenant}"),
            thing: lock("{method} {route}:{id}"),
            number: lock("number:{int:id}"),
            look: LockMiddleware::new(redlock, "look:{id}", policy.clone().all_methods()).unwrap(),
        }
    }

    pub(crate) fn configure(self, probe: Arc<Probe>) -> impl FnOnce(&mut ServiceConfig) {
        move |app| {
            let locked = |lock: &LockMiddleware| web::post().to(handle).wrap(lock.clone());
            let order = &self.order;
            let things = web::scope("/v1").route("/things/{id}", locked(&self.thing));
            app.app_data(Data::from(probe))
                .route("/orders/{id}", locked(order))
                .route("/routed/{id}", locked(order))
                .route("/tenants", locked(&self.tenant))
                .route("/numbers/{id}", locked(&self.number))
                .route("/looks/{id}", web::get().to(handle).wrap(self.look.clone()))
                .route("/looks/{id}", web::head().to(handle).wrap(self.look))
                .route("/strict/{id}", web::post().to(strict).wrap(order.clone()))
                .route("/impatient/{id}", locked(order).wrap(from_fn(impatient)))
                .service(web::resource("/twice/{id}").route(locked(order)).wrap(self.outer_order))
                .service(web::resource("/both/{id}").route(locked(order)).wrap(self.invoice))
                .service(web::scope("/api").service(things));
        }
    }
}

async fn handle(probe: Data<Probe>, locked: Option<Locked>, request: HttpRequest) -> HttpResponse {
    let does = request.headers().get(DOES).unwrap().to_str().unwrap();
    let lease = locked.map(|Locked(lease)| lease);
    match handler::handle(probe.into_inner(), request.path(), does, lease).await {
        Reply::Text(text) => HttpResponse::Ok().body(text),
        Reply::Empty => HttpResponse::Ok().finish(),
        Reply::Stream(pieces) => HttpResponse::Ok().streaming(pieces),
        Reply::Failure => HttpResponse::InternalServerError().finish(),
    }
}

/// An extractor that likes no request.
struct Refused;

impl FromRequest for Refused {
    type Error = Error;
    type Future = Ready<Result<Self, Error>>;

    fn from_request(_: &HttpRequest, _: &mut Payload) -> Self::Future {
        ready(Err(ErrorUnprocessableEntity("refused")))
    }
}

async fn strict(_: Refused) -> HttpResponse {
    HttpResponse::Ok().finish()
}

async fn impatient(
    request: ServiceRequest,
    next: Next<impl MessageBody>,
) -> Result<ServiceResponse<impl MessageBody>, Error> {
    let response = tokio::time::timeout(Duration::from_millis(IMPATIENCE), next.call(request));
    response.await.unwrap_or_else(|_| Err(ErrorGatewayTimeout("too slow")))
}
