//! Pipeline stages and SQL expressions, evaluated a column at a time.
#![forbid(unsafe_code)]

mod aggregate;
mod dedup;
mod derive;
mod error;
mod expression;
mod filter;
mod fold;
mod query;
mod select;
mod sort;
mod stage;
mod text;
mod validate;

pub use aggregate::{Aggregate, Call, Function};
pub use dedup::Dedup;
pub use derive::Derive;
pub use error::{Error, ErrorKind, Position};
pub use expression::{AggregateCall, Bound, Evaluated, Expression, Failure, Tested};
pub use filter::Filter;
pub use fold::spill::Spill;
pub use fold::{Fold, FoldState};
pub use query::{Item, Order, Query};
pub use select::Select;
pub use sort::{Sort, SortKey};
pub use stage::{Dropped, Stage};
pub use text::{Text, Transform};
pub use validate::Validate;
