//! From files to plans, with every error at its place.

use std::fmt;
use std::path::Path;

use pelton_record::nearest;
use serde::de::DeserializeOwned;

use super::locate::{Place, excerpt};
use super::{Plan, environment};

/// Why a plan makes no sense, and where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PlanError {
    message: String,
    file: Option<String>,
    place: Option<Place>,
    /// The line in question with a mark below the column.
    excerpt: Option<String>,
}

impl PlanError {
    /// An error without a place. The message is one clause in lower case without a full stop.
    pub fn new(message: impl Into<String>) -> Self {
        Self {
            message: message.into(),
            file: None,
            place: None,
            excerpt: None,
        }
    }

    pub(crate) fn at(mut self, text: &str, place: Place) -> Self {
        self.excerpt = Some(excerpt(text, place));
        self.place = Some(place);
        self
    }

    /// The same error at a line and column of `text`, both from 1.
    pub(crate) fn at_line(self, text: &str, line: u32, column: u32) -> Self {
        self.at(
            text,
            Place {
                line: line.max(1) as usize,
                column: column.max(1) as usize,
            },
        )
    }

    /// The same error in `file`.
    #[must_use]
    pub fn in_file(mut self, file: &str) -> Self {
        self.file = Some(file.to_owned());
        self
    }

    /// What is wrong, without the place.
    #[must_use]
    pub fn message(&self) -> &str {
        &self.message
    }

    /// Line and column in the file, both from 1.
    #[must_use]
    pub fn line_and_column(&self) -> Option<(usize, usize)> {
        self.place.map(|place| (place.line, place.column))
    }
}

impl fmt::Display for PlanError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (&self.file, self.place) {
            (Some(file), Some(Place { line, column })) => write!(f, "{file}:{line}:{column}: ")?,
            (Some(file), None) => write!(f, "{file}: ")?,
            (None, Some(Place { line, column })) => write!(f, "line {line}, column {column}: ")?,
            (None, None) => {}
        }
        f.write_str(&self.message)?;
        self.excerpt
            .as_ref()
            .map_or(Ok(()), |excerpt| write!(f, "\n{excerpt}"))
    }
}

impl std::error::Error for PlanError {}

/// The languages that a plan is written in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Language {
    Toml,
    Yaml,
    Json,
}

impl Plan {
    /// Reads a plan from the text of a file, in the language that the extension of `path` names:
    /// TOML, YAML or JSON. `${NAME}` stands for what the environment has under that name, and
    /// `${NAME:-this}` for `this` when it has none.
    ///
    /// # Errors
    ///
    /// When the text is not of that language, or is no plan; with line and column.
    pub fn from_text(text: &str, path: &Path) -> Result<Self, PlanError> {
        let extension = path
            .extension()
            .map(|extension| extension.to_ascii_lowercase());
        let language = match extension.as_ref().and_then(|extension| extension.to_str()) {
            Some("yaml" | "yml") => Language::Yaml,
            Some("json") => Language::Json,
            Some("toml") | None => Language::Toml,
            Some(other) => {
                let message = format!(
                    "unknown kind of pipeline file `.{other}`, expected .toml, .yaml or .json"
                );
                return Err(PlanError::new(message));
            }
        };
        let text = environment::substitute(text, &|name| std::env::var(name).ok())?;
        parse(&text, language)
    }

    /// Reads a plan written in TOML.
    ///
    /// # Errors
    ///
    /// As [`from_text`](Self::from_text).
    pub fn from_toml(text: &str) -> Result<Self, PlanError> {
        parse(text, Language::Toml)
    }

