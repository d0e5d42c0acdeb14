//! Framing, decoding and encoding of CSV, NDJSON and text.
