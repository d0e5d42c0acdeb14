//! Enough of Rust's grammar to tell code from comments and literals.

/// One line: its code, literals blanked, and its comments.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Line {
    pub(super) code: String,
    pub(super) comment: String,
}

/// Where the reader is.
#[derive(Debug, Clone, Copy)]
enum State {
    Code,
    /// Until the end of the line.
    LineComment,
    /// Until as many ends as there were beginnings.
    BlockComment(usize),
    /// Until a quote that no backslash escapes.
    Text,
    /// Until a quote followed by so many hashes.
    RawText(usize),
}

/// Splits a file into its lines.
pub(super) fn lines(text: &str) -> Vec<Line> {
    let mut state = State::Code;
    text.lines()
        .map(|line| {
            let (parsed, next) = split(line, state);
            state = next;
            parsed
        })
        .collect()
}

fn split(line: &str, mut state: State) -> (Line, State) {
    let mut parsed = Line::default();
    let mut rest = line;
    while !rest.is_empty() {
        let taken = match state {
            State::Code => code(rest, &mut parsed, &mut state),
            State::LineComment => rest.len(),
            State::BlockComment(depth) => block_comment(rest, depth, &mut state),
            State::Text => text(rest, &mut state),
            State::RawText(hashes) => raw_text(rest, hashes, &mut state),
        };
        if let State::LineComment | State::BlockComment(_) = state {
            parsed.comment.push_str(&rest[..taken]);
        }
        rest = &rest[taken..];
    }
    if let State::LineComment = state {
        state = State::Code;
    }
    (parsed, state)
}

/// Reads one token of code; returns how many bytes it took.
fn code(rest: &str, parsed: &mut Line, state: &mut State) -> usize {
    let taken = if rest.starts_with("//") {
        *state = State::LineComment;
        return rest.len();
    } else if rest.starts_with("/*") {
        *state = State::BlockComment(1);
        return 2;
    } else if rest.starts_with('"') {
        *state = opened_text(&parsed.code);
        1
    } else if let Some(length) = character_literal(rest) {
        parsed.code.push_str("' '");
        return length;
    } else {
        rest.chars().next().map_or(1, char::len_utf8)
    };
    parsed.code.push_str(&rest[..taken]);
    taken
}

/// The kind of literal a quote opens, told by what stands before it: `r`, hashes, or nothing.
fn opened_text(before: &str) -> State {
    let name = before.trim_end_matches('#');
    let raw = ["r", "br", "cr"].iter().any(|prefix| {
        let head = name.strip_suffix(prefix);
        head.is_some_and(|head| !head.ends_with(|c: char| c.is_alphanumeric() || c == '_'))
    });
    match raw {
        true => State::RawText(before.len() - name.len()),
        false => State::Text,
    }
}

/// The length of `'x'` or `'\n'`; none for a lifetime.
fn character_literal(rest: &str) -> Option<usize> {
    let inside = rest.strip_prefix('\'')?;
    let mut characters = inside.char_indices();
    match characters.next()? {
        (_, '\\') => inside[2..].find('\'').map(|end| end + 4),
        (_, first) => {
            let end = first.len_utf8();
            inside[end..].starts_with('\'').then_some(end + 2)
        }
    }
}

fn block_comment(rest: &str, depth: usize, state: &mut State) -> usize {
    if rest.starts_with("*/") {
        *state = match depth {
            1 => State::Code,
            _ => State::BlockComment(depth - 1),
        };
        return 2;
    }
    if rest.starts_with("/*") {
        *state = State::BlockComment(depth + 1);
        return 2;
    }
    rest.chars().next().map_or(1, char::len_utf8)
}

fn text(rest: &str, state: &mut State) -> usize {
    if rest.starts_with('\\') {
        return rest.chars().take(2).map(char::len_utf8).sum();
    }
    if rest.starts_with('"') {
        *state = State::Code;
    }
    rest.chars().next().map_or(1, char::len_utf8)
}

fn raw_text(rest: &str, hashes: usize, state: &mut State) -> usize {
    let closed = rest.strip_prefix('"').is_some_and(|after| {
        let found = after.bytes().take_while(|byte| *byte == b'#').count();
        hashes <= found
    });
    if closed {
        *state = State::Code;
        return 1 + hashes;
    }
    rest.chars().next().map_or(1, char::len_utf8)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, code: &[&str], comments: &[&str]) {
        let lines = lines(text);
        let found: Vec<&str> = lines.iter().map(|line| line.code.as_str()).collect();
        assert_eq!(found, code);
        let found: Vec<&str> = lines.iter().map(|line| line.comment.as_str()).collect();
        assert_eq!(found, comments);
    }

    #[test]
    fn comments_end_with_their_line_or_their_last_end() {
        check("a // b\nc", &["a ", "c"], &["// b", ""]);
        check(
            "a /* b /* c */\nd */ e",
            &["a ", " e"],
            &["/* b /* c */", "d "],
        );
    }

    #[test]
    fn literals_are_blanked() {
        check(
            r#"f("a // \" b", 'c', '\'')"#,
            &[r#"f(", ' ', ' ')"#],
            &[""],
        );
        check("r#\"a \" b\"# + c", &["r#\" + c"], &[""]);
    }

    #[test]
    fn lifetimes_are_code() {
        check(
            "fn f<'a>(x: &'a str) // '",
            &["fn f<'a>(x: &'a str) "],
            &["// '"],
        );
    }

    #[test]
    fn literals_run_on_over_lines() {
        check("x(\"a\n// b\") // c", &["x(\"", ") "], &["", "// c"]);
    }
}
