//! `cargo xtask verify`: every check the project has, in order, cheap ones first.
//!
//! The steps are data in `verify/steps.rs`, the slow ones in `verify/deep.rs`. A step plans its
//! commands or says why it cannot; this file shows them, runs them and keeps the score.

mod deep;
mod steps;

use std::time::Instant;

use crate::Outcome;
use crate::command::Command;
use crate::flags::Verify;
use crate::workspace::Workspace;
use steps::{Depth, Plan, STEPS, Step};

/// How the steps ended.
#[derive(Debug, Default)]
struct Score {
    passed: usize,
    failed: usize,
    skipped: usize,
}

/// Runs the steps that `options` select, until one fails.
pub(crate) fn run(options: &Verify) -> Outcome {
    if options.list {
        list();
        return Ok(());
    }
    let workspace = Workspace::load()?;
    if let Some(name) = &options.only {
        workspace.package(name)?;
    }
    let selected = select(options)?;
    let mut score = Score::default();
    for (index, step) in selected.iter().enumerate() {
        verify(step, &workspace, options, &mut score)?;
        if score.failed > 0 {
            not_run(&selected[index + 1..]);
            break;
        }
    }
    finish(&score)
}

fn list() {
    for step in STEPS {
        let when = match step.depth {
            Depth::Quick => "",
            Depth::Normal => " (not with --quick)",
            Depth::Deep => " (only with --deep)",
        };
        println!("{:10} {}{when}", step.name, step.about);
    }
}

fn select(options: &Verify) -> Result<Vec<&'static Step>, String> {
    if let Some(name) = &options.step {
        let step = STEPS.iter().find(|step| step.name == name);
        let missing = || format!("no step `{name}`; see `cargo xtask verify --list`");
        return Ok(vec![step.ok_or_else(missing)?]);
    }
    let deepest = match (options.quick, options.deep) {
        (true, _) => Depth::Quick,
        (false, false) => Depth::Normal,
        (false, true) => Depth::Deep,
    };
    let chosen = STEPS.iter().filter(|step| step.depth <= deepest);
    Ok(chosen
        .filter(|step| options.only.is_none() || step.by_crate)
        .collect())
}

fn verify(
    step: &Step,
    workspace: &Workspace,
    options: &Verify,
    score: &mut Score,
) -> Result<(), String> {
    match (step.plan)(workspace, options) {
        Plan::Run(commands) => {
            let began = Instant::now();
            let good = run_all(&commands)?;
            let seconds = began.elapsed().as_secs_f64();
            let word = if good { "ok" } else { "FAILED" };
            println!("{word}: {} ({seconds:.1} s)\n", step.name);
            score.passed += usize::from(good);
            score.failed += usize::from(!good);
        }
        Plan::Skip(why) => {
            println!("skipped: {} ({why}) (0.0 s)\n", step.name);
            score.skipped += 1;
            if options.strict && !options.may_skip.iter().any(|name| name == step.name) {
                println!("FAILED: {} must not be skipped (--strict)", step.name);
                score.failed += 1;
                score.skipped -= 1;
            }
        }
    }
    Ok(())
}

/// Runs the commands in order until one fails; true when none did.
fn run_all(commands: &[Command]) -> Result<bool, String> {
    for command in commands {
        println!("$ {command}");
        if !command.succeeds()? {
            return Ok(false);
        }
    }
    Ok(true)
}

fn not_run(rest: &[&Step]) {
    if !rest.is_empty() {
        let names: Vec<&str> = rest.iter().map(|step| step.name).collect();
        println!("not run after the failure: {}", names.join(", "));
    }
}

fn finish(score: &Score) -> Outcome {
    let Score {
        passed,
        failed,
        skipped,
    } = score;
    println!("{passed} passed, {failed} failed, {skipped} skipped");
    if *failed > 0 {
        return Err("verify failed; paste the last command above to see it alone".to_owned());
    }
    Ok(())
}
