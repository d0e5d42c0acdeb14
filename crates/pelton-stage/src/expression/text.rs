//! Building columns of text.

use std::borrow::Cow;

use pelton_record::{Bitmap, Strings, Values, View, spare};

use super::node::Args;
use super::operand::{Failure, Outcome};

/// Appends a value to a heap and gives its view.
///
/// # Panics
///
/// When the heap reaches 4 GiB.
pub(crate) fn append(heap: &mut Vec<u8>, value: &[u8]) -> View {
    let start = heap.len();
    heap.extend_from_slice(value);
    since(heap, start)
}

/// The view of what was appended since the heap was `start` long.
pub(crate) fn since(heap: &[u8], start: usize) -> View {
    let offset = |length| u32::try_from(length).expect("the text of a batch is shorter than 4 GiB");
    View::between(offset(start), offset(heap.len()))
}

/// Bytes that the text column of one batch may take.
pub(crate) const BATCH_TEXT_MAX: usize = 1 << 28;

/// What a short value takes, for the room that is asked for.
const VALUE_BYTES: usize = 8;

/// Why a row past [`BATCH_TEXT_MAX`] fails.
pub(crate) const TOO_LONG: &str = "the results of one batch take more than 256 MiB";

/// What became of one row: a value, null, or a failure.
pub(crate) type Step<T> = Result<Option<T>, Cow<'static, str>>;

/// `each` of every row that matters and has all its operands.
pub(crate) fn rows<T: spare::Part + Default>(
    args: &Args<'_>,
    mut each: impl FnMut(usize) -> Step<T>,
) -> (Vec<T>, Option<Bitmap>, Vec<Failure>) {
    let rows = args.context.rows();
    let mut values = spare::filled(rows, T::default());
    let mut nulls = Vec::new();
    let mut failures = Vec::new();
    args.for_each(|row| match each(row) {
        Ok(Some(value)) => values[row] = value,
        Ok(None) => nulls.push(row),
        Err(reason) => failures.push(Failure::new(row, reason)),
    });
    let mut validity = args.validity.clone();
    if !nulls.is_empty() {
        let bits = validity.get_or_insert_with(|| Bitmap::new(rows, true));
        nulls.into_iter().for_each(|row| bits.set(row, false));
    }
    (values, validity, failures)
}

/// A column of text, each row written by `each` behind the ones before it.
pub(crate) fn build(
    args: &Args<'_>,
    mut each: impl FnMut(usize, &mut Vec<u8>) -> Step<()>,
) -> Outcome<'static> {
    let mut heap = spare::take(args.context.rows() * VALUE_BYTES);
    let (views, validity, failures) = rows(args, |row| {
        let start = heap.len();
        let step = each(row, &mut heap);
        if BATCH_TEXT_MAX < heap.len() {
            heap.truncate(start);
            return Err(TOO_LONG.into());
        }
        Ok(step?.map(|()| since(&heap, start)))
    });
    let strings = Strings::in_heap(heap, views);
    Outcome::of(Values::String(strings), validity, failures)
}
