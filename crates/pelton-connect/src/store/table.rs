//! What the stores that are tables have in common.

use pelton_record::{Batch, Schema};

use crate::stream::{Delivery, StoreError};

use super::fatal;

/// What becomes of a row whose key is in the table already.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Conflict {
    /// It takes the place of the one that is there.
    #[default]
    Upsert,
    /// It is dropped: the first stays.
    Ignore,
}

/// `name` as an identifier of SQL.
pub(super) fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

/// `table`, or `schema.table`, as identifiers of SQL.
pub(super) fn quoted_table(table: &str) -> String {
    let parts: Vec<String> = table.split('.').map(quoted).collect();
    parts.join(".")
}

/// The names of `schema`, or those in `names`, quoted, with commas.
pub(super) fn list<'a>(names: impl IntoIterator<Item = &'a str>) -> String {
    let names: Vec<String> = names.into_iter().map(quoted).collect();
    names.join(", ")
}

pub(super) fn names(schema: &Schema) -> impl Iterator<Item = &str> {
    schema.fields().iter().map(|field| field.name.as_str())
}

/// What stands behind an insert into a table with a key; nothing without one.
pub(super) fn on_conflict(schema: &Schema, key: &[String], conflict: Conflict) -> String {
    let others = names(schema).filter(|name| !key.iter().any(|part| part == name));
    let set: Vec<String> = others
        .map(|name| format!("{0} = excluded.{0}", quoted(name)))
        .collect();
    match conflict {
        _ if key.is_empty() => String::new(),
        Conflict::Upsert if !set.is_empty() => {
            let key = list(key.iter().map(String::as_str));
            format!(" ON CONFLICT ({key}) DO UPDATE SET {}", set.join(", "))
        }
        _ => format!(
            " ON CONFLICT ({}) DO NOTHING",
            list(key.iter().map(String::as_str))
        ),
    }
}

/// Sees to it that there are columns, and that the key is among them.
pub(super) fn check_key(place: &str, schema: &Schema, key: &[String]) -> Result<(), StoreError> {
    if schema.is_empty() {
        return Err(fatal(place, "there are no columns to put away"));
    }
    match key
        .iter()
        .find(|part| !names(schema).any(|name| name == *part))
    {
        Some(part) => {
            let hint = schema.nearest(part).map_or_else(
                || format!("the columns are: {schema}"),
                |near| format!("did you mean `{near}`?"),
            );
            Err(fatal(place, format!("key `{part}` is no column; {hint}")))
        }
        None => Ok(()),
    }
}

/// The batches of `deliveries`, which have the columns of `schema`.
pub(super) fn batches<'a>(
    place: &str,
    schema: &Schema,
    deliveries: &'a [Delivery],
) -> Result<Vec<&'a Batch>, StoreError> {
    let batch = |delivery: &'a Delivery| match delivery {
        Delivery::Rows(batch) if **batch.schema() == *schema => Ok(batch),
        Delivery::Rows(batch) => Err(fatal(
            place,
            format!("was opened for `{schema}`, and given `{}`", batch.schema()),
        )),
        Delivery::Bytes { .. } => Err(fatal(place, "takes columns, was given encoded records")),
    };
    deliveries.iter().map(batch).collect()
}
