//! Functions of text. Positions and lengths count characters, from 1.

use pelton_record::{DataType, Strings, Values, View, spare};

use super::case::{self, Letters};
use super::{Arguments, Function, MANY, call, function};
use crate::Error;
use crate::expression::node::{Args, Node};
use crate::expression::operand::{Lane, Outcome, Texts};
use crate::expression::text::{self, Step};

pub(super) const FUNCTIONS: [Function; 32] = [
    function("length", 1, 1, length),
    function("char_length", 1, 1, length),
    function("octet_length", 1, 1, octet_length),
    function("ascii", 1, 1, ascii),
    function("chr", 1, 1, chr),
    function("upper", 1, 1, |args| letters(args, case::UPPER)),
    function("lower", 1, 1, |args| letters(args, case::LOWER)),
    function("initcap", 1, 1, |args| mapped(args, case::title)),
    function("reverse", 1, 1, |args| mapped(args, reverse)),
    function("strip", 1, 1, strip),
    function("trim", 1, 2, |args| trim(args, true, true)),
    function("btrim", 1, 2, |args| trim(args, true, true)),
    function("ltrim", 1, 2, |args| trim(args, true, false)),
    function("rtrim", 1, 2, |args| trim(args, false, true)),
    function("substr", 2, 3, substr),
    function("substring", 2, 3, substr),
    function("left", 2, 2, |args| end(args, left)),
    function("right", 2, 2, |args| end(args, right)),
    function("split_part", 3, 3, split_part),
    function("replace", 3, 3, replace),
    function("translate", 3, 3, translate),
    function("repeat", 2, 2, repeat),
    function("lpad", 2, 3, |args| pad(args, true)),
    function("rpad", 2, 3, |args| pad(args, false)),
    function("strpos", 2, 2, strpos),
    function("position", 2, 2, strpos),
    function("starts_with", 2, 2, |args| tests(args, <[u8]>::starts_with)),
    function("ends_with", 2, 2, |args| tests(args, <[u8]>::ends_with)),
    function("contains", 2, 2, |args| {
        tests(args, |text, part| find(text, part).is_some())
    }),
    function("concat", 1, MANY, concat),
    function("concat_ws", 2, MANY, concat_ws),
    function("||", 2, 2, joined),
];

/// Bytes of a result of `repeat`, `lpad` and `rpad`.
const TEXT_MAX: usize = 1 << 20;

/// Number of characters: bytes that go on with one are not counted.
fn bytes_begun(text: &[u8]) -> usize {
    text.iter().filter(|&byte| byte & 0xc0 != 0x80).count()
}

fn characters(text: &str) -> usize {
    bytes_begun(text.as_bytes())
}

/// The byte where character `count` begins, or the end.
fn offset(text: &str, count: usize) -> usize {
    if text.is_ascii() {
        return count.min(text.len());
    }
    text.char_indices()
        .nth(count)
        .map_or(text.len(), |(offset, _)| offset)
}

/// The first place of `part` in `text`.
fn find(text: &[u8], part: &[u8]) -> Option<usize> {
    super::like::find(text, part)
}

type Bound = Result<Node, Error>;

/// A number from each text's bytes.
fn counted(operands: Vec<Node>, each: fn(&[u8]) -> i64) -> Node {
    call(operands, DataType::Int64, move |args| {
        let texts = args.operands[0].texts();
        let rows = args.context.rows();
        let counts = texts.views.map(rows, |view| each(view.of(texts.base)));
        Outcome::of(Values::Int64(counts), args.validity.clone(), Vec::new())
    })
}

fn length(args: &mut Arguments<'_, '_>) -> Bound {
    Ok(counted(vec![args.string(0)?], |text| {
        bytes_begun(text) as i64
    }))
}

