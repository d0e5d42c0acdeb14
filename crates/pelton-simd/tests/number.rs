//! Numbers: reading against the standard library or arithmetic on strings, writing against reading.

use pelton_simd::Level;
use pelton_simd::number::*;
use pelton_simd::view::View;
use proptest::prelude::*;

/// Text that looks like a number, and often is one.
fn numberish() -> impl Strategy<Value = String> {
    prop_oneof![
        "[+-]?[0-9]{0,45}",
        "[+-]?[0-9]{0,20}\\.[0-9]{0,20}",
        "[+-]?[0-9]{0,9}\\.?[0-9]{0,9}[eE][+-]?[0-9]{0,4}",
        "[+-]?0{0,50}[0-9]{1,5}\\.[0-9]{0,3}0{0,50}",
        "[0-9+.eE:/ -]{0,20}",
        "[+-]?[iI][nN][fF](inity)?",
        "[+-]?(nan|NaN)",
    ]
}

/// What the decimal means, told by string arithmetic.
fn decimal_by_hand(text: &str) -> Option<(bool, String, usize)> {
    let (minus, digits) = match text.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, text.strip_prefix('+').unwrap_or(text)),
    };
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
    let all = format!("{whole}{fraction}");
    let valid = !all.is_empty() && all.bytes().all(|byte| byte.is_ascii_digit());
    valid.then(|| {
        (
            minus,
            all.trim_start_matches('0').to_owned(),
            fraction.len(),
        )
    })
}

fn signed(minus: bool, digits: &str) -> i128 {
    let size: i128 = if digits.is_empty() {
        0
    } else {
        digits.parse().expect("38 digits")
    };
    if minus { -size } else { size }
}

fn check_decimal(text: &str) {
    let expected = decimal_by_hand(text)
        .filter(|(_, digits, scale)| digits.len() <= 38 && *scale <= 38)
        .map(|(minus, digits, scale)| (signed(minus, &digits), scale as u8));
    assert_eq!(parse_decimal(text.as_bytes()), expected, "{text}");
}

fn scaled_by_hand(text: &str, scale: usize) -> Result<i128, NumberError> {
    let (minus, mut digits, mut found) = decimal_by_hand(text).ok_or(NumberError::Malformed)?;
    while found > scale {
        if !matches!(digits.pop(), None | Some('0')) {
            let fits = digits.len() < 38 || found <= 38;
            assert!(fits, "the test does not reach this far");
            return Err(NumberError::TooManyFractionDigits);
        }
        found -= 1;
    }
    if !digits.is_empty() {
        digits.push_str(&"0".repeat(scale - found));
    }
    if digits.len() > 38 {
        return Err(NumberError::Overflow);
    }
    Ok(signed(minus, &digits))
}

fn check_f64(text: &str) {
    let expected = text.parse::<f64>().ok().map(f64::to_bits);
    assert_eq!(
        parse_f64(text.as_bytes()).map(f64::to_bits),
        expected,
        "{text}"
    );
}

fn written(write: impl Fn(&mut Vec<u8>)) -> String {
    let mut out = b">".to_vec();
    write(&mut out);
    String::from_utf8(out).expect("ASCII").split_off(1)
}

fn decimal_text(mantissa: i128, scale: usize) -> String {
    let digits = format!("{:0>width$}", mantissa.unsigned_abs(), width = scale + 1);
    let (whole, fraction) = digits.split_at(digits.len() - scale);
    let sign = if mantissa < 0 { "-" } else { "" };
    let point = if scale > 0 { "." } else { "" };
    format!("{sign}{whole}{point}{fraction}")
}

proptest! {
    #[test]
    fn integers_as_the_standard_library_reads_them(text in numberish()) {
        prop_assert_eq!(parse_i64(text.as_bytes()), text.parse().ok());
    }

    #[test]
    fn integers_come_back(value: i64, shift in 0..64u32) {
        let value = value >> shift;
        let text = written(|out| write_i64(out, value));
        prop_assert_eq!(&text, &value.to_string());
        prop_assert_eq!(parse_i64(text.as_bytes()), Some(value));
    }

    #[test]
    fn decimals_as_read_by_hand(text in numberish()) {
        check_decimal(&text);
    }

    #[test]
    fn scaled_decimals_as_read_by_hand(
        text in "[+-]?0{0,40}[0-9]{0,19}\\.?[0-9]{0,10}0{0,9}x?",
        scale in 0..=38u8,
    ) {
        let expected = scaled_by_hand(&text, usize::from(scale));
        prop_assert_eq!(parse_decimal_scaled(text.as_bytes(), scale), expected, "{}", text);
    }

    #[test]
    fn decimals_come_back(mantissa: i128, shift in 1..128u32, scale in 0..=38u8) {
        let mantissa = (mantissa >> shift) % 10i128.pow(38);
        let text = written(|out| write_decimal(out, mantissa, scale));
        prop_assert_eq!(&text, &decimal_text(mantissa, usize::from(scale)));
        prop_assert_eq!(parse_decimal(text.as_bytes()), Some((mantissa, scale)));
        prop_assert_eq!(parse_decimal_scaled(text.as_bytes(), scale), Ok(mantissa));
    }

    #[test]
    fn floats_as_the_standard_library_reads_them(text in numberish()) {
        check_f64(&text);
    }

    #[test]
    fn floats_come_back(bits: u64) {
        let value = f64::from_bits(bits);
        let text = written(|out| write_f64(out, value));
        let back = parse_f64(text.as_bytes()).expect("a number");
        prop_assert!(back.to_bits() == bits || value.is_nan() && back.is_nan(), "{}", text);
    }

    #[test]
    fn timestamps_come_back(ns: i64, coarse in 0..10u32) {
        let step = 10i64.pow(coarse);
        let ns = ns / step * step;
        let text = written(|out| write_timestamp(out, ns));
        prop_assert_eq!(parse_timestamp(text.as_bytes()), Some(ns), "{}", text);
    }

    #[test]
    fn no_text_makes_a_parser_panic(bytes in prop::collection::vec(any::<u8>(), 0..60)) {
        let _ = (parse_i64(&bytes), parse_decimal(&bytes), parse_timestamp(&bytes));
        let _ = parse_decimal_scaled(&bytes, 2);
        prop_assert_eq!(parse_f64(&bytes).is_some(), str::from_utf8(&bytes)
            .is_ok_and(|text| text.parse::<f64>().is_ok()));
    }
}

