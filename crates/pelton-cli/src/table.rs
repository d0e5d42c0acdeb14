//! Rows as an aligned table, for people.

/// Columns wider than this are cut.
const WIDTH_MAX: usize = 60;

/// Draws CSV with a header line as a table; columns marked `numeric` stand to the right.
pub(crate) fn draw(csv: &[u8], numeric: &[bool]) -> String {
    let rows = parse(csv);
    let columns = rows.first().map_or(0, Vec::len);
    let widths: Vec<usize> = (0..columns)
        .map(|column| {
            rows.iter()
                .filter_map(|row| row.get(column))
                .map(|t| t.chars().count())
                .max()
        })
        .map(|width| width.unwrap_or(0))
        .collect();
    let mut out = String::new();
    for (index, row) in rows.iter().enumerate() {
        line(row, &widths, numeric, &mut out);
        if index == 0 {
            let rules: Vec<String> = widths.iter().map(|&width| "─".repeat(width)).collect();
            out.push_str(&rules.join("  "));
            out.push('\n');
        }
    }
    out
}

fn line(row: &[String], widths: &[usize], numeric: &[bool], out: &mut String) {
    let start = out.len();
    for (column, (text, &width)) in row.iter().zip(widths).enumerate() {
        if column > 0 {
            out.push_str("  ");
        }
        let padding = " ".repeat(width - text.chars().count());
        let right = numeric.get(column).copied().unwrap_or(false);
        let (left, right) = if right {
            (padding.as_str(), "")
        } else {
            ("", padding.as_str())
        };
        out.push_str(left);
        out.push_str(text);
        out.push_str(right);
    }
    out.truncate(start + out[start..].trim_end().len());
    out.push('\n');
}

/// The cells of what the CSV encoder wrote.
fn parse(csv: &[u8]) -> Vec<Vec<String>> {
    let mut rows = vec![Vec::new()];
    let (mut cell, mut quoted) = (Vec::new(), false);
    let mut bytes = csv.iter().copied().peekable();
    while let Some(byte) = bytes.next() {
        match byte {
            b'"' if quoted && bytes.next_if_eq(&b'"').is_some() => cell.push(b'"'),
            b'"' => quoted = !quoted,
            b',' if !quoted => push_cell(&mut rows, &mut cell),
            b'\n' if !quoted => {
                push_cell(&mut rows, &mut cell);
                rows.push(Vec::new());
            }
            byte => cell.push(byte),
        }
    }
    rows.pop();
    rows
}

fn push_cell(rows: &mut [Vec<String>], cell: &mut Vec<u8>) {
    let text = String::from_utf8_lossy(&std::mem::take(cell)).replace(['\n', '\r', '\t'], " ");
    let cut: String = match text.chars().count() > WIDTH_MAX {
        true => text.chars().take(WIDTH_MAX - 1).chain(['…']).collect(),
        false => text,
    };
    if let Some(row) = rows.last_mut() {
        row.push(cut);
    }
}