/// The code point of the first character.
fn ascii(args: &mut Arguments<'_, '_>) -> Bound {
    Ok(counted(vec![args.string(0)?], |text| {
        let first = String::from_utf8_lossy(&text[..text.len().min(4)])
            .chars()
            .next();
        first.map_or(0, |letter| i64::from(u32::from(letter)))
    }))
}

/// The length of text or bytes, which the views know.
fn octet_length(args: &mut Arguments<'_, '_>) -> Bound {
    let bytes = args.args[0].0.as_ref().and_then(super::Loose::data_type) == Some(DataType::Bytes);
    let wanted = if bytes {
        DataType::Bytes
    } else {
        DataType::String
    };
    let operands = vec![args.typed(0, wanted)?];
    Ok(call(operands, DataType::Int64, |args| {
        let views = args.operands[0].texts().views;
        let lengths = views.map(args.context.rows(), |view| i64::from(view.len));
        Outcome::of(Values::Int64(lengths), args.validity.clone(), Vec::new())
    }))
}

fn letters(args: &mut Arguments<'_, '_>, letters: Letters) -> Bound {
    let operands = vec![args.string(0)?];
    Ok(call(operands, DataType::String, move |args| {
        case::change(letters, args)
    }))
}

fn mapped(args: &mut Arguments<'_, '_>, each: fn(&str, &mut Vec<u8>)) -> Bound {
    let operands = vec![args.string(0)?];
    Ok(call(operands, DataType::String, move |args| {
        let texts = args.operands[0].texts();
        text::build(args, |row, out| {
            each(texts.str(row), out);
            Ok(Some(()))
        })
    }))
}

fn reverse(text: &str, out: &mut Vec<u8>) {
    if text.is_ascii() {
        out.extend(text.bytes().rev());
        return;
    }
    let mut buffer = [0; 4];
    for letter in text.chars().rev() {
        out.extend_from_slice(letter.encode_utf8(&mut buffer).as_bytes());
    }
}

fn chr(args: &mut Arguments<'_, '_>) -> Bound {
    let operands = vec![args.int(0)?];
    Ok(call(operands, DataType::String, |args| {
        let codes = args.operands[0].ints();
        text::build(args, |row, out| {
            let code = codes.at(row);
            let letter = u32::try_from(code)
                .ok()
                .and_then(char::from_u32)
                .filter(|&c| c != '\0');
            let letter = letter.ok_or_else(|| format!("{code} is not a character"))?;
            out.extend_from_slice(letter.encode_utf8(&mut [0; 4]).as_bytes());
            Ok(Some(()))
        })
    }))
}

