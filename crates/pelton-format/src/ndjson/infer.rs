//! Names and types from a sample of records.

use std::collections::HashMap;

use pelton_record::{DataType, Field, Schema};
use pelton_simd::number;

use crate::infer::{Evidence, Verdict};
use crate::json::{Fault, Kind, Reader};

/// Fields that are inferred at most. A file with more has keys that are data.
const FIELDS_MAX: usize = 4096;

/// The fields of a sample, in order of first appearance.
#[derive(Debug, Default)]
pub(super) struct Sample {
    fields: Vec<Sampled>,
    index: HashMap<String, usize>,
    /// The path at work.
    path: String,
}

/// What the values of one path have looked like.
#[derive(Debug)]
struct Sampled {
    path: String,
    numbers: Evidence,
    number_count: usize,
    bools: usize,
    strings: usize,
    /// Strings that read as instants.
    timestamps: usize,
    /// Arrays, and empty objects.
    nested: usize,
    /// Objects with members, which have paths of their own.
    objects: usize,
}

impl Sample {
    /// Looks at one record.
    ///
    /// # Errors
    ///
    /// Where it is not one JSON object.
    pub(super) fn add(&mut self, line: &[u8]) -> Result<(), Fault> {
        // A record that is broken at its end should leave no traces.
        Reader::new(line).record(&mut |_, reader| reader.value().map(drop))?;
        self.path.clear();
        Reader::new(line).record(&mut |key, reader| self.member(&key, reader))
    }

    fn member(&mut self, key: &[u8], reader: &mut Reader<'_>) -> Result<(), Fault> {
        let length = self.path.len();
        self.path.push_str(&String::from_utf8_lossy(key));
        let index = self.field();
        if reader.kind() == Some(Kind::Object) {
            self.path.push('.');
            let mut empty = true;
            reader.object(&mut |key, reader| {
                empty = false;
                self.member(&key, reader)
            })?;
            if let Some(field) = index.map(|index| &mut self.fields[index]) {
                *(if empty {
                    &mut field.nested
                } else {
                    &mut field.objects
                }) += 1;
            }
        } else {
            let (kind, range) = reader.value()?;
            if let Some(field) = index.map(|index| &mut self.fields[index]) {
                field.add(kind, &reader.text(kind, range));
            }
        }
        self.path.truncate(length);
        Ok(())
    }

    /// The place of the path, unless there are too many already.
    fn field(&mut self) -> Option<usize> {
        if let Some(&index) = self.index.get(&self.path) {
            return Some(index);
        }
        let index = self.fields.len();
        (index < FIELDS_MAX).then(|| {
            self.index.insert(self.path.clone(), index);
            self.fields.push(Sampled::new(self.path.clone()));
            index
        })
    }

    /// The schema, and the types that some values did not fit.
    ///
    /// A path that holds objects in some records and other values in others is one column of JSON
    /// text, and what is inside has none.
    pub(super) fn schema(&self) -> (Schema, Vec<Option<DataType>>) {
        let text = |field: &&Sampled| field.objects > 0 && field.is_value();
        let whole: Vec<String> = self
            .fields
            .iter()
            .filter(text)
            .map(|field| format!("{}.", field.path))
            .collect();
        let inside = |path: &str| whole.iter().any(|prefix| path.starts_with(prefix.as_str()));
        let (fields, doubtful) = self
            .fields
            .iter()
            .filter(|field| (field.objects == 0 || field.is_value()) && !inside(&field.path))
            .map(|field| {
                let Verdict {
                    data_type,
                    doubtful,
                } = field.verdict();
                let name = field.path.clone();
                (Field { name, data_type }, doubtful)
            })
            .unzip();
        (Schema::new(fields), doubtful)
    }
}

impl Sampled {
    fn new(path: String) -> Self {
        Self {
            path,
            numbers: Evidence::default(),
            number_count: 0,
            bools: 0,
            strings: 0,
            timestamps: 0,
            nested: 0,
            objects: 0,
        }
    }

    fn add(&mut self, kind: Kind, text: &[u8]) {
        match kind {
            Kind::Null => {}
            Kind::Bool => self.bools += 1,
            Kind::Number => {
                self.number_count += 1;
                self.numbers.add(text);
            }
            Kind::String => {
                self.strings += 1;
                self.timestamps += usize::from(number::parse_timestamp(text).is_some());
            }
            Kind::Array | Kind::Object => self.nested += 1,
        }
    }

    /// True when a value other than null and objects was seen. An empty object beside others is
    /// one of them.
    const fn is_value(&self) -> bool {
        self.values() > 0
    }

    const fn values(&self) -> usize {
        self.number_count + self.bools + self.strings + self.nested_values()
    }

    const fn nested_values(&self) -> usize {
        if self.objects > 0 { 0 } else { self.nested }
    }

    /// Values of one kind have that kind's type, of which a tenth may be misfits; a mix is text.
    fn verdict(&self) -> Verdict {
        let total = self.values() + self.objects;
        let (data_type, fit) = self.likely();
        let only = [self.number_count, self.bools, self.strings].contains(&total);
        let certain = only && fit > 0 && (total - fit) * 10 <= total;
        Verdict {
            data_type: if certain { data_type } else { DataType::String },
            doubtful: (!certain && fit > 0 && fit * 2 >= total).then_some(data_type),
        }
    }

    /// The type that the most values have, strings apart, and how many those are.
    fn likely(&self) -> (DataType, usize) {
        let numbers = (self.numbers.verdict().data_type, self.number_count);
        let candidates = [
            numbers,
            (DataType::Bool, self.bools),
            (DataType::Timestamp, self.timestamps),
        ];
        let most = candidates.into_iter().max_by_key(|(_, count)| *count);
        most.unwrap_or(numbers)
    }
}