    /// The plan with one value replaced: `set("engine.workers", "1")`. The value is read as TOML,
    /// and as text when it is none.
    ///
    /// # Errors
    ///
    /// When there is no such key, or the value does not fit.
    pub fn set(&self, key: &str, value: &str) -> Result<Self, PlanError> {
        let wrong = |error: &dyn fmt::Display| {
            PlanError::new(format!(
                "--set {key}={value}: {}",
                first_line(&error.to_string())
            ))
        };
        let mut tree = serde_json::to_value(self).map_err(|error| wrong(&error))?;
        let parsed = toml::from_str::<toml::Table>(&format!("value = {value}"))
            .ok()
            .and_then(|mut table| table.remove("value"))
            .and_then(|value| serde_json::to_value(value).ok());
        let mut slot = &mut tree;
        for part in key.split('.') {
            slot = match part.parse::<usize>() {
                Ok(index) if slot.is_array() => slot.get_mut(index),
                _ => slot.as_object_mut().map(|table| {
                    table
                        .entry(part)
                        .or_insert_with(|| serde_json::Value::Object(Default::default()))
                }),
            }
            .ok_or_else(|| wrong(&"there is no such key"))?;
        }
        *slot = parsed.unwrap_or_else(|| value.into());
        serde_json::from_value(tree).map_err(|error| wrong(&suggest(&error.to_string())))
    }
}

fn parse<T: DeserializeOwned>(text: &str, language: Language) -> Result<T, PlanError> {
    let located = |message: &str, place: Option<Place>| {
        let error = PlanError::new(suggest(message));
        match place {
            Some(place) => error.at(text, place),
            None => error,
        }
    };
    match language {
        Language::Toml => toml::from_str(text).map_err(|error| {
            located(
                error.message(),
                error.span().map(|span| Place::of_byte(text, span.start)),
            )
        }),
        Language::Yaml => serde_saphyr::from_str(text).map_err(|error| {
            let place = error.location().map(|location| Place {
                line: location.line() as usize,
                column: location.column() as usize,
            });
            located(&error.without_snippet().to_string(), place)
        }),
        Language::Json => serde_json::from_str(text).map_err(|error| {
            let message = error.to_string();
            let message = message.split(" at line ").next().unwrap_or(&message);
            located(message, Some(json_place(text, &error, message)))
        }),
    }
}

/// Where a name begins that JSON's reader complains about once it is past it.
fn json_place(text: &str, error: &serde_json::Error, message: &str) -> Place {
    let place = Place {
        line: error.line().max(1),
        column: error.column().max(1),
    };
    let named = message.starts_with("unknown ");
    let (Some(name), true) = (message.split('`').nth(1), named) else {
        return place;
    };
    let line = text.lines().nth(place.line - 1).unwrap_or_default();
    let end = line.floor_char_boundary(place.column);
    let start = line[..end].rfind(name);
    let column = start.map_or(place.column, |at| line[..at].chars().count() + 1);
    Place { column, ..place }
}

fn first_line(text: &str) -> &str {
    text.lines().next().unwrap_or(text)
}

/// Serde's words for an unknown name, with the nearest of the names it lists.
fn suggest(message: &str) -> String {
    let message = first_line(message);
    if message.starts_with("wanted exactly 1 element") {
        return "a stage has exactly one key, the name of what it does".to_owned();
    }
    if message == "invalid type: map, expected a sequence" {
        return "expected a list; in TOML each stage begins with [[stage]]".to_owned();
    }
    let mut names = message.split('`').skip(1).step_by(2);
    let unknown = message.contains("unknown field") || message.contains("unknown variant");
    let (Some(name), true) = (names.next(), unknown) else {
        return message.to_owned();
    };
    let kind = if message.contains("field") {
        "key"
    } else {
        "name"
    };
    let mut known: Vec<&str> = names.collect();
    if let (true, Some((_, list))) = (known.is_empty(), message.split_once("expected one of ")) {
        known.extend(list.split(", "));
    }
    match nearest(name, known.iter().copied()) {
        Some(near) => format!("unknown {kind} `{name}`; did you mean `{near}`?"),
        None => format!(
            "unknown {kind} `{name}`, expected one of {}",
            known.join(", ")
        ),
    }
}
