//! What a key set keeps with each key.

/// What is kept with a key; of the notes of one key, the first stays.
pub(crate) trait Note: Copy + Default + Send + Sync + std::fmt::Debug + 'static {
    /// Bytes that it takes when it is written.
    const BYTES: usize;

    /// Writes it behind `out`.
    fn write(self, out: &mut Vec<u8>);

    /// What was written as `bytes`.
    fn read(bytes: &[u8]) -> Self;

    /// The one of two that stays.
    fn first(self, other: Self) -> Self;
}

/// Nothing: only which keys there are counts.
impl Note for () {
    const BYTES: usize = 0;

    fn write(self, _: &mut Vec<u8>) {}

    fn read(_: &[u8]) -> Self {}

    fn first(self, (): Self) -> Self {}
}

/// The position of a row that has the key.
impl Note for u64 {
    const BYTES: usize = size_of::<Self>();

    fn write(self, out: &mut Vec<u8>) {
        out.extend_from_slice(&self.to_le_bytes());
    }

    fn read(bytes: &[u8]) -> Self {
        Self::from_le_bytes(bytes.try_into().unwrap_or_default())
    }

    fn first(self, other: Self) -> Self {
        self.min(other)
    }
}
