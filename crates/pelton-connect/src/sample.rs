//! What several inputs look like together.

use std::io::Read;

use pelton_format::{Cut, Format, Framer, Opened};
use pelton_record::Schema;

use crate::source::fill;
use crate::{Error, ErrorKind, Input};

/// Inputs that are looked into beside the first.
const INPUTS_MAX: usize = 8;
/// Bytes that are read of each.
const BYTES_EACH: usize = 64 << 10;

/// Some of the inputs that `wait`, spread evenly over those that can be opened twice.
pub(crate) fn choose(waiting: &[Input]) -> Vec<Input> {
    let filled: Vec<&Input> = waiting.iter().filter(|i| i.size() != Some(0)).collect();
    let chosen = filled.len().min(INPUTS_MAX);
    let spread = |index: usize| filled[index * filled.len() / chosen].again();
    (0..chosen).filter_map(spread).collect()
}

/// The beginnings of several inputs, one behind the other under the header of the first.
pub(crate) struct Sample<'a> {
    format: &'a dyn Format,
    framer: Box<dyn Framer>,
    bytes: Vec<u8>,
}

impl<'a> Sample<'a> {
    pub(crate) fn new(format: &'a dyn Format, header: Vec<u8>) -> Self {
        Self {
            framer: format.framer(),
            format,
            bytes: header,
        }
    }

    /// Adds the whole records of `bytes`.
    pub(crate) fn add(&mut self, bytes: &[u8], complete: bool) {
        self.end_line();
        if bytes.is_empty() {
            return;
        }
        if let Cut::Records(end) = self.framer.cut(bytes, complete) {
            self.bytes.extend_from_slice(&bytes[..end]);
        }
    }

    /// Adds the beginning of another input, and answers what that says on its own; nothing for one
    /// that is empty.
    pub(crate) fn read(
        &mut self,
        name: &str,
        mut reader: Box<dyn Read + Send>,
    ) -> Result<Option<Opened>, Error> {
        let mut bytes = vec![0; BYTES_EACH];
        let filled = fill(&mut *reader, &mut bytes).map_err(|error| Error::io(name, &error))?;
        if filled == 0 {
            return Ok(None);
        }
        let (bytes, complete) = (&bytes[..filled], filled < BYTES_EACH);
        let opened = self.format.open(bytes, complete);
        let opened = opened.map_err(|error| Error::new(ErrorKind::Format, name, error))?;
        self.add(&bytes[opened.data_start..], complete);
        Ok(Some(opened))
    }

    /// A last line may lack its end, which what comes behind it needs.
    fn end_line(&mut self) {
        if self.bytes.last().is_some_and(|&byte| byte != b'\n') {
            self.bytes.push(b'\n');
        }
    }

    pub(crate) fn bytes(&self) -> &[u8] {
        &self.bytes
    }
}

/// How the fields of another input differ from those `expected`, as a clause about that input.
pub(crate) fn difference(expected: &Schema, found: &Schema) -> Option<String> {
    let (expected, found) = (expected.fields(), found.fields());
    let pairs = expected.iter().zip(found).zip(1..);
    for ((expected, found), number) in pairs {
        if expected.name != found.name {
            return Some(format!(
                "its column {number} is `{}`, which is `{}`",
                found.name, expected.name
            ));
        }
    }
    if expected.len() != found.len() {
        return Some(format!(
            "it has {} columns, of which there are {}",
            found.len(),
            expected.len()
        ));
    }
    None
}
