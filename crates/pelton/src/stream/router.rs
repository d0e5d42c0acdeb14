//! Which lane a record goes to.

use pelton_connect::Content;
use pelton_connect::stream::Arrival;
use pelton_format::{Decoder, Encoder};
use pelton_pool::Level;
use pelton_record::{Batch, Bitmap, Origin};
use pelton_sync::{Mutex, PoisonError};

use crate::planner::{Route, Routes};

/// Sends each record to the first lane that takes it, or to the last.
///
/// What cannot be read goes to the last lane too, which refuses it like anything else.
pub(super) struct Router {
    routes: Routes,
    /// What listeners' tasks use in turn.
    tools: Mutex<Vec<Tools>>,
}

/// What one lane is given.
#[derive(Clone, Debug, Default)]
pub(super) struct Part {
    pub bytes: Vec<u8>,
    /// Records that it takes because memory is scarce.
    pub downgraded: u64,
}

struct Tools {
    decoder: Box<dyn Decoder>,
    encoder: Box<dyn Encoder>,
}

impl std::fmt::Debug for Router {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Router")
            .field("routes", &self.routes.routes.len())
            .finish_non_exhaustive()
    }
}

impl Router {
    pub(super) fn new(routes: Routes) -> Self {
        let tools = Mutex::default();
        Self { routes, tools }
    }

    /// The records of `arrival` for each lane, at this level of memory.
    pub(super) fn parts(&self, arrival: &Arrival, level: Level) -> Vec<Part> {
        let routes = &self.routes.routes;
        let mut parts = vec![Part::default(); routes.len() + 1];
        let open = |route: &Route| route.under.is_none_or(|under| level >= under);
        if arrival.content != Content::Records || !routes.iter().any(open) {
            parts[routes.len()].bytes.extend_from_slice(&arrival.block);
            return parts;
        }
        let mut tools = self.tools();
        let batch = tools
            .decoder
            .decode(arrival.block.clone(), Origin::default());
        self.split(batch, &mut *tools.encoder, &open, &mut parts);
        self.tools
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .push(tools);
        parts
    }

    fn split(
        &self,
        mut batch: Batch,
        encoder: &mut dyn Encoder,
        open: &dyn Fn(&Route) -> bool,
        parts: &mut [Part],
    ) {
        let columns = batch.schema().len();
        for (route, part) in self.routes.routes.iter().zip(&mut *parts) {
            if !open(route) {
                continue;
            }
            let takes = match &route.when {
                Some(when) => when.test(&batch).yes,
                None => Bitmap::new(batch.rows(), true),
            };
            let mut taken = batch.clone();
            taken.retain(&takes);
            encoder.encode_raw(&taken, columns, &mut part.bytes);
            if route.under.is_some() {
                part.downgraded = taken.rows() as u64;
            }
            batch.retain(&Bitmap::from_fn(batch.rows(), |row| !takes.get(row)));
        }
        let Some(last) = parts.last_mut() else {
            return;
        };
        encoder.encode_raw(&batch, columns, &mut last.bytes);
        for rejected in batch.rejected() {
            last.bytes
                .extend_from_slice(rejected.extent.of(batch.block().bytes()));
            last.bytes.push(b'\n');
        }
    }

    fn tools(&self) -> Tools {
        let spare = self
            .tools
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .pop();
        spare.unwrap_or_else(|| Tools {
            decoder: self
                .routes
                .format
                .decoder(&self.routes.schema, &self.routes.wanted),
            encoder: self.routes.format.encoder(),
        })
    }
}