/// A column whose texts are parts of the first operand's: nothing is copied when that lies in the
/// batch's block.
fn part(args: &Args<'_>, each: impl Fn(usize, &str) -> (usize, usize)) -> Outcome<'static> {
    let operand = &args.operands[0];
    let texts = operand.texts();
    let (views, validity, failures) = text::rows(args, |row| {
        let (start, end) = each(row, texts.str(row));
        // Both lie in the text, whose length is 32 bits wide.
        let view = texts.views.at(row);
        Ok(Some(View::between(
            view.start + start as u32,
            view.start + end as u32,
        )))
    });
    let block = args.context.batch.block();
    let strings = if std::ptr::eq(texts.base, block.bytes()) {
        Strings::in_block(block.clone(), views)
    } else {
        Strings::in_heap(spare::copy(texts.base), views)
    };
    Outcome::of(Values::String(strings), validity, failures)
}

/// Without white space at both ends.
fn strip(args: &mut Arguments<'_, '_>) -> Bound {
    let operands = vec![args.string(0)?];
    Ok(call(operands, DataType::String, |args| {
        part(args, |_, text| {
            let from = text.len() - text.trim_start().len();
            (from, from + text[from..].trim_end().len())
        })
    }))
}

/// Without the characters of the second operand, or blanks.
fn trim(args: &mut Arguments<'_, '_>, front: bool, back: bool) -> Bound {
    let mut operands = vec![args.string(0)?];
    if args.len() == 2 {
        operands.push(args.string(1)?);
    }
    Ok(call(operands, DataType::String, move |args| {
        let set = args.operands.get(1).map(|operand| operand.texts());
        part(args, |row, text| {
            let set = set.map_or(" ", |set| set.str(row));
            let from = match front {
                true => text.len() - text.trim_start_matches(|c| set.contains(c)).len(),
                false => 0,
            };
            let rest = &text[from..];
            let rest = if back {
                rest.trim_end_matches(|c| set.contains(c))
            } else {
                rest
            };
            (from, from + rest.len())
        })
    }))
}

fn substr(args: &mut Arguments<'_, '_>) -> Bound {
    let mut operands = vec![args.string(0)?, args.int(1)?];
    if args.len() == 3 {
        operands.push(args.int(2)?);
    }
    Ok(call(operands, DataType::String, |args| {
        let texts = args.operands[0].texts();
        let from = args.operands[1].ints();
        let count = args.operands.get(2).map(|operand| operand.ints());
        text::build(args, |row, out| {
            let text = texts.str(row);
            let (start, end) = window(from.at(row), count.map(|count| count.at(row)))?;
            let start = offset(text, start);
            let end = start + end.map_or(text.len() - start, |end| offset(&text[start..], end));
            out.extend_from_slice(&text.as_bytes()[start..end]);
            Ok(Some(()))
        })
    }))
}

/// What `from` (counted from 1) and `count` leave out at the front, and how many they take.
/// Characters before the first are counted but not there.
fn window(from: i64, count: Option<i64>) -> Result<(usize, Option<usize>), &'static str> {
    let skipped = usize::try_from(from.saturating_sub(1).max(0)).unwrap_or(usize::MAX);
    let Some(count) = count else {
        return Ok((skipped, None));
    };
    if count < 0 {
        return Err("negative substring length");
    }
    let end = from
        .saturating_add(count)
        .saturating_sub(from.max(1))
        .max(0);
    Ok((skipped, Some(usize::try_from(end).unwrap_or(usize::MAX))))
}

/// `left` and `right`: a part of the text by a count.
fn end(args: &mut Arguments<'_, '_>, each: fn(&str, i64) -> (usize, usize)) -> Bound {
    let operands = vec![args.string(0)?, args.int(1)?];
    Ok(call(operands, DataType::String, move |args| {
        let counts = args.operands[1].ints();
        part(args, |row, text| each(text, counts.at(row)))
    }))
}

/// The first `count` characters, or all but the last `-count`.
fn left(text: &str, count: i64) -> (usize, usize) {
    (0, offset(text, magnitude_of(text, count)))
}

/// The last `count` characters, or all but the first `-count`.
fn right(text: &str, count: i64) -> (usize, usize) {
    let total = characters(text);
    (offset(text, total - magnitude_of(text, count)), text.len())
}

/// How many characters a count means that may be negative.
fn magnitude_of(text: &str, count: i64) -> usize {
    let magnitude = usize::try_from(count.unsigned_abs()).unwrap_or(usize::MAX);
    let total = characters(text);
    if count < 0 {
        total.saturating_sub(magnitude)
    } else {
        total.min(magnitude)
    }
}

fn three(args: &mut Arguments<'_, '_>) -> Result<Vec<Node>, Error> {
    args.all(Arguments::string)
}

