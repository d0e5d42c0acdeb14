//! Which stretches of time there are.

use std::time::Duration;

use crate::{Error, ErrorKind};

/// Which stretches of time rows are grouped by; all are counted from 1970-01-01T00:00:00Z.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Span {
    /// One behind the other, of this length: each row is in one.
    Tumbling(Duration),
    /// Of length `size`, a new one each `step`: each row is in about `size / step`.
    Sliding {
        /// The length.
        size: Duration,
        /// From one start to the next; at most `size`.
        step: Duration,
    },
    /// As long as rows of one group come with less than this between them; from the first row's
    /// time to the last one's and this much more.
    Session(Duration),
}

/// The most windows that one row may be in.
const WINDOWS_MAX: u128 = 1000;

impl Span {
    pub(super) fn check(self) -> Result<(), Error> {
        let wrong = |message: &str| Err(Error::new(ErrorKind::Type, message.to_owned()));
        let (size, step) = match self {
            Self::Tumbling(size) | Self::Session(size) => (size, size),
            Self::Sliding { size, step } => (size, step),
        };
        if size.is_zero() || step.is_zero() || i64::try_from(size.as_nanos()).is_err() {
            return wrong("a window's length must be more than nothing and less than 292 years");
        }
        if step > size {
            return wrong("a window's step must not be longer than the window: rows would be lost");
        }
        if size.as_nanos() / step.as_nanos() > WINDOWS_MAX {
            return wrong("a window's step must not be less than a thousandth of the window");
        }
        Ok(())
    }

    /// Starts and length of the windows that a row of time `at` is in; for fixed ones only.
    pub(super) fn windows(self, at: i64) -> (impl Iterator<Item = i64>, i64) {
        let (size, step) = match self {
            Self::Tumbling(size) | Self::Session(size) => (size, size),
            Self::Sliding { size, step } => (size, step),
        };
        let (size, step) = (size.as_nanos() as i64, step.as_nanos() as i64);
        let last = at - at.rem_euclid(step);
        let starts = std::iter::successors(Some(last), move |start| start.checked_sub(step));
        (
            starts.take_while(move |start| at.checked_sub(*start).is_some_and(|past| past < size)),
            size,
        )
    }
}
