//! Operators of expressions, case by case. What is expected comes from PostgreSQL's documentation
//! and is what its server answers, except where the crate's documentation says otherwise.

mod table;

use pelton_stage::Expression;
use table::{check, check_nulls};

#[test]
fn integers_are_computed_exactly_or_refused() {
    check("i + 1", "43");
    check("7 / 2", "3");
    check("-7 / 2", "-3");
    check("-7 % 2", "-1");
    check("i / 0", "failed: division by zero");
    check("i % 0", "failed: division by zero");
    check("9223372036854775807 + i", "failed: integer out of range");
    check(
        "(-9223372036854775808) / (i - 43)",
        "failed: integer out of range",
    );
    check("(-9223372036854775808) % (i - 43)", "0");
    check_nulls("i / 0", "null");
}

#[test]
fn decimals_are_exact() {
    check("d + 1", "20.99");
    check("d * 3", "59.97");
    check("d * d", "399.6001");
    check("d - 0.005", "19.985");
    check("0.1 + 0.2 = 0.3", "true");
    check("10.0 / 3", "3.3333333333333333");
    check("2.0 / 3", "0.6666666666666667");
    check("-2.0 / 3", "-0.6666666666666667");
    check("d % 5", "4.99");
    check("d / 0", "failed: division by zero");
    check("i * 1.5", "63.0");
    check(
        "99999999999999999999999999999999999999.0 * i",
        "error: line 1, column 1: `99999999999999999999999999999999999999.0` is out of range",
    );
    check(
        "9999999999999999999999999999999999999.0 * i",
        "failed: numeric overflow",
    );
}

#[test]
fn floats_do_not_silently_overflow() {
    check("f * 2", "5");
    check("f / 0", "failed: division by zero");
    check("1e308 * (f * 10)", "failed: value out of range: overflow");
    check(
        "1e-308 / (f * 1e300)",
        "failed: value out of range: underflow",
    );
    check("0.1::double precision + 0.2 = 0.3", "false");
}

#[test]
fn nan_is_equal_to_itself_and_greater_than_all() {
    check("'NaN'::double precision = 'NaN'::double precision", "true");
    check(
        "'NaN'::double precision > 'Infinity'::double precision",
        "true",
    );
    check("f < 'NaN'", "true");
    check("-0.0::double precision = 0", "true");
}

#[test]
fn logic_has_three_values() {
    check_nulls("b AND FALSE", "false");
    check_nulls("b AND TRUE", "null");
    check_nulls("b OR TRUE", "true");
    check_nulls("b OR FALSE", "null");
    check_nulls("NOT b", "null");
    check_nulls("b IS NULL", "true");
    check_nulls("b IS NOT TRUE", "true");
    check_nulls("i IS DISTINCT FROM 1", "true");
    check_nulls("i IS NOT DISTINCT FROM NULL", "true");
    check_nulls("i = NULL", "null");
    check("b IS TRUE AND NOT (b IS FALSE)", "true");
}

#[test]
fn what_is_not_decided_by_a_failure_does_not_fail() {
    check("i = 0 AND 1 / (i - 42) > 2", "false");
    check("1 / (i - 42) > 2 AND i = 0", "false");
    check("i <> 0 AND 1 / (i - 42) > 2", "failed: division by zero");
    check("i = 42 OR 1 / (i - 42) > 2", "true");
    check_nulls("b AND 1 / 0 > 2", "failed: division by zero");
    check("CASE WHEN i <> 42 THEN 1 / (i - 42) END", "null");
    check(
        "CASE WHEN i = 42 THEN 1 / (i - 42) ELSE 0 END",
        "failed: division by zero",
    );
    check(
        "CASE WHEN i = 42 THEN 1 WHEN 1 / (i - 42) = 1 THEN 2 END",
        "1",
    );
}

#[test]
fn a_failure_is_no_null_to_those_who_take_nulls() {
    check("greatest(i, 1 / (i - 42))", "failed: division by zero");
    check("concat(s, 1 / (i - 42))", "failed: division by zero");
    check(
        "greatest(1, 1 / (i - 42)) > 0 AND b",
        "failed: division by zero",
    );
    check("1 / (i - 42) IS NULL", "failed: division by zero");
    check(
        "1 / (i - 42) IS DISTINCT FROM 1",
        "failed: division by zero",
    );
    check("coalesce(1 / (i - 42), 1)", "failed: division by zero");
    check("coalesce(1, 1 / (i - 42))", "1");
}

/// A sign behind an operator is the operand's.
#[test]
fn signs_need_no_space_before_them() {
    for (tight, wide) in [
        ("a>-1", "a > -1"),
        ("a>=-1", "a >= -1"),
        ("a<>-1", "a <> -1"),
        ("a!=-1", "a <> -1"),
        ("a=-1", "a = -1"),
        ("a*-1", "a * -1"),
        ("a>+1", "a > +1"),
    ] {
        let read = |text| Expression::parse(text).expect("SQL").to_string();
        assert_eq!(read(tight), read(wide), "{tight}");
    }
}
