//! What the stage `parse` is told.

use serde::{Deserialize, Serialize};

use super::{Expressions, FormatName, is_default};

/// How a column of text is taken apart into columns.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ParsePlan {
    /// The column.
    pub column: String,
    /// What each of its values is one record of: `ndjson`, `csv`, `tsv` or `log`.
    pub format: FormatName,
    /// The columns that are made, with their types, `{ user_id = "int64" }`: for NDJSON the paths
    /// that are wanted, for CSV all fields in order, for logs the wanted ones, all of the pattern
    /// unless given.
    #[serde(default, skip_serializing_if = "is_default")]
    pub schema: Expressions,
    /// Logs: what [`SourcePlan::pattern`](super::SourcePlan::pattern) is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pattern: Option<String>,
    /// CSV: what stands between two fields, one byte. A comma unless given, a tab for TSV.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub delimiter: Option<char>,
    /// What the names of the new columns begin with; nothing unless given.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub prefix: String,
    /// What becomes of a record whose text cannot be read.
    #[serde(default, skip_serializing_if = "is_default")]
    pub on_bad: OnBad,
}

/// What becomes of a record whose text cannot be read by the stage `parse`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OnBad {
    /// It is refused.
    #[default]
    Reject,
    /// Its new columns are all null.
    Null,
}