#[test]
fn every_byte_at_every_place_of_an_integer() {
    for length in 1..=20 {
        for place in 0..length {
            for byte in 0..=127u8 {
                let mut text = vec![b'1'; length];
                text[place] = byte;
                let expected = str::from_utf8(&text).expect("ASCII").parse().ok();
                assert_eq!(parse_i64(&text), expected, "{text:?}");
                let text = String::from_utf8(text).expect("ASCII");
                check_decimal(&text);
                check_f64(&text);
            }
        }
    }
}

#[test]
fn integers_at_the_limits() {
    assert_eq!(parse_i64(b"9223372036854775807"), Some(i64::MAX));
    assert_eq!(parse_i64(b"-9223372036854775808"), Some(i64::MIN));
    assert_eq!(parse_i64(b"9223372036854775808"), None);
    assert_eq!(parse_i64(b"-9223372036854775809"), None);
    assert_eq!(parse_i64(b"99999999999999999999"), None);
    assert_eq!(parse_i64(&[b'0'; 100]), Some(0));
    for value in [i64::MIN, i64::MAX, 0, 9, 10, 99_999_999, 100_000_000] {
        assert_eq!(written(|out| write_i64(out, value)), value.to_string());
    }
}

#[test]
fn decimals_at_the_limits() {
    let nines = "9".repeat(38);
    check_decimal(&nines);
    check_decimal(&format!("-0.{nines}"));
    check_decimal(&format!("{nines}9"));
    check_decimal(".");
    check_decimal("");
    check_decimal("5.");
    check_decimal(".5");
    assert_eq!(
        parse_decimal_scaled(nines.as_bytes(), 1),
        Err(NumberError::Overflow)
    );
    assert_eq!(
        parse_decimal_scaled(nines.as_bytes(), 0),
        Ok(10i128.pow(38) - 1)
    );
    assert_eq!(parse_decimal_scaled(b"1.", 38), Err(NumberError::Overflow));
    assert_eq!(parse_decimal_scaled(b"0.", 38), Ok(0));
    assert_eq!(
        parse_decimal_scaled(format!(".{}", "0".repeat(60)).as_bytes(), 2),
        Ok(0)
    );
    for scale in 0..=38 {
        for mantissa in [
            0,
            1,
            -1,
            i128::MAX,
            i128::MIN,
            10i128.pow(14),
            10i128.pow(15) - 1,
        ] {
            let text = written(|out| write_decimal(out, mantissa, scale));
            assert_eq!(text, decimal_text(mantissa, usize::from(scale)));
        }
    }
}

#[test]
fn special_floats() {
    for text in [
        "inf", "-INF", "Infinity", "nan", "1e400", "-1e-400", "5e-324", "-0", "1e22",
    ] {
        check_f64(text);
    }
    for text in [
        "",
        "-",
        "e5",
        "1e",
        "1ee5",
        "1e5.",
        "infinit",
        "0x10",
        "1_0",
        " 1",
        "9007199254740993",
    ] {
        check_f64(text);
    }
}