/// A text built row by row from three.
fn from_three(
    args: &mut Arguments<'_, '_>,
    each: fn([&str; 3], &mut Vec<u8>) -> Step<()>,
) -> Bound {
    let operands = three(args)?;
    Ok(call(operands, DataType::String, move |args| {
        let texts: [Texts<'_>; 3] = [0, 1, 2].map(|index: usize| args.operands[index].texts());
        text::build(args, |row, out| {
            each(texts.map(|texts| texts.str(row)), out)
        })
    }))
}

fn replace(args: &mut Arguments<'_, '_>) -> Bound {
    from_three(args, |[text, from, to], out| {
        if from.is_empty() {
            out.extend_from_slice(text.as_bytes());
            return Ok(Some(()));
        }
        let mut rest = text.as_bytes();
        while let Some(place) = find(rest, from.as_bytes()) {
            out.extend_from_slice(&rest[..place]);
            bounded(out, to.len())?;
            out.extend_from_slice(to.as_bytes());
            rest = &rest[place + from.len()..];
        }
        out.extend_from_slice(rest);
        Ok(Some(()))
    })
}

/// Every character of `from` becomes the one at its place in `to`, or goes.
fn translate(args: &mut Arguments<'_, '_>) -> Bound {
    from_three(args, |[text, from, to], out| {
        for letter in text.chars() {
            let letter = match from.chars().position(|known| known == letter) {
                Some(place) => to.chars().nth(place),
                None => Some(letter),
            };
            if let Some(letter) = letter {
                out.extend_from_slice(letter.encode_utf8(&mut [0; 4]).as_bytes());
            }
        }
        Ok(Some(()))
    })
}

/// Refuses to grow a column without bound.
fn bounded(out: &[u8], more: usize) -> Result<(), &'static str> {
    match out.len() + more <= text::BATCH_TEXT_MAX {
        true => Ok(()),
        false => Err(text::TOO_LONG),
    }
}

fn split_part(args: &mut Arguments<'_, '_>) -> Bound {
    let operands = vec![args.string(0)?, args.string(1)?, args.int(2)?];
    Ok(call(operands, DataType::String, |args| {
        let (texts, by) = (args.operands[0].texts(), args.operands[1].texts());
        let fields = args.operands[2].ints();
        text::build(args, |row, out| {
            let field = fields.at(row);
            if field == 0 {
                return Err("field position must not be zero".into());
            }
            out.extend_from_slice(field_of(texts.str(row), by.str(row), field).as_bytes());
            Ok(Some(()))
        })
    }))
}

/// The field at `place`, counted from 1, or from -1 at the end; empty when there is none.
fn field_of<'a>(text: &'a str, by: &str, place: i64) -> &'a str {
    let index = usize::try_from(place.unsigned_abs() - 1).unwrap_or(usize::MAX);
    let field = match (by.is_empty(), 0 < place) {
        (true, _) => Some(text).filter(|_| index == 0),
        (false, true) => text.split(by).nth(index),
        (false, false) => text.rsplit(by).nth(index),
    };
    field.unwrap_or_default()
}

fn repeat(args: &mut Arguments<'_, '_>) -> Bound {
    let operands = vec![args.string(0)?, args.int(1)?];
    Ok(call(operands, DataType::String, |args| {
        let (texts, counts) = (args.operands[0].texts(), args.operands[1].ints());
        text::build(args, |row, out| {
            let text = texts.at(row);
            let count = usize::try_from(counts.at(row)).unwrap_or(0);
            if TEXT_MAX < text.len().saturating_mul(count) {
                return Err("the result is longer than 1 MiB".into());
            }
            (0..count).for_each(|_| out.extend_from_slice(text));
            Ok(Some(()))
        })
    }))
}

/// Fills up to a length, or cuts down to it.
fn pad(args: &mut Arguments<'_, '_>, front: bool) -> Bound {
    let mut operands = vec![args.string(0)?, args.int(1)?];
    if args.len() == 3 {
        operands.push(args.string(2)?);
    }
    Ok(call(operands, DataType::String, move |args| {
        let (texts, lengths) = (args.operands[0].texts(), args.operands[1].ints());
        let fill = args.operands.get(2).map(|operand| operand.texts());
        text::build(args, |row, out| {
            let fill = fill.map_or(" ", |fill| fill.str(row));
            padded(texts.str(row), lengths, row, fill, front, out)
        })
    }))
}

