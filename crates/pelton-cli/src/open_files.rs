//! How many files the process may have open: each connection is one.
//!
//! Only the soft limit is raised, which exists for programs that keep sets of file numbers of a
//! fixed size; this one does not. The hard limit is the administrator's, and is left alone.

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// Raises the soft limit as far as it goes, and answers how many files may be open then; `None`
/// for any number.
pub(crate) fn raise_limit() -> Option<u64> {
    let Rlimit { current, maximum } = getrlimit(Resource::Nofile);
    let raised = Rlimit {
        current: maximum,
        maximum,
    };
    match setrlimit(Resource::Nofile, raised) {
        Ok(()) => maximum,
        Err(_) => current,
    }
}
