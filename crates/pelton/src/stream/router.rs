//! Which lane a record goes to.

use pelton_connect::Content;
use pelton_connect::stream::Arrival;
use pelton_format::{Decoder, Encoder};
use pelton_record::{Batch, Bitmap, Origin};
use pelton_sync::{Mutex, PoisonError};

use crate::planner::Routes;

/// Sends each record to the first lane whose condition holds for it, or to the last.
///
/// What cannot be read goes to the last lane too, which refuses it like anything else.
pub(super) struct Router {
    routes: Routes,
    /// What listeners' tasks use in turn.
    tools: Mutex<Vec<Tools>>,
}

struct Tools {
    decoder: Box<dyn Decoder>,
    encoder: Box<dyn Encoder>,
}

impl std::fmt::Debug for Router {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Router")
            .field("conditions", &self.routes.conditions.len())
            .finish_non_exhaustive()
    }
}

impl Router {
    pub(super) fn new(routes: Routes) -> Self {
        let tools = Mutex::default();
        Self { routes, tools }
    }

    /// The records of `arrival` for each lane.
    pub(super) fn parts(&self, arrival: &Arrival) -> Vec<Vec<u8>> {
        let mut parts = vec![Vec::new(); self.routes.conditions.len() + 1];
        if arrival.content != Content::Records {
            parts[self.routes.conditions.len()].extend_from_slice(&arrival.block);
            return parts;
        }
        let mut tools = self.tools();
        let batch = tools
            .decoder
            .decode(arrival.block.clone(), Origin::default());
        self.split(batch, &mut *tools.encoder, &mut parts);
        self.tools
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .push(tools);
        parts
    }

    fn split(&self, mut batch: Batch, encoder: &mut dyn Encoder, parts: &mut [Vec<u8>]) {
        let columns = batch.schema().len();
        for (condition, part) in self.routes.conditions.iter().zip(&mut *parts) {
            let holds = condition.test(&batch).yes;
            let mut taken = batch.clone();
            taken.retain(&holds);
            encoder.encode_raw(&taken, columns, part);
            batch.retain(&Bitmap::from_fn(batch.rows(), |row| !holds.get(row)));
        }
        let Some(last) = parts.last_mut() else {
            return;
        };
        encoder.encode_raw(&batch, columns, last);
        for rejected in batch.rejected() {
            last.extend_from_slice(rejected.extent.of(batch.block().bytes()));
            last.push(b'\n');
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
