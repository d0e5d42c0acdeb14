//! A work-stealing scheduler with priorities, parking, scopes, panic capture and drain.
