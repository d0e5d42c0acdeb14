//! Pipeline files: what reads as a plan survives being written as JSON and read again, and queries
//! give plans or errors.
#![no_main]

use std::path::Path;

use libfuzzer_sys::fuzz_target;
use pelton::plan::Plan;

fuzz_target!(|text: &str| {
    for file in ["plan.toml", "plan.yaml", "plan.json"] {
        if let Ok(plan) = Plan::from_text(text, Path::new(file)) {
            let json = serde_json::to_string(&plan).expect("a plan is data");
            assert_eq!(
                Plan::from_text(&json, Path::new("plan.json")).as_ref(),
                Ok(&plan)
            );
        }
    }
    let _ = pelton::sql::plan(text);
});
