//! Which instructions the kernels may use: found once, asked for often.

use std::fmt;
use std::str::FromStr;
use std::sync::atomic::{AtomicU8, Ordering};

/// A set of instructions, each including those below it.
///
/// Every kernel runs at [`Level::detect`] unless it is called through its `_at` form.
/// A level above the machine's own is lowered to it, so any level may be asked for anywhere.
///
/// ```
/// use pelton_simd::Level;
///
/// assert!(Level::detect() >= Level::Scalar);
/// assert_eq!("avx2".parse(), Ok(Level::Avx2));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum Level {
    /// Plain Rust, one element at a time: the twin that the others are compared with.
    Scalar,
    /// 128-bit vectors through `wide`: SSE4.2 on x86-64, NEON on 64-bit Arm.
    Sse,
    /// 256-bit vectors with BMI1, BMI2 and carry-less multiplication.
    Avx2,
    /// 512-bit vectors with VBMI2 (Ice Lake, Zen 4 and later).
    Avx512,
}

/// The level found, plus one; zero until somebody asked.
static FOUND: AtomicU8 = AtomicU8::new(0);

impl Level {
    /// All levels, lowest first.
    pub const ALL: [Self; 4] = [Self::Scalar, Self::Sse, Self::Avx2, Self::Avx512];

    /// The highest level of this machine, or the one it was lowered to; looked up once, then a load
    /// and a compare.
    #[inline]
    #[must_use]
    pub fn detect() -> Self {
        // Relaxed: the value guards no other memory, and every thread would find the same one.
        match FOUND.load(Ordering::Relaxed) {
            0 => detect_slow(),
            found => Self::ALL[usize::from(found - 1) & 3],
        }
    }

    /// Lowers the level of every kernel of this process to `highest`, or to the machine's own where
    /// that is lower: to compare levels with one another. Say it before anything else.
    pub fn lower_to(highest: Self) {
        let level = probe().min(highest);
        // Relaxed: as in `detect`; a kernel that has not seen it yet is right all the same.
        FOUND.store(level as u8 + 1, Ordering::Relaxed);
    }

    /// The levels that this machine has, lowest first.
    pub fn available() -> impl Iterator<Item = Self> {
        Self::ALL
            .into_iter()
            .filter(|level| *level <= Self::detect())
    }

    /// The name in lower case, as [`FromStr`] reads it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Scalar => "scalar",
            Self::Sse => "sse",
            Self::Avx2 => "avx2",
            Self::Avx512 => "avx512",
        }
    }
}

#[cold]
fn detect_slow() -> Level {
    let level = probe();
    FOUND.store(level as u8 + 1, Ordering::Relaxed);
    level
}

#[cfg(all(target_arch = "x86_64", not(miri)))]
fn probe() -> Level {
    macro_rules! all {
        ($($feature:tt),*) => { $(std::arch::is_x86_feature_detected!($feature))&&* };
    }
    if !all!("sse4.2", "popcnt", "pclmulqdq") {
        Level::Scalar
    } else if !all!("avx2", "bmi1", "bmi2", "lzcnt") {
        Level::Sse
    } else if !all!(
        "avx512f",
        "avx512bw",
        "avx512dq",
        "avx512vl",
        "avx512vbmi",
        "avx512vbmi2"
    ) {
        Level::Avx2
    } else {
        Level::Avx512
    }
}

#[cfg(all(target_arch = "aarch64", not(miri)))]
fn probe() -> Level {
    Level::Sse
}

#[cfg(not(all(any(target_arch = "x86_64", target_arch = "aarch64"), not(miri))))]
fn probe() -> Level {
    Level::Scalar
}

impl fmt::Display for Level {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// The name was none of `scalar`, `sse`, `avx2`, `avx512`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct UnknownLevel;

impl fmt::Display for UnknownLevel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the levels are scalar, sse, avx2 and avx512")
    }
}

impl std::error::Error for UnknownLevel {}

impl FromStr for Level {
    type Err = UnknownLevel;

    fn from_str(name: &str) -> Result<Self, UnknownLevel> {
        Self::ALL
            .into_iter()
            .find(|level| level.name() == name)
            .ok_or(UnknownLevel)
    }
}
