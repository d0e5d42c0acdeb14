//! What can be seen of a server from outside.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::Arc;

use http_body_util::Full;
use hyper::body::{Bytes, Incoming};
use hyper::header::CONTENT_TYPE;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Method, Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use serde_json::json;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

use super::spool::{Spool, SpoolStats};
use super::switch::Switch;
use crate::Error;
use crate::stream::Service;

/// Answers `/metrics`, `/health`, `/ready` and `/stats`.
pub(super) struct Admin {
    address: SocketAddr,
    task: JoinHandle<()>,
}

impl Admin {
    pub(super) async fn start(
        address: &str,
        switch: Arc<Switch>,
        spool: Option<Arc<Spool>>,
    ) -> Result<Self, Error> {
        let full = match address.strip_prefix(':') {
            Some(port) => format!("127.0.0.1:{port}"),
            None => address.to_owned(),
        };
        let refused = |error: std::io::Error| {
            Error::from(pelton_connect::Error::io(
                &format!("serve.admin {full}"),
                &error,
            ))
        };
        let listener = TcpListener::bind(&full).await.map_err(refused)?;
        let address = listener.local_addr().map_err(refused)?;
        let seen = Seen { switch, spool };
        let task = tokio::spawn(serve(listener, seen));
        Ok(Self { address, task })
    }

    pub(super) const fn address(&self) -> SocketAddr {
        self.address
    }
}

impl Drop for Admin {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// What is looked at.
#[derive(Clone)]
struct Seen {
    switch: Arc<Switch>,
    spool: Option<Arc<Spool>>,
}

impl Seen {
    /// How the spool stands, and its gauges are set; nothing without one.
    fn spool(&self) -> Option<SpoolStats> {
        self.spool.as_ref().map(|spool| spool.stats())
    }
}

async fn serve(listener: TcpListener, seen: Seen) {
    loop {
        let Ok((stream, _)) = listener.accept().await else {
            // Out of file descriptors, say: others close some.
            tokio::task::yield_now().await;
            continue;
        };
        let seen = seen.clone();
        tokio::spawn(async move {
            let answer = service_fn(|request| {
                let answer = answer(&request, &seen);
                async move { Ok::<_, Infallible>(answer) }
            });
            // Who goes away in the middle is nobody's fault.
            let _ = http1::Builder::new()
                .serve_connection(TokioIo::new(stream), answer)
                .await;
        });
    }
}

fn answer(request: &Request<Incoming>, seen: &Seen) -> Response<Full<Bytes>> {
    let switch = &*seen.switch;
    if request.method() != Method::GET && request.method() != Method::HEAD {
        return json_answer(
            StatusCode::METHOD_NOT_ALLOWED,
            &json!({"error": "only GET is answered here"}),
        );
    }
    match request.uri().path() {
        "/metrics" => text_answer(switch.with(|service| {
            let _ = seen.spool();
            service.refresh();
            service.registry().snapshot().prometheus()
        })),
        "/health" => health(switch),
        "/ready" => ready(switch),
        "/stats" => json_answer(
            StatusCode::OK,
            &json!({
                "version": env!("CARGO_PKG_VERSION"),
                "lanes": switch.with(Service::stats),
                "memory": switch.with(|service| json!({
                    "used_bytes": service.budget().used(),
                    "limit_bytes": service.budget().limit(),
                })),
                "spool": seen.spool(),
                "positions": switch.with(Service::positions),
            }),
        ),
        path => json_answer(
            StatusCode::NOT_FOUND,
            &json!({
                "error": format!("there is no {path}"),
                "paths": ["/metrics", "/health", "/ready", "/stats"],
            }),
        ),
    }
}

/// Well unless a sink is broken: then 503, and which.
fn health(switch: &Switch) -> Response<Full<Bytes>> {
    let lanes = switch.with(Service::stats);
    let broken: Vec<String> = lanes
        .into_iter()
        .filter(|lane| lane.broken)
        .map(|lane| lane.lane)
        .collect();
    let status = match broken.is_empty() {
        true => StatusCode::OK,
        false => StatusCode::SERVICE_UNAVAILABLE,
    };
    let healthy = broken.is_empty();
    json_answer(status, &json!({"healthy": healthy, "broken_sinks": broken}))
}

/// Ready while records are taken.
fn ready(switch: &Switch) -> Response<Full<Bytes>> {
    let ready = switch.is_ready();
    let status = match ready {
        true => StatusCode::OK,
        false => StatusCode::SERVICE_UNAVAILABLE,
    };
    json_answer(status, &json!({"ready": ready}))
}

fn json_answer(status: StatusCode, value: &serde_json::Value) -> Response<Full<Bytes>> {
    body(status, "application/json", format!("{value:#}\n"))
}

fn text_answer(text: String) -> Response<Full<Bytes>> {
    body(StatusCode::OK, "text/plain; version=0.0.4", text)
}

fn body(status: StatusCode, kind: &'static str, text: String) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(Bytes::from(text)));
    *response.status_mut() = status;
    let kind = hyper::header::HeaderValue::from_static(kind);
    response.headers_mut().insert(CONTENT_TYPE, kind);
    response
}
