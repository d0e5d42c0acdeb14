//! Names and types of columns.

use pelton_record::{DataType, RejectedKind, Schema, nearest};
use proptest::prelude::*;

fn data_type() -> impl Strategy<Value = DataType> {
    prop_oneof![
        Just(DataType::Bool),
        Just(DataType::Int64),
        Just(DataType::Float64),
        (0..=38_u8).prop_map(|scale| DataType::Decimal { scale }),
        Just(DataType::String),
        Just(DataType::Bytes),
        Just(DataType::Timestamp),
    ]
}

/// Levenshtein's distance by its definition, one letter at a time.
fn distance(from: &[char], to: &[char]) -> usize {
    match (from, to) {
        (rest, []) | ([], rest) => rest.len(),
        ([a, from @ ..], [b, to @ ..]) if a == b => distance(from, to),
        ([_, shorter @ ..], [_, other @ ..]) => {
            let swapped = distance(shorter, other);
            1 + swapped
                .min(distance(shorter, to))
                .min(distance(from, other))
        }
    }
}

proptest! {
    #[test]
    fn a_type_is_read_as_it_is_written(data_type in data_type()) {
        prop_assert_eq!(data_type.to_string().parse(), Ok(data_type));
        prop_assert_eq!(data_type.to_string().to_uppercase().parse(), Ok(data_type));
    }

    #[test]
    fn no_text_makes_the_reader_of_types_panic(text in ".{0,20}|(decimal|numeric).{0,9}") {
        if let Err(error) = text.parse::<DataType>() {
            prop_assert!(error.to_string().contains(&text));
        }
    }

    #[test]
    fn the_nearest_name_is_one_of_the_least_distance_and_near_enough(
        name in "[a-d]{1,6}",
        names in prop::collection::vec("[a-d]{1,6}", 0..6),
    ) {
        let letters = |text: &str| text.chars().collect::<Vec<char>>();
        let far = |other: &str| distance(&letters(&name), &letters(other));
        let limit = |other: &str| name.len().div_ceil(3).min(other.len().saturating_sub(1));
        let is_slip = |other: &str| far(other) <= limit(other);
        let best = names.iter().filter(|it| is_slip(it)).map(|it| far(it)).min();
        prop_assert_eq!(nearest(&name, names.iter().map(String::as_str)).map(far), best);
    }
}

#[test]
fn case_matters_only_where_names_differ_by_it() {
    let schema = Schema::of(["id", "Name", "name", "City"].map(|name| (name, DataType::String)));
    assert_eq!(schema.index_of("name"), Some(2));
    assert_eq!(schema.index_of("Name"), Some(1));
    assert_eq!(schema.index_of("NAME"), None);
    assert_eq!(schema.index_of("CITY"), Some(3));
    assert_eq!(schema.index_of("town"), None);
}

#[test]
fn a_type_that_is_unknown_is_told_with_what_it_could_have_been() {
    let told = |name: &str| name.parse::<DataType>().expect_err("unknown").to_string();
    assert_eq!(
        told("strin"),
        "unknown type `strin`; did you mean `string`?"
    );
    assert!(
        told("x").ends_with(
            "expected one of bool, int64, float64, decimal(p,s), string, bytes, timestamp"
        )
    );
    assert!("decimal(39,2)".parse::<DataType>().is_err());
    assert!("decimal(4,5)".parse::<DataType>().is_err());
}

#[test]
fn each_kind_of_refusal_has_a_name_of_its_own() {
    let mut names = RejectedKind::ALL.map(RejectedKind::name);
    names.sort_unstable();
    assert!(names.windows(2).all(|pair| pair[0] != pair[1]));
}
