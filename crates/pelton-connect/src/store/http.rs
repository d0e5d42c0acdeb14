//! A server that takes records by HTTP POST, as a store.

use std::fmt;
use std::time::Duration;

use ureq::{Agent, Body, http::Response};

use super::{fatal, transient};
use crate::stream::{Delivery, Positions, Shape, Store, StoreError, StoreErrorKind};

/// The most bytes of an answer that a message repeats.
const ANSWER_BYTES_MAX: u64 = 300;

/// Where an [`HttpStore`] posts to, and how.
#[derive(Clone)]
pub struct HttpStoreOptions {
    /// The address: `https://host/path`, or `http://` for one that is near.
    pub url: String,
    /// What the server is shown: `Authorization: Bearer ...`. Nothing by default.
    pub bearer: Option<String>,
    /// Further headers, names and values. None by default.
    pub headers: Vec<(String, String)>,
    /// What the records are. `application/x-ndjson` by default.
    pub content_type: String,
    /// Compresses what is sent; needs the feature `compression`. False by default.
    pub gzip: bool,
    /// How long one request may take from its beginning to the end of its answer. 30 seconds by
    /// default.
    pub timeout: Duration,
}

impl HttpStoreOptions {
    /// The defaults, for `url`.
    #[must_use]
    pub fn new(url: impl Into<String>) -> Self {
        Self {
            url: url.into(),
            bearer: None,
            headers: Vec::new(),
            content_type: "application/x-ndjson".to_owned(),
            gzip: false,
            timeout: Duration::from_secs(30),
        }
    }
}

impl fmt::Debug for HttpStoreOptions {
    /// Leaves out what is secret.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HttpStoreOptions")
            .field("url", &self.url)
            .field("content_type", &self.content_type)
            .field("gzip", &self.gzip)
            .field("timeout", &self.timeout)
            .finish_non_exhaustive()
    }
}

/// Posts each put as one request.
///
/// # Guarantees
///
/// - A put is done when the server has answered with 2xx.
/// - Connections are kept and used again.
///
/// | answer | means |
/// |---|---|
/// | 2xx | done |
/// | 408, 425, 429, 5xx, none | try again; a `Retry-After` is in the message |
/// | 401, 403, 404, 3xx | nothing will be taken until somebody changes something |
/// | other 4xx | refused: these records will never be taken |
///
/// # Limits
///
/// - At least once: a request whose answer was lost is sent again. Positions are forgotten with the
///   process.
pub struct HttpStore {
    options: HttpStoreOptions,
    agent: Agent,
    positions: Positions,
}

impl HttpStore {
    /// A store that posts as `options` say. Nothing is sent before the first put.
    ///
    /// # Errors
    ///
    /// [`Fatal`](StoreErrorKind::Fatal), when the address is none, or compression is asked for and
    /// not built in.
    pub fn open(options: HttpStoreOptions) -> Result<Self, StoreError> {
        if !options.url.starts_with("http://") && !options.url.starts_with("https://") {
            return Err(fatal(
                &options.url,
                "expected an address of http:// or https://",
            ));
        }
        if options.gzip && cfg!(not(feature = "compression")) {
            return Err(fatal(&options.url, "gzip needs the feature `compression`"));
        }
        let config = Agent::config_builder()
            .timeout_global(Some(options.timeout))
            .http_status_as_error(false)
            .max_redirects(0)
            .user_agent("pelton");
        Ok(Self {
            agent: config.build().new_agent(),
            options,
            positions: Positions::new(),
        })
    }

    fn post(&self, body: &[u8]) -> Result<Response<Body>, StoreError> {
        let HttpStoreOptions { url, bearer, .. } = &self.options;
        let mut request = self.agent.post(url);
        request = request.header("content-type", &self.options.content_type);
        for (name, value) in &self.options.headers {
            request = request.header(name, value);
        }
        if let Some(token) = bearer {
            request = request.header("authorization", format!("Bearer {token}"));
        }
        let sent = match self.options.gzip {
            false => request.send(body),
            true => request
                .header("content-encoding", "gzip")
                .send(&packed(body)),
        };
        sent.map_err(|error| unsent(url, &error))
    }
}

#[cfg(feature = "compression")]
fn packed(body: &[u8]) -> Vec<u8> {
    use std::io::Write;
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    // Writing into memory cannot fail.
    let written = encoder.write_all(body);
    written.and_then(|()| encoder.finish()).unwrap_or_default()
}

#[cfg(not(feature = "compression"))]
fn packed(body: &[u8]) -> Vec<u8> {
    body.to_vec()
}

impl Store for HttpStore {
    fn shape(&self) -> Shape {
        Shape::Bytes
    }

    fn keeps_positions(&self) -> bool {
        false
    }

    fn positions(&mut self) -> Result<Positions, StoreError> {
        Ok(self.positions.clone())
    }

    fn put(&mut self, deliveries: &[Delivery], positions: &Positions) -> Result<(), StoreError> {
        let mut body = Vec::new();
        for delivery in deliveries {
            let Delivery::Bytes { bytes, .. } = delivery else {
                return Err(fatal(
                    &self.options.url,
                    "takes encoded records, was given columns",
                ));
            };
            body.extend_from_slice(bytes);
        }
        if !body.is_empty() {
            let mut response = self.post(&body)?;
            judge(&self.options.url, &mut response)?;
        }
        self.positions.extend(positions.clone());
        Ok(())
    }
}

impl fmt::Debug for HttpStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.options.fmt(f)
    }
}

/// What an answer means.
fn judge(url: &str, response: &mut Response<Body>) -> Result<(), StoreError> {
    let status = response.status();
    let kind = match status.as_u16() {
        200..=299 => {
            // Read to its end, the connection can be used again.
            let _ = answer(response);
            return Ok(());
        }
        408 | 425 | 429 | 500..=599 => StoreErrorKind::Transient,
        300..=399 | 401 | 403 | 404 => StoreErrorKind::Fatal,
        _ => StoreErrorKind::Refused,
    };
    let header = |name| {
        response
            .headers()
            .get(name)
            .and_then(|value| value.to_str().ok())
    };
    let wait = header("retry-after").map(|wait| format!("; asks to be tried again after {wait}"));
    let elsewhere = header("location").map(|to| format!("; name {to} instead"));
    let hints = [wait, elsewhere].into_iter().flatten().collect::<String>();
    let said = answer(response);
    let colon = if said.is_empty() { "" } else { ": " };
    Err(StoreError::new(
        kind,
        format!("{url}: answered {status}{colon}{said}{hints}"),
    ))
}

/// The beginning of what the server said, on one line.
fn answer(response: &mut Response<Body>) -> String {
    let body = response
        .body_mut()
        .with_config()
        .limit(ANSWER_BYTES_MAX)
        .lossy_utf8(true);
    let text = body.read_to_string().unwrap_or_default();
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// Why there is no answer.
fn unsent(url: &str, error: &ureq::Error) -> StoreError {
    match error {
        ureq::Error::BadUri(_) | ureq::Error::Http(_) | ureq::Error::RequireHttpsOnly(_) => {
            fatal(url, error)
        }
        _ => transient(url, error),
    }
}
