//! The data model: blocks, batches, columns, schemas and rejected records.
