//! What a format is. The next one is one more implementation of [`Format`], in a folder of its own.

use pelton_record::{Batch, Block, DataType, Origin, Schema};

use crate::Error;

/// Bounds that input cannot push past.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// The longest record, in bytes without its line end. Longer ones are refused.
    pub record_bytes_max: usize,
}

impl Default for Limits {
    /// Records of at most 1 MiB.
    fn default() -> Self {
        Self {
            record_bytes_max: 1 << 20,
        }
    }
}

/// What the beginning of an input says about the rest.
#[derive(Clone, Debug)]
pub struct Opened {
    /// All fields, with their names and the types that the sample suggests.
    pub schema: Schema,
    /// For each field, a type that most of its sampled values would read as, where some did not
    /// and the field is a string for that reason.
    pub doubtful: Vec<Option<DataType>>,
    /// Where the records begin: past a byte order mark and a header.
    pub data_start: usize,
}

/// How records of a kind look.
pub trait Format: Send + Sync {
    /// The name: `csv`, `ndjson`, `text`.
    fn name(&self) -> &'static str;

    /// True when fields are told apart by their positions, so that inputs read together must agree
    /// on them; false when records name their fields themselves.
    fn is_positional(&self) -> bool {
        true
    }

    /// True when names or types are told from a sample; false when they are always the same.
    fn is_inferred(&self) -> bool {
        true
    }

    /// Reads the beginning of an input: names and types of its fields. `complete` says that
    /// `sample` is the whole input.
    ///
    /// # Errors
    ///
    /// When the input cannot be of this format, or its header makes no sense.
    fn open(&self, sample: &[u8], complete: bool) -> Result<Opened, Error>;

    /// A framer for one input.
    fn framer(&self) -> Box<dyn Framer>;

    /// A decoder for one worker, which decodes the fields of `schema` whose indices are in
    /// `wanted`, ascending, as the types that `schema` gives them.
    fn decoder(&self, schema: &Schema, wanted: &[usize]) -> Box<dyn Decoder>;

    /// An encoder for one worker.
    fn encoder(&self) -> Box<dyn Encoder>;
}

/// Where to cut raw input.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cut {
    /// The first so many bytes, more than none, hold whole records.
    Records(usize),
    /// It takes more bytes to tell.
    More,
    /// The first record is longer than the limit: it must be skipped, up to the next newline.
    TooLarge,
}

/// Cuts raw input into blocks of whole records.
///
/// Runs in the reader, which is the one part of a run that is not parallel: it must be fast.
pub trait Framer: Send {
    /// Looks at `bytes`, which begin at a record's start; `complete` says that nothing follows.
    ///
    /// Answers [`Cut::More`] only for fewer bytes than twice the record limit, and never when the
    /// input is complete and not empty.
    fn cut(&mut self, bytes: &[u8], complete: bool) -> Cut;

    /// [`cut`](Self::cut), knowing that it answered [`Cut::More`] for the first `known` bytes: for
    /// streams, where a record may arrive in many pieces.
    ///
    /// The provided one looks at everything again; formats that end records with a byte need not.
    fn cut_grown(&mut self, bytes: &[u8], known: usize, complete: bool) -> Cut {
        let _ = known;
        self.cut(bytes, complete)
    }
}

/// Turns blocks of whole records into batches.
pub trait Decoder: Send {
    /// The columns of the batches: the wanted fields.
    fn schema(&self) -> &std::sync::Arc<Schema>;

    /// Decodes the records of `block`; what is wrong with one is in the batch's
    /// [`rejected`](Batch::rejected).
    fn decode(&mut self, block: Block, origin: Origin) -> Batch;
}

/// Writes batches as records.
pub trait Encoder: Send {
    /// Appends what stands before the first record.
    fn begin(&self, schema: &Schema, out: &mut Vec<u8>);

    /// Appends the rows of `batch`, all its columns.
    fn encode(&mut self, batch: &Batch, out: &mut Vec<u8>);

    /// Appends the rows of `batch`, each as the raw bytes of its record followed by the columns
    /// from index `first` on. Only for batches decoded from this very format.
    fn encode_raw(&mut self, batch: &Batch, first: usize, out: &mut Vec<u8>);
}