fn padded(
    text: &str,
    lengths: Lane<'_, i64>,
    row: usize,
    fill: &str,
    front: bool,
    out: &mut Vec<u8>,
) -> Step<()> {
    let length = usize::try_from(lengths.at(row)).unwrap_or(0);
    if TEXT_MAX / 4 < length {
        return Err("the result is longer than 262144 characters".into());
    }
    let present = characters(text);
    let missing = if fill.is_empty() {
        0
    } else {
        length.saturating_sub(present)
    };
    let cut = &text.as_bytes()[..offset(text, length.min(present))];
    if !front {
        out.extend_from_slice(cut);
    }
    let filling: String = fill.chars().cycle().take(missing).collect();
    out.extend_from_slice(filling.as_bytes());
    if front {
        out.extend_from_slice(cut);
    }
    Ok(Some(()))
}

fn strpos(args: &mut Arguments<'_, '_>) -> Bound {
    let operands = vec![args.string(0)?, args.string(1)?];
    Ok(call(operands, DataType::Int64, |args| {
        let (texts, parts) = (args.operands[0].texts(), args.operands[1].texts());
        let (places, validity, failures) = text::rows(args, |row| {
            let place = find(texts.at(row), parts.at(row));
            let before = |place: usize| characters(&texts.str(row)[..place]) as i64;
            Ok(Some(place.map_or(0, |place| before(place) + 1)))
        });
        Outcome::of(Values::Int64(places), validity, failures)
    }))
}

fn tests(args: &mut Arguments<'_, '_>, holds: fn(&[u8], &[u8]) -> bool) -> Bound {
    let operands = vec![args.string(0)?, args.string(1)?];
    Ok(call(operands, DataType::Bool, move |args| {
        let (texts, parts) = (args.operands[0].texts(), args.operands[1].texts());
        let (bits, validity, failures) =
            text::rows(args, |row| Ok(Some(holds(texts.at(row), parts.at(row)))));
        Outcome::of(Values::Bool(spare::bits(bits)), validity, failures)
    }))
}

/// `||`: null when one side is.
fn joined(args: &mut Arguments<'_, '_>) -> Bound {
    let operands = args.all(Arguments::written)?;
    Ok(call(operands, DataType::String, |args| {
        let texts: Vec<Texts<'_>> = args
            .operands
            .iter()
            .map(|operand| operand.texts())
            .collect();
        text::build(args, |row, out| {
            texts
                .iter()
                .for_each(|texts| out.extend_from_slice(texts.at(row)));
            Ok(Some(()))
        })
    }))
}

/// `concat`: nulls are left out.
fn concat(args: &mut Arguments<'_, '_>) -> Bound {
    let operands = args.all(Arguments::written)?;
    Ok(call(operands, DataType::String, |args| {
        let texts: Vec<Texts<'_>> = args
            .operands
            .iter()
            .map(|operand| operand.texts())
            .collect();
        text::build(&args.lenient(None), |row, out| {
            let present = texts
                .iter()
                .enumerate()
                .filter(|(index, _)| !args.is_null(*index, row));
            present.for_each(|(_, texts)| out.extend_from_slice(texts.at(row)));
            Ok(Some(()))
        })
    }))
}

/// `concat_ws`: nulls are left out, with their separators; a null separator gives null.
fn concat_ws(args: &mut Arguments<'_, '_>) -> Bound {
    let operands = args.all(Arguments::written)?;
    Ok(call(operands, DataType::String, |args| {
        let texts: Vec<Texts<'_>> = args
            .operands
            .iter()
            .map(|operand| operand.texts())
            .collect();
        text::build(&args.lenient(Some(0)), |row, out| {
            let mut separator: &[u8] = b"";
            for (index, texts_of) in texts.iter().enumerate().skip(1) {
                if !args.is_null(index, row) {
                    out.extend_from_slice(separator);
                    out.extend_from_slice(texts_of.at(row));
                    separator = texts[0].at(row);
                }
            }
            Ok(Some(()))
        })
    }))
}
