//! JSON values on one line each.

/// Each element of a JSON array, or each value of a sequence of them, on a line of its own.
///
/// Only what stands between values is looked at; what is in them is the decoder's business.
///
/// # Errors
///
/// The byte at which it is no such thing.
pub(super) fn to_lines(bytes: &[u8]) -> Result<Vec<u8>, usize> {
    let mut lines = Vec::with_capacity(bytes.len() + 1);
    let mut at = skip_space(bytes, 0);
    if bytes.get(at) != Some(&b'[') {
        while at < bytes.len() {
            at = skip_space(bytes, copy_value(bytes, at, &mut lines)?);
        }
        return Ok(lines);
    }
    at = skip_space(bytes, at + 1);
    if bytes.get(at) != Some(&b']') {
        at = copy_elements(bytes, at, &mut lines)?;
    }
    match skip_space(bytes, at + 1) {
        end if end == bytes.len() => Ok(lines),
        more => Err(more),
    }
}

/// Copies values with commas between them; where the bracket behind them stands.
fn copy_elements(bytes: &[u8], from: usize, lines: &mut Vec<u8>) -> Result<usize, usize> {
    let mut at = from;
    loop {
        at = skip_space(bytes, copy_value(bytes, at, lines)?);
        match bytes.get(at) {
            Some(b',') => at = skip_space(bytes, at + 1),
            Some(b']') => return Ok(at),
            _ => return Err(at),
        }
    }
}

/// Copies the value at `from` as a line; where it ends.
fn copy_value(bytes: &[u8], from: usize, lines: &mut Vec<u8>) -> Result<usize, usize> {
    let end = value_end(bytes, from)?;
    let flat = |&byte: &u8| {
        if matches!(byte, b'\n' | b'\r') {
            b' '
        } else {
            byte
        }
    };
    lines.extend(bytes[from..end].iter().map(flat));
    lines.push(b'\n');
    Ok(end)
}

fn value_end(bytes: &[u8], from: usize) -> Result<usize, usize> {
    let mut depth = 0_usize;
    let mut at = from;
    while let Some(&byte) = bytes.get(at) {
        match byte {
            b'"' => at = string_end(bytes, at)?,
            b'{' | b'[' => depth += 1,
            b'}' | b']' | b',' if depth == 0 => break,
            b'}' | b']' => depth -= 1,
            b' ' | b'\t' | b'\n' | b'\r' if depth == 0 => break,
            _ => {}
        }
        at += 1;
        let closed = matches!(byte, b'"' | b'}' | b']') && depth == 0;
        if closed {
            return Ok(at);
        }
    }
    match depth == 0 && at > from {
        true => Ok(at),
        false => Err(at),
    }
}

/// Where the quote stands that ends the string at `from`.
fn string_end(bytes: &[u8], from: usize) -> Result<usize, usize> {
    let mut at = from + 1;
    while let Some(&byte) = bytes.get(at) {
        match byte {
            b'"' => return Ok(at),
            b'\\' => at += 2,
            b'\n' => return Err(at),
            _ => at += 1,
        }
    }
    Err(bytes.len())
}

fn skip_space(bytes: &[u8], from: usize) -> usize {
    let rest = bytes.get(from..).unwrap_or_default();
    let space = rest
        .iter()
        .take_while(|byte| matches!(byte, b' ' | b'\t' | b'\n' | b'\r'));
    from + space.count()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(json: &str, lines: &str) {
        let made = to_lines(json.as_bytes()).map(|lines| String::from_utf8(lines).unwrap());
        assert_eq!(made.as_deref(), Ok(lines), "{json}");
    }

    #[test]
    fn arrays_and_sequences_become_lines() {
        check("", "");
        check(" [ ] ", "");
        check("[1,2]", "1\n2\n");
        check("{\"a\":1}\n{\"a\":2}\n", "{\"a\":1}\n{\"a\":2}\n");
        check("{\n \"a\": [1,\n 2]\n}", "{  \"a\": [1,  2] }\n");
        check(
            r#"[{"a":"],}\""} , ["x"], "s", null]"#,
            "{\"a\":\"],}\\\"\"}\n[\"x\"]\n\"s\"\nnull\n",
        );
    }

    #[test]
    fn what_is_no_json_says_where() {
        let wrong = [
            ("[1", 2),
            ("[1 2]", 3),
            ("[1]x", 3),
            ("{\"a", 3),
            ("[,]", 1),
            ("{", 1),
        ];
        for (json, at) in wrong {
            assert_eq!(to_lines(json.as_bytes()), Err(at), "{json}");
        }
    }
}
