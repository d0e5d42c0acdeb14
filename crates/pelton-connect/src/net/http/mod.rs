//! Records in the bodies of requests: `POST /ingest`.
//!
//! A body is taken whole or not at all, and the answer comes when the engine took it: a full engine
//! is felt as a late answer.

mod body;
mod json;

use std::convert::Infallible;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use http_body_util::Full;
use hyper::body::{Bytes, Incoming};
use hyper::header::{ALLOW, AUTHORIZATION, CONTENT_ENCODING, CONTENT_TYPE, WWW_AUTHENTICATE};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{HeaderMap, Method, Request, Response, StatusCode};
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::io::{AsyncRead, AsyncWrite};

use super::ListenOptions;
use super::connection::End;
use super::feed::{Feed, READ_BYTES, Refused};
use super::server::{Guest, Serve};
use super::unfinished::Unfinished;
use crate::stream::{Intake, Peer};

use body::Coding;

/// A request's head comes within this time, and each further piece of its body.
const PATIENCE: Duration = Duration::from_secs(30);

/// Takes records from requests.
pub(super) struct Http {
    pub(super) options: ListenOptions,
    pub(super) intake: Arc<dyn Intake>,
}

/// What is wrong with a request.
pub(super) struct Problem {
    status: StatusCode,
    message: String,
}

impl Problem {
    pub(super) fn new(status: StatusCode, message: impl Into<String>) -> Self {
        let message = message.into();
        Self { status, message }
    }

    pub(super) fn bad(message: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, message)
    }
}

impl From<Refused> for Problem {
    fn from(refused: Refused) -> Self {
        let message = match refused {
            Refused::Gone => "the server is stopping; try again",
            Refused::Crowded => "too many bodies are on their way; try again",
        };
        Self::new(StatusCode::SERVICE_UNAVAILABLE, message)
    }
}

impl<W: AsyncRead + AsyncWrite + Unpin + Send + 'static> Serve<W> for Http {
    async fn serve(&self, guest: Guest<W>) -> End {
        let Guest {
            wire,
            peer,
            unfinished,
            stop,
        } = guest;
        let service = service_fn(|request| self.answer(request, peer.clone(), unfinished.part()));
        let mut http = http1::Builder::new();
        http.timer(TokioTimer::new()).header_read_timeout(PATIENCE);
        let mut connection = pin!(http.serve_connection(TokioIo::new(wire), service));
        let served = tokio::select! {
            served = connection.as_mut() => served,
            () = stop.stopped() => {
                connection.as_mut().graceful_shutdown();
                connection.await
            }
        };
        served.map_or(End::Failed, |()| End::Finished)
    }
}

impl Http {
    async fn answer(
        &self,
        request: Request<Incoming>,
        peer: Peer,
        unfinished: Unfinished,
    ) -> Result<Response<Full<Bytes>>, Infallible> {
        let answer = match self.ingest(request, peer, unfinished).await {
            Ok(records) => respond(StatusCode::OK, format!("{{\"records\":{records}}}\n")),
            Err(Problem { status, message }) => {
                self.options.metrics.refused.add(1);
                respond(status, format!("{{\"error\":\"{message}\"}}\n"))
            }
        };
        Ok(answer)
    }

    /// Takes a request's records: how many.
    async fn ingest(
        &self,
        request: Request<Incoming>,
        peer: Peer,
        mut unfinished: Unfinished,
    ) -> Result<u64, Problem> {
        let (head, body) = request.into_parts();
        if head.uri.path() != "/ingest" {
            return Err(Problem::new(
                StatusCode::NOT_FOUND,
                "records go to POST /ingest",
            ));
        }
        if head.method != Method::POST {
            let message = "records are sent with POST";
            return Err(Problem::new(StatusCode::METHOD_NOT_ALLOWED, message));
        }
        self.check_token(&head.headers)?;
        let is_json = self.check_type(&head.headers)?;
        let coding = Coding::of(text(&head.headers, CONTENT_ENCODING))?;
        let most = self.options.limits.body_bytes_max;
        let bytes = body::read(body, most, &mut unfinished).await?;
        let bytes = coding.decode(bytes, most).await?;
        let bytes = match is_json {
            true => json::to_lines(&bytes)
                .map_err(|byte| Problem::bad(format!("no JSON at byte {byte} of the body")))?,
            false => bytes,
        };
        self.feed(&bytes, peer, unfinished).await
    }

    async fn feed(&self, bytes: &[u8], peer: Peer, unfinished: Unfinished) -> Result<u64, Problem> {
        let part = unfinished.part();
        let mut feed = Feed::new(&self.options, self.intake.clone(), peer, part);
        for piece in bytes.chunks(READ_BYTES / 2) {
            let mut buffer = feed.room().await.map_err(Refused::from)?;
            buffer.spare_mut()[..piece.len()].copy_from_slice(piece);
            buffer.advance(piece.len());
            feed.push(buffer).await?;
        }
        feed.finish().await?;
        let ended = bytes.iter().filter(|&&byte| byte == b'\n').count() as u64;
        let open = bytes.last().is_some_and(|&byte| byte != b'\n');
        Ok(ended + u64::from(open))
    }

    fn check_token(&self, headers: &HeaderMap) -> Result<(), Problem> {
        let Some(token) = &self.options.token else {
            return Ok(());
        };
        match token.admits(text(headers, AUTHORIZATION)) {
            true => Ok(()),
            false => {
                let message = "expected Authorization: Bearer TOKEN, with the right token";
                Err(Problem::new(StatusCode::UNAUTHORIZED, message))
            }
        }
    }

    /// True for JSON that may stand on several lines.
    fn check_type(&self, headers: &HeaderMap) -> Result<bool, Problem> {
        let given = text(headers, CONTENT_TYPE);
        let media = given.split(';').next().unwrap_or_default().trim();
        let is_ndjson = self.options.format.name() == "ndjson";
        match media {
            "application/json" if is_ndjson => Ok(true),
            "application/x-ndjson" | "application/ndjson" | "application/jsonl" if is_ndjson => {
                Ok(false)
            }
            "text/csv" if self.options.format.name() == "csv" => Ok(false),
            "" | "text/plain" | "application/octet-stream" => Ok(false),
            // What curl says when nobody tells it.
            "application/x-www-form-urlencoded" => Ok(false),
            _ => {
                let format = self.options.format.name();
                let message = format!("expected records as {format}, found another Content-Type");
                Err(Problem::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, message))
            }
        }
    }
}

/// A header's value, empty where there is none.
fn text(headers: &HeaderMap, name: hyper::header::HeaderName) -> &str {
    let value = headers.get(name).and_then(|value| value.to_str().ok());
    value.unwrap_or_default()
}

fn respond(status: StatusCode, json: String) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::from(json));
    *response.status_mut() = status;
    let headers = response.headers_mut();
    let json = hyper::header::HeaderValue::from_static("application/json");
    headers.insert(CONTENT_TYPE, json);
    let more = match status {
        StatusCode::UNAUTHORIZED => Some((WWW_AUTHENTICATE, "Bearer")),
        StatusCode::METHOD_NOT_ALLOWED => Some((ALLOW, "POST")),
        _ => None,
    };
    if let Some((name, value)) = more {
        headers.insert(name, hyper::header::HeaderValue::from_static(value));
    }
    response
}
