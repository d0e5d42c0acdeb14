//! Pipeline stages and SQL expressions, evaluated a column at a time.
