//! Which record goes to which file.

use std::collections::BTreeMap;
use std::fmt::Write;

use pelton_format::Encoder;
use pelton_record::{Batch, Column, DataType};

use super::target::{Part, Target, escape};

/// The longest name of a file, in bytes, on the file systems of Linux.
const NAME_BYTES_MAX: usize = 255;

/// Encoded records, by the name of their file.
pub(super) type Encoded = BTreeMap<String, Vec<u8>>;

/// Encodes the rows of `batch` into the files that `target` gives them.
pub(super) fn encode(
    batch: &Batch,
    target: &Target,
    encoder: &mut dyn Encoder,
    out: &mut Encoded,
) -> Result<(), String> {
    if !target.is_partitioned() {
        encoder.encode(batch, out.entry(target.only_name()).or_default());
        return Ok(());
    }
    for (name, rows) in rows_by_name(batch, target)? {
        let columns = batch.columns().iter();
        let columns: Vec<Column> = columns.map(|column| column.take(&rows)).collect();
        let part = Batch::from_columns(batch.schema().clone(), columns);
        encoder.encode(&part, out.entry(name).or_default());
    }
    Ok(())
}

fn rows_by_name(batch: &Batch, target: &Target) -> Result<BTreeMap<String, Vec<u32>>, String> {
    let parts = bound(batch, target)?;
    let mut groups: BTreeMap<String, Vec<u32>> = BTreeMap::new();
    let mut name = String::new();
    for row in 0..batch.rows() {
        name.clear();
        for part in &parts {
            part.write(row, &mut name);
        }
        let number = u32::try_from(row).map_err(|_| "has too many rows in one batch")?;
        match groups.get_mut(&name) {
            Some(rows) => rows.push(number),
            None => {
                check_length(&name)?;
                groups.insert(name.clone(), vec![number]);
            }
        }
    }
    Ok(groups)
}

fn check_length(name: &str) -> Result<(), String> {
    match name.split('/').find(|part| part.len() > NAME_BYTES_MAX) {
        Some(part) => Err(format!(
            "the file's name `{}...` would have {} bytes, at most {NAME_BYTES_MAX} fit; partition \
             by something shorter",
            part.chars().take(40).collect::<String>(),
            part.len()
        )),
        None => Ok(()),
    }
}

/// A part of the path, with its column.
enum Bound<'a> {
    Text(&'a str),
    Column(&'a Column),
}

impl Bound<'_> {
    fn write(&self, row: usize, out: &mut String) {
        match self {
            Self::Text(text) => out.push_str(text),
            Self::Column(column) if column.is_null(row) => out.push_str("_null"),
            Self::Column(column) => {
                let mut text = String::new();
                // Writing into a string cannot fail.
                let _ = write!(text, "{}", column.value(row));
                escape(&text, out);
            }
        }
    }
}

fn bound<'a>(batch: &'a Batch, target: &'a Target) -> Result<Vec<Bound<'a>>, String> {
    let find = |part: &'a Part| match part {
        Part::Text(text) => Ok(Bound::Text(text)),
        Part::Column(name) => {
            let index = batch.schema().index_of(name);
            let index = index.ok_or_else(|| unknown(name, batch))?;
            let column = batch.column(index);
            match column.data_type() {
                DataType::Bytes | DataType::Float64 | DataType::Timestamp => Err(format!(
                    "column {name} is {}, which makes no file's name; derive a string or a whole \
                     number and name that",
                    column.data_type()
                )),
                _ => Ok(Bound::Column(column)),
            }
        }
    };
    target.parts().iter().map(find).collect()
}

fn unknown(name: &str, batch: &Batch) -> String {
    let hint = match batch.schema().nearest(name) {
        Some(near) => format!("did you mean `{{{near}}}`?"),
        None => format!("there are: {}", batch.schema()),
    };
    format!("no column is called {name}; {hint}")
}
