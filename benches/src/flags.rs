//! The command line of the runner.

use std::path::PathBuf;

/// The text of `--help`.
pub(crate) const HELP: &str = "\
cargo xtask bench [FILTER] [flags]: ours beside the peers, interleaved, answers checked

FILTER            part of a benchmark's name: primitives, files, spsc, files/csv-group-by
--rounds N        rounds after the one to warm up; 7 unless said, at least 1
--list            names the benchmarks
--smoke           each once with little work, answers checked, nothing measured
--record          writes a dated .csv and .txt under benches/record/<target>-<cpu>/
--against FILE    compares with a recorded .csv
--size SIZE       input of the files group and of events/tail; 1GiB unless said
--simd LEVEL      auto, scalar, sse, avx2 or avx512: sets PELTON_SIMD for ours";

/// What was asked for.
#[derive(Debug, PartialEq)]
pub(crate) struct Options {
    pub(crate) filter: String,
    pub(crate) rounds: usize,
    pub(crate) list: bool,
    pub(crate) smoke: bool,
    pub(crate) record: bool,
    pub(crate) help: bool,
    pub(crate) against: Option<PathBuf>,
    pub(crate) size: String,
    pub(crate) simd: Option<String>,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            filter: String::new(),
            rounds: 7,
            list: false,
            smoke: false,
            record: false,
            help: false,
            against: None,
            size: "1GiB".to_owned(),
            simd: None,
        }
    }
}

/// Reads the arguments.
pub(crate) fn parse(arguments: &[String]) -> Result<Options, String> {
    let mut options = Options::default();
    let mut rest = arguments.iter();
    while let Some(argument) = rest.next() {
        let mut value = || {
            let missing = || format!("`{argument}` needs a value; see --help");
            rest.next().cloned().ok_or_else(missing)
        };
        match argument.as_str() {
            "--help" | "-h" => options.help = true,
            "--list" => options.list = true,
            "--smoke" => options.smoke = true,
            "--record" => options.record = true,
            "--against" => options.against = Some(value()?.into()),
            "--size" => options.size = value()?,
            "--simd" => options.simd = Some(value()?),
            "--rounds" => options.rounds = rounds(&value()?)?,
            filter if !filter.starts_with('-') && options.filter.is_empty() => {
                filter.clone_into(&mut options.filter);
            }
            other => return Err(format!("`{other}` is not understood; see --help")),
        }
    }
    Ok(options)
}

fn rounds(text: &str) -> Result<usize, String> {
    let fault = || format!("--rounds {text}: a number from 1 is needed");
    let rounds = text.parse().map_err(|_| fault())?;
    match rounds {
        0 => Err(fault()),
        _ => Ok(rounds),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(line: &str) -> Result<Options, String> {
        let words: Vec<String> = line.split_whitespace().map(str::to_owned).collect();
        parse(&words)
    }

    #[test]
    fn flags_come_in_any_order() {
        let options = parsed("--record spsc --rounds 9").unwrap();
        let expected = Options {
            filter: "spsc".into(),
            rounds: 9,
            record: true,
            ..Options::default()
        };
        assert_eq!(options, expected);
    }

    #[test]
    fn wrong_words_are_named() {
        for (line, part) in [
            ("--rounds 0", "--rounds 0"),
            ("--rounds", "needs a value"),
            ("a b", "`b`"),
            ("--fast", "`--fast`"),
        ] {
            assert!(parsed(line).unwrap_err().contains(part), "{line}");
        }
    }
}