/// Every day that nanoseconds reach, counted one by one.
#[test]
fn the_calendar_has_no_gaps() {
    let (mut year, mut month, mut day) = (1678, 1, 1);
    let lengths = |year: i64| {
        let leap = year % 400 == 0 || year % 4 == 0 && year % 100 != 0;
        [
            31,
            28 + i64::from(leap),
            31,
            30,
            31,
            30,
            31,
            31,
            30,
            31,
            30,
            31,
        ]
    };
    let mut expected = parse_timestamp(b"1678-01-01").expect("a date");
    while year < 2262 {
        let text = format!("{year:04}-{month:02}-{day:02}");
        assert_eq!(parse_timestamp(text.as_bytes()), Some(expected), "{text}");
        assert_eq!(
            written(|out| write_timestamp(out, expected)),
            text + "T00:00:00Z"
        );
        expected += 86_400_000_000_000;
        day += 1;
        if day > lengths(year)[month - 1] {
            let too_late = format!("{year:04}-{month:02}-{day:02}");
            assert_eq!(parse_timestamp(too_late.as_bytes()), None, "{too_late}");
            (month, day) = (month + 1, 1);
        }
        if month > 12 {
            (year, month) = (year + 1, 1);
        }
    }
    assert_eq!(parse_timestamp(b"1970-01-01"), Some(0));
}

#[test]
fn timestamps_in_their_forms() {
    let check = |text: &str, seconds: i64, nanos: i64| {
        let expected = Some((i128::from(seconds) * 1_000_000_000 + i128::from(nanos)) as i64);
        assert_eq!(parse_timestamp(text.as_bytes()), expected, "{text}");
    };
    check("2001-09-09T01:46:40Z", 1_000_000_000, 0);
    check("2001-09-09 01:46:40", 1_000_000_000, 0);
    check("2001-09-09t01:46:40.000000001z", 1_000_000_000, 1);
    check("2001-09-09T01:46:40.5", 1_000_000_000, 500_000_000);
    check("2001-09-09T03:46:40+02:00", 1_000_000_000, 0);
    check("2001-09-09T03:46:40+02", 1_000_000_000, 0);
    check("2001-09-08T20:16:40-0530", 1_000_000_000, 0);
    check("2001-09-09T01:46Z", 999_999_960, 0);
    check("1969-12-31T23:59:59.25", -1, 250_000_000);
    check(
        "1677-09-21T00:12:43.145224192Z",
        -9_223_372_037,
        145_224_192,
    );
}

#[test]
fn what_is_no_timestamp() {
    for text in [
        "",
        "2024",
        "2024-01-3",
        "2024-13-01",
        "2024-00-01",
        "2024-01-00",
        "2024-01-32",
        "2100-02-29",
        "2024-01-01T",
        "2024-01-01X00:00",
        "2024-01-01T24:00",
        "2024-01-01T00:60",
        "2024-01-01T00:00:60",
        "2024-01-01T00:00:00.",
        "2024-01-01T00:00:00.1234567890",
        "2024-01-01T00:00:00+24:00",
        "2024-01-01T00:00:00+1",
        "2024-01-01T00:00:00Zx",
        "2024-01-01Z",
        "2024/01/01",
        "1677-01-01",
        "2263-01-01",
        "0000-01-01",
        "9999-12-31T23:59:59.999999999Z",
        "2024-01-01T00:00:00 01:00",
    ] {
        assert_eq!(parse_timestamp(text.as_bytes()), None, "{text}");
    }
}

proptest! {
    /// Columns give what the functions for one field give, wherever in the block the field is.
    #[test]
    fn columns_agree_with_single_fields(texts in prop::collection::vec(numberish(), 0..150)) {
        columns_agree(&texts)?;
    }

    /// Eight of them share a register.
    #[test]
    fn columns_of_short_fields_agree(
        texts in prop::collection::vec("-?[0-9]{0,4}[.]?[0-9]{0,2}|[-+.0-9x ]{1,8}", 0..150),
    ) {
        columns_agree(&texts)?;
    }
}

fn columns_agree(texts: &[String]) -> Result<(), TestCaseError> {
    let block = texts.join(",");
    let mut start = 0;
    let views: Vec<View> = texts
        .iter()
        .map(|text| {
            let view = View {
                start,
                len: text.len() as u32,
            };
            start += view.len + 1;
            view
        })
        .collect();
    let block = block.as_bytes();
    let bit = |valid: &[u64], i: usize| valid[i / 64] >> (i % 64) & 1 == 1;

    for level in Level::available() {
        let (mut longs, mut valid) = (Vec::new(), Vec::new());
        i64_column_at(level, block, &views, &mut longs, &mut valid);
        for (i, text) in texts.iter().enumerate() {
            let found = bit(&valid, i).then_some(longs[i]);
            prop_assert_eq!(found, parse_i64(text.as_bytes()), "{}", text);
        }
        let mut decimals = Vec::new();
        decimal_column_at(level, block, &views, 4, &mut decimals, &mut valid);
        for (i, text) in texts.iter().enumerate() {
            let found = bit(&valid, i).then_some(decimals[i]);
            prop_assert_eq!(
                found,
                parse_decimal_scaled(text.as_bytes(), 4).ok(),
                "{}",
                text
            );
        }
        let mut floats = Vec::new();
        f64_column_at(level, block, &views, &mut floats, &mut valid);
        for (i, text) in texts.iter().enumerate() {
            let found = bit(&valid, i).then_some(floats[i].to_bits());
            let expected = parse_f64(text.as_bytes()).map(f64::to_bits);
            prop_assert_eq!(found, expected, "{}", text);
        }
    }
    Ok(())
}
