//! What can be seen of a server from outside.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::Arc;

use http_body_util::Full;
use hyper::body::{Bytes, Incoming};
use hyper::header::{AUTHORIZATION, CONTENT_TYPE, HeaderValue, WWW_AUTHENTICATE};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Method, Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use pelton_connect::net::BearerToken;
use serde_json::json;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

use super::memory;
use super::spool::{Spool, SpoolStats};
use super::switch::Switch;
use crate::Error;
use crate::stream::Service;

/// Answers `/metrics`, `/health`, `/ready`, `/stats` and `/memory`, to who shows the token if there
/// is one.
pub(super) struct Admin {
    address: SocketAddr,
    task: JoinHandle<()>,
}

impl Admin {
    pub(super) async fn start(
        address: &str,
        token: Option<BearerToken>,
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
        if !address.ip().is_loopback() && token.is_none() {
            tracing::warn!(%address, "serve.admin answers other machines, without serve.token");
        }
        let answering = Answering {
            token,
            switch,
            spool,
        };
        let task = tokio::spawn(serve(listener, Arc::new(answering)));
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

/// What answers are made from.
struct Answering {
    token: Option<BearerToken>,
    switch: Arc<Switch>,
    spool: Option<Arc<Spool>>,
}

async fn serve(listener: TcpListener, answering: Arc<Answering>) {
    loop {
        let Ok((stream, _)) = listener.accept().await else {
            // Out of file descriptors, say: others close some.
            tokio::task::yield_now().await;
            continue;
        };
        let answering = answering.clone();
        tokio::spawn(async move {
            let answer = service_fn(|request| {
                let answer = answering.answer(&request);
                async move { Ok::<_, Infallible>(answer) }
            });
            // Who goes away in the middle is nobody's fault.
            let _ = http1::Builder::new()
                .serve_connection(TokioIo::new(stream), answer)
                .await;
        });
    }
}

impl Answering {
    fn answer(&self, request: &Request<Incoming>) -> Response<Full<Bytes>> {
        match self.admits(request) {
            true => answer(request, self),
            false => {
                let error = json!({"error": "expected Authorization: Bearer TOKEN, serve.token"});
                let mut refused = json_answer(StatusCode::UNAUTHORIZED, &error);
                let bearer = HeaderValue::from_static("Bearer");
                refused.headers_mut().insert(WWW_AUTHENTICATE, bearer);
                refused
            }
        }
    }

    /// How the spool stands, and its gauges are set; nothing without one.
    fn spool(&self) -> Option<SpoolStats> {
        self.spool.as_ref().map(|spool| spool.stats())
    }

    fn admits(&self, request: &Request<Incoming>) -> bool {
        let shown = request.headers().get(AUTHORIZATION);
        let shown = shown.and_then(|shown| shown.to_str().ok());
        let token = self.token.as_ref();
        token.is_none_or(|token| token.admits(shown.unwrap_or_default()))
    }
}

fn answer(request: &Request<Incoming>, answering: &Answering) -> Response<Full<Bytes>> {
    let switch = &*answering.switch;
    if request.method() != Method::GET && request.method() != Method::HEAD {
        return json_answer(
            StatusCode::METHOD_NOT_ALLOWED,
            &json!({"error": "only GET is answered here"}),
        );
    }
    match request.uri().path() {
        "/metrics" => text_answer(switch.with(|service| {
            let _ = answering.spool();
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
                "spool": answering.spool(),
                "positions": switch.with(Service::positions),
                "memory_sinks": switch.with(memory::stats),
            }),
        ),
        path => match path.strip_prefix("/memory") {
            Some(rest) if rest.is_empty() || rest.starts_with('/') => {
                memory::answer(rest, request.uri().query(), switch)
            }
            _ => json_answer(
                StatusCode::NOT_FOUND,
                &json!({
                    "error": format!("there is no {path}"),
                    "paths": ["/metrics", "/health", "/ready", "/stats", "/memory/LANE"],
                }),
            ),
        },
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

pub(super) fn json_answer(status: StatusCode, value: &serde_json::Value) -> Response<Full<Bytes>> {
    body(status, "application/json", format!("{value:#}\n"))
}

fn text_answer(text: String) -> Response<Full<Bytes>> {
    body(StatusCode::OK, "text/plain; version=0.0.4", text)
}

pub(super) fn body(
    status: StatusCode,
    kind: &'static str,
    content: impl Into<Bytes>,
) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(content.into()));
    *response.status_mut() = status;
    let kind = HeaderValue::from_static(kind);
    response.headers_mut().insert(CONTENT_TYPE, kind);
    response
}
