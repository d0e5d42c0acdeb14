//! How numbers and names lie in the files that Pelton keeps for itself.
//!
//! Numbers are little-endian, a name is its length in 32 bits and its bytes, and the last four
//! bytes of what is sealed are the CRC-32 (IEEE) of everything before them.

/// Bytes of the checksum.
const SEAL_BYTES: usize = 4;

/// Lays fields down one after the other.
#[derive(Debug, Default)]
pub(super) struct Writer(Vec<u8>);

impl Writer {
    pub(super) fn raw(&mut self, bytes: &[u8]) -> &mut Self {
        self.0.extend_from_slice(bytes);
        self
    }

    pub(super) fn u32(&mut self, value: u32) -> &mut Self {
        self.raw(&value.to_le_bytes())
    }

    pub(super) fn u64(&mut self, value: u64) -> &mut Self {
        self.raw(&value.to_le_bytes())
    }

    pub(super) fn count(&mut self, value: usize) -> &mut Self {
        self.u32(u32::try_from(value).unwrap_or(u32::MAX))
    }

    pub(super) fn name(&mut self, name: &[u8]) -> &mut Self {
        self.count(name.len()).raw(name)
    }

    /// Everything so far.
    pub(super) fn bytes(&self) -> &[u8] {
        &self.0
    }

    /// Everything, and its checksum.
    pub(super) fn sealed(&mut self) -> Vec<u8> {
        let sum = crc32fast::hash(&self.0);
        self.u32(sum);
        std::mem::take(&mut self.0)
    }
}

/// Picks fields up in the order in which they were laid down.
#[derive(Debug)]
pub(super) struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    /// What was sealed; `None` when its checksum does not fit.
    pub(super) fn unsealed(bytes: &'a [u8]) -> Option<Self> {
        let at = bytes.len().checked_sub(SEAL_BYTES)?;
        let (body, seal) = bytes.split_at(at);
        (crc32fast::hash(body).to_le_bytes() == seal).then_some(Self(body))
    }

    pub(super) fn raw(&mut self, count: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.0.split_at_checked(count)?;
        self.0 = rest;
        Some(taken)
    }

    pub(super) fn u32(&mut self) -> Option<u32> {
        Some(u32::from_le_bytes(self.raw(4)?.try_into().ok()?))
    }

    pub(super) fn u64(&mut self) -> Option<u64> {
        Some(u64::from_le_bytes(self.raw(8)?.try_into().ok()?))
    }

    pub(super) fn name(&mut self) -> Option<&'a [u8]> {
        let length = self.u32()?;
        self.raw(length as usize)
    }

    pub(super) fn text(&mut self) -> Option<String> {
        String::from_utf8(self.name()?.to_vec()).ok()
    }

    pub(super) const fn is_at_end(&self) -> bool {
        self.0.is_empty()
    }
}
