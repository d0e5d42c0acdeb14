//! Records that are lines: the framing that NDJSON, text and logs share.

use pelton_record::{View, spare};
use pelton_simd::lines;

use crate::{Cut, Framer};

/// Cuts after the last newline.
#[derive(Debug)]
pub(crate) struct LineFramer {
    record_bytes_max: usize,
}

impl LineFramer {
    pub(crate) const fn new(record_bytes_max: usize) -> Self {
        Self { record_bytes_max }
    }
}

impl Framer for LineFramer {
    fn cut(&mut self, bytes: &[u8], complete: bool) -> Cut {
        self.cut_grown(bytes, 0, complete)
    }

    fn cut_grown(&mut self, bytes: &[u8], known: usize, complete: bool) -> Cut {
        match lines::last(&bytes[known..]) {
            _ if complete => Cut::Records(bytes.len()),
            Some(last) => Cut::Records(known + last + 1),
            // One more byte may still be a carriage return.
            None if bytes.len() <= self.record_bytes_max + 1 => Cut::More,
            None => Cut::TooLarge,
        }
    }
}

/// The lines of a block without their ends, a carriage return included. `ends` is room to reuse.
pub(crate) fn extents(bytes: &[u8], ends: &mut Vec<u32>) -> Vec<View> {
    lines::positions(bytes, ends);
    if bytes.last().is_some_and(|&byte| byte != b'\n') {
        ends.push(bytes.len() as u32);
    }
    let mut start = 0;
    let line = |&end: &u32| {
        let returned = start < end && bytes[end as usize - 1] == b'\r';
        let view = View::between(start, end - u32::from(returned));
        start = end + 1;
        view
    };
    spare::collect(ends.iter().map(line))
}

/// Appends lines, each with a newline behind it. Those that stand so in `base` are copied together.
pub(crate) fn copy_lines(base: &[u8], lines: &[View], out: &mut Vec<u8>) {
    let Some((first, others)) = lines.split_first() else {
        return;
    };
    let mut run = *first;
    for line in others {
        if run.end() + 1 == line.start && base[run.end() as usize] == b'\n' {
            run = View::between(run.start, line.end());
        } else {
            copy_line(base, run, out);
            run = *line;
        }
    }
    copy_line(base, run, out);
}

fn copy_line(base: &[u8], line: View, out: &mut Vec<u8>) {
    out.extend_from_slice(line.of(base));
    out.push(b'\n');
}
