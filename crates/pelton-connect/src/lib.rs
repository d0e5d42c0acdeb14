//! Sources and sinks: files, standard streams and memory.
