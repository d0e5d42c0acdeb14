//! The column `file`: from which of many files a record came.
//!
//! It is there when an expression asks for it and the input has no column of that name; a pipeline
//! that does not name it pays nothing.

use std::sync::Arc;

use pelton_format::{Decoder, Encoder, Error, Format, Framer, Opened};
use pelton_record::{Batch, Block, Column, DataType, Field, Origin, Schema, Strings, Values, View};

/// The name of the column.
pub(super) const NAME: &str = "file";

/// The column as a field.
pub(super) fn field() -> Field {
    Field {
        name: NAME.to_owned(),
        data_type: DataType::String,
    }
}

/// A format with that column behind all others.
pub(super) struct WithFile {
    inner: Arc<dyn Format>,
    /// The names of the inputs, in order.
    names: Arc<[Block]>,
}

impl WithFile {
    pub(super) fn new<'a>(inner: Arc<dyn Format>, names: impl Iterator<Item = &'a str>) -> Self {
        Self {
            inner,
            names: names
                .map(|name| Block::new(name.to_owned().into_bytes()))
                .collect(),
        }
    }
}

impl Format for WithFile {
    fn name(&self) -> &'static str {
        self.inner.name()
    }

    fn is_positional(&self) -> bool {
        self.inner.is_positional()
    }

    fn open(&self, sample: &[u8], complete: bool) -> Result<Opened, Error> {
        self.inner.open(sample, complete)
    }

    fn framer(&self) -> Box<dyn Framer> {
        self.inner.framer()
    }

    fn decoder(&self, schema: &Schema, wanted: &[usize]) -> Box<dyn Decoder> {
        let last = schema.len() - 1;
        let fields = |indices: &[usize]| {
            let field = |&index: &usize| schema.fields()[index].clone();
            Arc::new(Schema::new(indices.iter().map(field).collect()))
        };
        let all: Vec<usize> = (0..last).collect();
        match wanted.split_last() {
            Some((&index, others)) if index == last => Box::new(FileDecoder {
                inner: self.inner.decoder(&fields(&all), others),
                schema: fields(wanted),
                names: self.names.clone(),
            }),
            _ => self.inner.decoder(&fields(&all), wanted),
        }
    }

    fn encoder(&self) -> Box<dyn Encoder> {
        self.inner.encoder()
    }
}

struct FileDecoder {
    inner: Box<dyn Decoder>,
    schema: Arc<Schema>,
    names: Arc<[Block]>,
}

impl Decoder for FileDecoder {
    fn schema(&self) -> &Arc<Schema> {
        &self.schema
    }

    fn decode(&mut self, block: Block, origin: Origin) -> Batch {
        let mut batch = self.inner.decode(block, origin);
        let name = self.names[origin.source as usize].clone();
        let view = View::between(0, name.len() as u32);
        let names = Strings::in_block(name, vec![view; batch.rows()]);
        let mut columns = batch.take_columns();
        columns.push(Column::new(Values::String(names), None));
        batch.set_columns(self.schema.clone(), columns);
        batch
    }
}
