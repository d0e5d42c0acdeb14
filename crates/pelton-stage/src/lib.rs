//! The steps of a pipeline, and the SQL expressions in them, evaluated a column at a time.
//!
//! A [`Stage`] works on one batch and remembers nothing: [`Filter`], [`Derive`], [`Select`],
//! [`Validate`], [`Text`]. A [`Fold`] takes in all rows before it gives any: [`Aggregate`],
//! [`Dedup`], [`Sort`], [`WordCount`]. Both are built from [`Expression`]s, which are text until
//! they are bound to the columns of a schema. A [`Query`] is a SELECT statement taken apart, for a
//! planner to make stages of.
//!
//! # Guarantees
//!
//! - Semantics are PostgreSQL's: three-valued logic, exact decimals, integers that overflow into
//!   an error and not into a number.
//! - A row on which an expression fails leaves the batch with a reason; its neighbours stay. A
//!   failure counts only where the outcome depends on it.
//! - Nothing panics on data, and what a text may ask of the parser is bounded.
//! - Expressions and queries have a text form that reads back as the same.
//!
//! # Limits
//!
//! - One type a column, one scale a decimal column, 38 digits. Sums and differences have the
//!   larger scale, products both added up to 38, quotients the larger and at least 16.
//! - Timestamps are UTC, from 1677 to 2262; intervals are constants only.
//! - No joins, subqueries or window functions.
//!
//! # Example
//!
//! ```
//! use std::sync::Arc;
//!
//! use pelton_record::{Batch, Column, DataType, Schema};
//! use pelton_stage::{Derive, Expression, Filter, Stage};
//!
//! let schema: Arc<Schema> = Schema::of([
//!     ("country", DataType::String),
//!     ("quantity", DataType::Int64),
//!     ("unit_price", DataType::Decimal { scale: 2 }),
//! ])
//! .into();
//! let filter = Filter::new(&Expression::parse("country IN ('DE', 'AT')")?, &schema)?;
//! let revenue = [("revenue", Expression::parse("quantity * unit_price")?)];
//! let derive = Derive::new(revenue, filter.output())?;
//!
//! let columns = vec![
//!     Column::strings(["DE", "FR", "AT"]),
//!     Column::int64([2, 5, 3]),
//!     Column::decimal([1999, 100, 50], 2),
//! ];
//! let mut batch = Batch::from_columns(schema, columns);
//! filter.apply(&mut batch)?;
//! derive.apply(&mut batch)?;
//! assert_eq!(batch.column(3).value(0).to_string(), "39.98");
//! assert_eq!(batch.column(3).value(1).to_string(), "1.50");
//! # Ok::<(), pelton_stage::Error>(())
//! ```
#![forbid(unsafe_code)]

mod aggregate;
mod closure;
mod dedup;
mod derive;
mod error;
mod expression;
mod filter;
mod fold;
mod ordered;
mod query;
mod recent;
mod select;
mod sort;
mod stage;
mod text;
mod validate;
mod window;
mod word_count;

pub use aggregate::{Aggregate, Call, Function};
pub use closure::{OnBatch, OnRecord, Row};
pub use dedup::Dedup;
pub use derive::Derive;
pub use error::{Error, ErrorKind, Position};
pub use expression::{AggregateCall, Bound, Evaluated, Expression, Failure, Tested};
pub use filter::Filter;
pub use fold::crew::{Alone, Crew};
pub use fold::spill::{Spill, SpillFile};
pub use fold::{Fold, FoldState};
pub use ordered::{Ordered, Passed};
pub use query::{Item, Order, Query};
pub use recent::{Recent, Within};
pub use select::Select;
pub use sort::{Sort, SortKey};
pub use stage::{Dropped, Stage};
pub use text::{Text, Transform};
pub use validate::Validate;
pub use window::{Span, Window};
pub use word_count::WordCount;
