//! Regular expressions with named groups.

use pelton_record::View;
use regex::{CaptureLocations, Regex, RegexBuilder};

use super::pattern::{Emit, Mismatch, Name, Part, Pattern, Splitter};
use crate::Error;

/// An expression that must match whole lines; its named groups are the parts.
#[derive(Clone, Debug)]
pub(super) struct Expression {
    regex: Regex,
    /// Name and index of each named group.
    groups: Vec<(String, usize)>,
}

impl Expression {
    pub(super) fn parse(text: &str) -> Result<Self, Error> {
        let regex = RegexBuilder::new(&format!("^(?:{text})$"))
            .build()
            .map_err(|error| Error::new(format!("regular expression: {error}")))?;
        let names = regex.capture_names().enumerate();
        let groups: Vec<_> = names
            .filter_map(|(index, name)| Some((name?.to_owned(), index)))
            .collect();
        if groups.is_empty() {
            return Err(Error::new(
                "regular expression: name at least one group, as `(?<message>.*)`",
            ));
        }
        Ok(Self { regex, groups })
    }
}

impl Pattern for Expression {
    fn parts(&self) -> Vec<Part> {
        let part = |(name, _): &(String, usize)| Part::untyped(name);
        self.groups.iter().map(part).collect()
    }

    fn splitter(&self) -> Box<dyn Splitter> {
        Box::new(Matcher {
            locations: self.regex.capture_locations(),
            expression: self.clone(),
        })
    }
}

struct Matcher {
    expression: Expression,
    /// Reused from line to line.
    locations: CaptureLocations,
}

impl Splitter for Matcher {
    fn split(&mut self, line: &[u8], emit: Emit<'_>) -> Result<(), Mismatch> {
        let Expression { regex, groups } = &self.expression;
        let text = std::str::from_utf8(line).unwrap_or_default();
        if regex.captures_read(&mut self.locations, text).is_none() {
            let expected = "a line that the regular expression matches".to_owned();
            return Err(Mismatch { at: 0, expected });
        }
        for (part, (_, group)) in groups.iter().enumerate() {
            if let Some((start, end)) = self.locations.get(*group) {
                emit(
                    Name::Part(part),
                    View::between(start as u32, end as u32),
                    false,
                );
            }
        }
        Ok(())
    }
}
