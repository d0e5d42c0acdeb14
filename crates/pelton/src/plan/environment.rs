//! Values from the environment, in the text of a plan.

use std::borrow::Cow;

use super::{Place, PlanError};

/// Puts the environment's values in the place of `${NAME}`, or what stands in `${NAME:-this}` when
/// there is no such variable. `$${` stands for `${`; lines of comment are left alone.
pub(super) fn substitute<'a>(
    text: &'a str,
    variable: &dyn Fn(&str) -> Option<String>,
) -> Result<Cow<'a, str>, PlanError> {
    if !text.contains("${") {
        return Ok(text.into());
    }
    let mut out = String::with_capacity(text.len());
    let mut start = 0;
    for line in text.split_inclusive('\n') {
        match line.trim_start().starts_with('#') {
            true => out.push_str(line),
            false => replace(line, &mut out, variable)
                .map_err(|(at, message)| located(text, start + at, message))?,
        }
        start += line.len();
    }
    Ok(out.into())
}

fn located(text: &str, byte: usize, message: String) -> PlanError {
    PlanError::new(message).at(text, Place::of_byte(text, byte))
}

fn replace(
    line: &str,
    out: &mut String,
    variable: &dyn Fn(&str) -> Option<String>,
) -> Result<(), (usize, String)> {
    let mut rest = line;
    while let Some(at) = rest.find("${") {
        let (before, from) = rest.split_at(at);
        if let Some(before) = before.strip_suffix('$') {
            out.push_str(before);
            out.push_str("${");
            rest = &from[2..];
            continue;
        }
        out.push_str(before);
        let place = line.len() - from.len();
        let (inside, after) = from[2..]
            .split_once('}')
            .ok_or_else(|| (place, "`${` is not closed by `}`".to_owned()))?;
        let (name, usual) = match inside.split_once(":-") {
            Some((name, usual)) => (name, Some(usual)),
            None => (inside, None),
        };
        let value = variable(name).or_else(|| usual.map(str::to_owned));
        out.push_str(&value.ok_or_else(|| {
            let message = format!(
                "the environment has no variable `{name}`; set it, or give a default as in \
                 `${{{name}:-value}}`"
            );
            (place, message)
        })?);
        rest = after;
    }
    out.push_str(rest);
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn substituted(text: &str) -> Result<String, PlanError> {
        let variable = |name: &str| (name == "PORT").then(|| "9000".to_owned());
        substitute(text, &variable).map(Cow::into_owned)
    }

    #[test]
    fn variables_defaults_and_escapes() {
        let text = "a = \"${PORT}\" # ${PORT}\n# ${NONE}\nb = \"${HOST:-here}:$${PORT}\"\n";
        let expected = "a = \"9000\" # 9000\n# ${NONE}\nb = \"here:${PORT}\"\n";
        assert_eq!(substituted(text).as_deref(), Ok(expected));
    }

    #[test]
    fn what_is_missing_is_told_with_its_place() {
        let missing = substituted("a = 1\nb = \"${NONE}\"\n").expect_err("no such variable");
        assert_eq!(missing.line_and_column(), Some((2, 6)));
        assert!(missing.message().contains("`NONE`"));
        let open = substituted("a = \"${PORT\"\n").expect_err("not closed");
        assert_eq!(open.line_and_column(), Some((1, 6)));
    }
}
