//! Pipeline stages and SQL expressions, evaluated a column at a time.
#![forbid(unsafe_code)]

mod derive;
mod error;
mod expression;
mod filter;
mod fold;
mod query;
mod select;
mod stage;
mod text;
mod validate;

pub use derive::Derive;
pub use error::{Error, ErrorKind, Position};
pub use expression::{AggregateCall, Bound, Evaluated, Expression, Failure, Tested};
pub use filter::Filter;
pub use fold::{Fold, FoldState};
pub use query::{Item, Order, Query};
pub use select::Select;
pub use stage::{Dropped, Stage};
pub use text::{Text, Transform};
pub use validate::Validate;
