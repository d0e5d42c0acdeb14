//! Past values that nobody wants. Their structure is checked all the same.

use super::walk::{Broken, Walk, Walked};
use crate::json::DEPTH_MAX;

impl Walk<'_> {
    /// Passes an object or array that nobody wants, from its bracket on.
    pub(super) fn skip(&mut self, depth: u32) -> Walked {
        if !self.controls
            && depth < DEPTH_MAX
            && let Some((at, next)) = flat(self.bytes, self.positions, self.at, self.next)
        {
            (self.at, self.next) = (at, next);
            return Ok(());
        }
        self.skip_slow(depth)
    }

    /// The same, whatever is in it.
    #[inline(never)]
    fn skip_slow(&mut self, depth: u32) -> Walked {
        let mut open = Open { kinds: 0, count: 0 };
        self.enter(&mut open, depth)?;
        while open.count > 0 {
            match self.peek() {
                b'"' => drop(self.string()?),
                b'-' | b'0'..=b'9' | b't' | b'f' | b'n' => drop(self.scalar()),
                b'{' | b'[' => {
                    self.enter(&mut open, depth)?;
                    continue;
                }
                _ => return Err(Broken),
            }
            self.leave(&mut open)?;
        }
        Ok(())
    }

    /// From an opening bracket to the first value inside; past all of an empty object or array.
    fn enter(&mut self, open: &mut Open, depth: u32) -> Walked {
        open.push(self.peek() == b'{');
        if depth + open.count > DEPTH_MAX {
            return Err(Broken);
        }
        self.pass();
        self.space();
        if self.peek() == open.bracket() {
            return self.leave(open);
        }
        if open.is_object() {
            self.key()?;
        }
        Ok(())
    }

    /// From behind a value to the next one, over closing brackets; or behind the last bracket.
    fn leave(&mut self, open: &mut Open) -> Walked {
        while open.count > 0 {
            self.space();
            let byte = self.peek();
            if byte == b',' {
                self.pass();
                self.space();
                if open.is_object() {
                    self.key()?;
                }
                return Ok(());
            }
            if byte != open.bracket() {
                return Err(Broken);
            }
            self.pass();
            open.pop();
        }
        Ok(())
    }
}

/// Passes the object or array at `at`, at position `next`, if it holds strings and scalars alone
/// and no space; answers where it ends, and nothing when it is not of this kind, right or wrong.
///
/// Most that nobody wants are, and taking one token at a time made a group-by take a fifth longer.
#[inline]
fn flat(bytes: &[u8], positions: &[u32], at: usize, next: usize) -> Option<(usize, usize)> {
    let is_object = *bytes.get(at)? == b'{';
    let closing = if is_object { b'}' } else { b']' };
    let (mut at, mut next) = (at + 1, next + 1);
    loop {
        if is_object {
            at = string_end(bytes, positions, at, next)?;
            if *bytes.get(at)? != b':' {
                return None;
            }
            (at, next) = (at + 1, next + 3);
        }
        match *bytes.get(at)? {
            b'"' => (at, next) = (string_end(bytes, positions, at, next)?, next + 2),
            b'-' | b'0'..=b'9' | b't' | b'f' | b'n' => at = *positions.get(next)? as usize,
            _ => return None,
        }
        let byte = *bytes.get(at)?;
        (at, next) = (at + 1, next + 1);
        match byte {
            b',' => {}
            _ if byte == closing => return Some((at, next)),
            _ => return None,
        }
    }
}

/// The place behind the string at `at`, at position `next`, if there is one.
#[inline(always)]
fn string_end(bytes: &[u8], positions: &[u32], at: usize, next: usize) -> Option<usize> {
    let opens = *bytes.get(at)? == b'"';
    let end = *positions.get(next + 1)? as usize;
    (opens && *bytes.get(end)? == b'"').then_some(end + 1)
}

/// The objects and arrays around a value, the innermost in the lowest bit.
struct Open {
    /// A bit set for each object.
    kinds: u64,
    count: u32,
}

impl Open {
    const fn push(&mut self, object: bool) {
        self.kinds = self.kinds << 1 | object as u64;
        self.count += 1;
    }

    const fn pop(&mut self) {
        self.kinds >>= 1;
        self.count -= 1;
    }

    const fn is_object(&self) -> bool {
        self.kinds & 1 != 0
    }

    /// The bracket that closes the innermost.
    const fn bracket(&self) -> u8 {
        if self.is_object() { b'}' } else { b']' }
    }
}
