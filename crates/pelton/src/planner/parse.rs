//! A column of text that is taken apart by a format of its own.

use std::sync::Arc;

use pelton_format::{Csv, Format, Limits, Log, Ndjson};
use pelton_record::{DataType, Field, Schema};

use super::draft::{Binding, Fault, Step};
use super::flow::Flow;
use super::formats;
use crate::parse::{Parse, Separation};
use crate::plan::{FormatName, ParsePlan};

/// A value is part of a record, whose length was checked when it was read.
const LIMITS: Limits = Limits {
    record_bytes_max: 1 << 30,
};

pub(super) fn parse(
    plan: &ParsePlan,
    schema: &Arc<Schema>,
    binding: &mut Binding<'_, '_>,
) -> Result<Vec<Step>, Fault> {
    let column = binding.column(&plan.column, schema)?;
    let Field { name, data_type } = &schema.fields()[column];
    if *data_type != DataType::String {
        let message = format!("`{name}` is {data_type}, not text");
        return Err(binding.wrong(&plan.column, &message));
    }
    let (format, separation) = format(plan, binding)?;
    let fields = fields(plan, &*format, binding)?;
    let parse = Parse::new(column, (format, separation), fields, schema, plan);
    let flow = Flow {
        reads: vec![name.clone()],
        writes: parse.made().map(str::to_owned).collect(),
        passes: true,
        keeps_rows: true,
        ..Flow::default()
    };
    Ok(vec![Step::stage(parse.named(binding.label), flow)])
}

/// The format of the values, and how they are kept apart when they are read together.
fn format(
    plan: &ParsePlan,
    binding: &mut Binding<'_, '_>,
) -> Result<(Arc<dyn Format>, Separation), Fault> {
    let is_csv = matches!(plan.format, FormatName::Csv | FormatName::Tsv);
    if plan.pattern.is_some() && plan.format != FormatName::Log {
        return Err(binding.wrong("pattern", "`pattern` is for the format log alone"));
    }
    if plan.delimiter.is_some() && !is_csv {
        return Err(binding.wrong("delimiter", "`delimiter` is for csv and tsv alone"));
    }
    match plan.format {
        FormatName::Ndjson => Ok((Arc::new(Ndjson { limits: LIMITS }), Separation::Space)),
        FormatName::Csv | FormatName::Tsv => {
            let csv = formats::fields(plan.format, plan.delimiter, LIMITS);
            let csv: Csv = csv.map_err(|error| binding.wrong("delimiter", &error.to_string()))?;
            Ok((Arc::new(csv), Separation::Quotes))
        }
        FormatName::Log => {
            let text = plan.pattern.as_deref().unwrap_or("combined");
            let pattern = text.parse();
            let pattern = pattern.map_err(|error: pelton_format::Error| {
                binding.wrong(text, &format!("pattern: {error}"))
            })?;
            let limits = LIMITS;
            Ok((Arc::new(Log { pattern, limits }), Separation::Lines))
        }
        _ => Err(binding.wrong("format", "a text is parsed as ndjson, csv, tsv or log")),
    }
}

/// The columns that are made, as the format calls them.
fn fields(
    plan: &ParsePlan,
    format: &dyn Format,
    binding: &mut Binding<'_, '_>,
) -> Result<Schema, Fault> {
    let known = match plan.format {
        FormatName::Log => format.open(b"", true).map(|opened| opened.schema),
        _ => Ok(Schema::default()),
    };
    let known = known.map_err(|error| binding.wrong("parse", &error.to_string()))?;
    if plan.schema.0.is_empty() {
        return match known.is_empty() {
            true => Err(binding.wrong(
                "parse",
                "`schema` is missing: the columns to make with their types, `{ id = \"int64\" }`",
            )),
            false => Ok(known),
        };
    }
    let mut fields = Vec::new();
    for (name, data_type) in &plan.schema.0 {
        if !known.is_empty() && known.fields().iter().all(|field| field.name != *name) {
            let near = known.nearest(name);
            let hint = near.map_or(String::new(), |near| format!("; did you mean `{near}`?"));
            let message = format!("schema: the pattern has no part `{name}`{hint}");
            return Err(binding.wrong(name, &message));
        }
        let parsed: Result<DataType, _> = data_type.parse();
        let parsed = parsed
            .map_err(|error| binding.wrong(data_type, &format!("schema: {name}: {error}")))?;
        fields.push(Field {
            name: name.clone(),
            data_type: parsed,
        });
    }
    Ok(Schema::new(fields))
}
