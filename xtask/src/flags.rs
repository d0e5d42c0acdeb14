//! The command line: every task and every flag, in one place.

/// The text of `cargo xtask help`.
pub(crate) const HELP: &str = "\
The tasks of the project.

cargo xtask verify [STEP] [-p CRATE] [--quick] [--deep] [--strict] [--may-skip STEP,..] [--list]
    fmt, tidy, clippy, test, doc, loom, deny, bench; stops at the first failure
    STEP        only this step; --list names them
    -p CRATE    only this crate
    --quick     stops after the tests
    --deep      everything slow as well: loom at three preemptions, fuzzing, sanitizers,
                Miri, larger oracles, a soak, each crate from its package alone
    --strict    a skipped step is a failure, unless --may-skip names it
cargo xtask tidy
    the house rules, from the floor table to the ORDERING notes
cargo xtask bench [primitives|files|FILTER] [--record] [--against FILE] [--smoke] [..]
    measures ours beside the peers; `cargo xtask bench --help` shows every flag
cargo xtask data [--check]
    generates the large inputs, or checks the samples against their sums
cargo xtask package [-p CRATE]
    packages each published crate, then builds and tests it from its package alone";

/// What was asked for.
#[derive(Debug, PartialEq)]
pub(crate) enum Task {
    Help,
    Verify(Verify),
    Tidy,
    /// The arguments go to the bench runner as they are.
    Bench(Vec<String>),
    Data {
        check: bool,
    },
    Package {
        only: Option<String>,
    },
}

/// The flags of `verify`.
#[derive(Debug, Default, PartialEq)]
pub(crate) struct Verify {
    pub(crate) step: Option<String>,
    pub(crate) only: Option<String>,
    pub(crate) may_skip: Vec<String>,
    pub(crate) quick: bool,
    pub(crate) deep: bool,
    pub(crate) strict: bool,
    pub(crate) list: bool,
}

/// Reads the arguments after `cargo xtask`.
pub(crate) fn parse(arguments: &[String]) -> Result<Task, String> {
    let Some((task, rest)) = arguments.split_first() else {
        return Ok(Task::Help);
    };
    match task.as_str() {
        "verify" => parse_verify(rest).map(Task::Verify),
        "tidy" => nothing_more(rest).map(|()| Task::Tidy),
        "bench" => Ok(Task::Bench(rest.to_vec())),
        "data" => parse_data(rest),
        "package" => parse_package(rest),
        "help" | "--help" | "-h" => Ok(Task::Help),
        other => Err(format!("no task `{other}`; see `cargo xtask help`")),
    }
}

fn parse_verify(arguments: &[String]) -> Result<Verify, String> {
    let mut verify = Verify::default();
    let mut rest = arguments.iter();
    while let Some(argument) = rest.next() {
        match argument.as_str() {
            "--quick" => verify.quick = true,
            "--deep" => verify.deep = true,
            "--strict" => verify.strict = true,
            "--list" => verify.list = true,
            "-p" => verify.only = Some(value_of("-p", rest.next())?),
            "--may-skip" => {
                let names = value_of("--may-skip", rest.next())?;
                verify.may_skip.extend(names.split(',').map(str::to_owned));
            }
            step if !step.starts_with('-') && verify.step.is_none() => {
                verify.step = Some(step.to_owned());
            }
            other => return Err(unknown(other)),
        }
    }
    Ok(verify)
}

fn parse_data(arguments: &[String]) -> Result<Task, String> {
    match arguments {
        [] => Ok(Task::Data { check: false }),
        [flag] if flag == "--check" => Ok(Task::Data { check: true }),
        [other, ..] => Err(unknown(other)),
    }
}

fn parse_package(arguments: &[String]) -> Result<Task, String> {
    match arguments {
        [] => Ok(Task::Package { only: None }),
        [flag, name] if flag == "-p" => Ok(Task::Package {
            only: Some(name.clone()),
        }),
        [other, ..] => Err(unknown(other)),
    }
}

fn nothing_more(arguments: &[String]) -> Result<(), String> {
    arguments.first().map_or(Ok(()), |more| Err(unknown(more)))
}

fn value_of(flag: &str, value: Option<&String>) -> Result<String, String> {
    value
        .cloned()
        .ok_or_else(|| format!("`{flag}` needs a value; see `cargo xtask help`"))
}

fn unknown(argument: &str) -> String {
    format!("`{argument}` is not understood here; see `cargo xtask help`")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(line: &str, expected: Result<Task, &str>) {
        let words: Vec<String> = line.split_whitespace().map(str::to_owned).collect();
        let found = parse(&words);
        match expected {
            Ok(task) => assert_eq!(found, Ok(task)),
            Err(part) => assert!(found.unwrap_err().contains(part)),
        }
    }

    #[test]
    fn one_step_of_one_crate() {
        let verify = Verify {
            step: Some("loom".into()),
            only: Some("pelton-queue".into()),
            ..Verify::default()
        };
        check("verify loom -p pelton-queue", Ok(Task::Verify(verify)));
    }

    #[test]
    fn several_steps_may_be_skipped() {
        let verify = Verify {
            may_skip: vec!["deny".into(), "miri".into()],
            strict: true,
            ..Verify::default()
        };
        check(
            "verify --strict --may-skip deny,miri",
            Ok(Task::Verify(verify)),
        );
    }

    #[test]
    fn wrong_words_are_named() {
        check("verfy", Err("no task `verfy`"));
        check("tidy now", Err("`now`"));
        check("verify -p", Err("needs a value"));
        check("verify --fast", Err("`--fast`"));
    }
}
