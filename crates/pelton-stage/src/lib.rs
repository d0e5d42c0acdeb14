//! Pipeline stages and SQL expressions, evaluated a column at a time.
#![forbid(unsafe_code)]

mod aggregate;
mod error;
mod expression;
mod fold;
mod stage;

pub use aggregate::{Aggregate, Call, Function};
pub use error::{Error, ErrorKind, Position};
pub use expression::{Bound, Evaluated, Expression, Failure, Tested};
pub use fold::{Fold, FoldState};
pub use stage::{Dropped, Stage};
