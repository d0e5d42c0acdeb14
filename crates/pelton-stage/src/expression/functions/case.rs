//! Letters, whole columns at a time: what is ASCII is changed in one pass over all its bytes.

use pelton_record::{Strings, Values, View, spare};
use pelton_simd::ascii;

use crate::expression::node::Args;
use crate::expression::operand::Outcome;
use crate::expression::text;

/// A change of letters: that of a whole text, and that of the bytes of ASCII.
#[derive(Clone, Copy)]
pub(super) struct Letters {
    pub(super) ascii: fn(&mut [u8]),
    pub(super) unicode: fn(&str) -> String,
}

pub(super) const UPPER: Letters = Letters {
    ascii: ascii::make_upper,
    unicode: str::to_uppercase,
};

pub(super) const LOWER: Letters = Letters {
    ascii: ascii::make_lower,
    unicode: str::to_lowercase,
};

/// Changes the letters of the first operand.
pub(super) fn change(letters: Letters, args: &Args<'_>) -> Outcome<'static> {
    let operand = &args.operands[0];
    let source = operand.strings();
    if !operand.is_constant() && dense(source) && ascii::is_ascii(source.base()) {
        let mut heap = spare::copy(source.base());
        (letters.ascii)(&mut heap);
        let strings = Strings::in_heap(heap, spare::copy(source.views()));
        return Outcome::of(Values::String(strings), args.validity.clone(), Vec::new());
    }
    let texts = operand.texts();
    text::build(args, |row, out| {
        let value = texts.at(row);
        if value.is_ascii() {
            let start = out.len();
            out.extend_from_slice(value);
            (letters.ascii)(&mut out[start..]);
        } else {
            out.extend_from_slice((letters.unicode)(texts.str(row)).as_bytes());
        }
        Ok(Some(()))
    })
}

/// Whether the views cover at least half of what they point into, so that working on all of it
/// is no waste.
fn dense(strings: &Strings) -> bool {
    let covered: usize = strings
        .views()
        .iter()
        .map(|view: &View| view.len as usize)
        .sum();
    strings.base().len() <= 2 * covered
}

/// Words begin with a capital, everything else is small.
pub(super) fn title(text: &str, out: &mut Vec<u8>) {
    let mut inside = false;
    for letter in text.chars() {
        if inside {
            push_all(letter.to_lowercase(), out);
        } else {
            push_all(letter.to_uppercase(), out);
        }
        inside = letter.is_alphanumeric();
    }
}

fn push_all(letters: impl Iterator<Item = char>, out: &mut Vec<u8>) {
    let mut buffer = [0; 4];
    letters.for_each(|letter| out.extend_from_slice(letter.encode_utf8(&mut buffer).as_bytes()));
}
