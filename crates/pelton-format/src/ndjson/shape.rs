//! What records have looked like so far: a prediction of the next key.
//!
//! Most records of a file have the same keys in the same order. So each key that was read is
//! remembered with the bytes around it, from the brace or comma before it to where its value
//! began, and with the key that came next. Where the same bytes come again, one comparison
//! replaces reading braces, quotes, key and colon and looking the key up.

use std::collections::HashMap;

use super::paths::{Paths, Target};

/// No key.
pub(super) const NONE: u32 = u32::MAX;

/// The beginning of an object, where a key before it is asked for.
pub(super) const START: u32 = u32::MAX - 1;

/// Keys that are remembered in all. A file whose keys are data has no order to learn.
const KEYS_MAX: usize = 4096;

/// Longer keys are read anew each time.
const TEXT_MAX: usize = 256;

/// A key as it stood in a record.
#[derive(Debug)]
pub(super) struct Key {
    /// The first sixteen bytes of the text, or all of it.
    head: u128,
    /// Which bytes of the head count.
    mask: u128,
    /// From the separator before the key to its value.
    text: Box<[u8]>,
    pub target: Target,
    /// The key that came after it last.
    pub next: u32,
}

/// The keys seen so far.
#[derive(Debug)]
pub(super) struct Shape {
    keys: Vec<Key>,
    /// For each node of the paths, the keys that were seen there.
    nodes: Vec<Node>,
}

#[derive(Clone, Debug)]
struct Node {
    first: u32,
    /// By their text.
    keys: HashMap<Box<[u8]>, u32>,
}

impl Shape {
    pub(super) fn new(paths: &Paths) -> Self {
        let node = Node {
            first: NONE,
            keys: HashMap::new(),
        };
        Self {
            keys: Vec::new(),
            nodes: vec![node; paths.len()],
        }
    }

    /// The key that an object at `node` began with last.
    #[inline]
    pub(super) fn first(&self, node: u32) -> u32 {
        self.nodes[node as usize].first
    }

    /// The key whose text stands at `at`, if it is `predicted` or the one after that, which is
    /// likely where the predicted one is missing.
    #[inline(always)]
    pub(super) fn predict(&self, bytes: &[u8], at: usize, predicted: u32) -> Option<(u32, &Key)> {
        let key = self.keys.get(predicted as usize)?;
        if key.stands_at(bytes, at) {
            return Some((predicted, key));
        }
        let after = self.keys.get(key.next as usize)?;
        after.stands_at(bytes, at).then_some((key.next, after))
    }

    /// The known key at `node` whose text is `text`, which followed `previous`.
    pub(super) fn recall(&mut self, node: u32, previous: u32, text: &[u8]) -> Option<u32> {
        let known = *self.nodes[node as usize].keys.get(text)?;
        self.follow(node, previous, known);
        Some(known)
    }

    /// Remembers a key; answers [`NONE`] when there is no room.
    pub(super) fn learn(&mut self, node: u32, previous: u32, text: &[u8], target: Target) -> u32 {
        if self.keys.len() == KEYS_MAX || text.len() > TEXT_MAX {
            return NONE;
        }
        let index = self.keys.len() as u32;
        let mut head = [0; 16];
        let length = text.len().min(16);
        head[..length].copy_from_slice(&text[..length]);
        self.keys.push(Key {
            head: u128::from_le_bytes(head),
            mask: !0 >> (8 * (16 - length)),
            text: text.into(),
            target,
            next: NONE,
        });
        self.nodes[node as usize].keys.insert(text.into(), index);
        self.follow(node, previous, index);
        index
    }

    fn follow(&mut self, node: u32, previous: u32, key: u32) {
        match previous {
            START => self.nodes[node as usize].first = key,
            NONE => {}
            _ => self.keys[previous as usize].next = key,
        }
    }

    pub(super) fn key(&self, key: u32) -> &Key {
        &self.keys[key as usize]
    }
}

/// A key that was read, what it leads to, and the key that is likely to come next.
#[derive(Clone, Copy, Debug)]
pub(super) struct Found {
    pub key: u32,
    pub target: Target,
    pub next: u32,
}

impl Found {
    /// A key that is not remembered.
    pub(super) const fn unknown(target: Target) -> Self {
        Self {
            key: NONE,
            target,
            next: NONE,
        }
    }
}

impl Key {
    #[inline(always)]
    fn stands_at(&self, bytes: &[u8], at: usize) -> bool {
        let Some(rest) = bytes.get(at..) else {
            return false;
        };
        match rest.first_chunk::<16>() {
            Some(head) => {
                (u128::from_le_bytes(*head) ^ self.head) & self.mask == 0
                    && (self.text.len() <= 16 || rest.starts_with(&self.text))
            }
            None => rest.starts_with(&self.text),
        }
    }

    /// Bytes from the separator before the key to its value.
    #[inline(always)]
    pub(super) const fn length(&self) -> usize {
        self.text.len()
    }

    pub(super) const fn found(&self, key: u32) -> Found {
        Found {
            key,
            target: self.target,
            next: self.next,
        }
    }
}
