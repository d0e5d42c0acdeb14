//! Where a pipeline without an end listens, and how eagerly.

use std::time::Duration;

use pelton_connect::net::Address;

use crate::plan::{Plan, PlanError};

/// The addresses of `plan`, each with its text.
pub(crate) fn addresses(plan: &Plan) -> Result<Vec<(&str, Address)>, PlanError> {
    let parse = |text: &String| {
        let address = text.parse();
        address.map_err(|error| PlanError::new(format!("source.listen: {error}")))
    };
    let mut addresses: Vec<(&str, Address)> = Vec::new();
    for text in &plan.source.listen {
        addresses.push((text, parse(text)?));
    }
    let secured = addresses
        .iter()
        .any(|(_, address)| address.may_be_secured());
    if plan.source.tls.is_some() && !secured {
        let message = "source.tls has nothing to apply to: source.listen has no address of tcp://, \
                       http:// or acked://";
        return Err(PlanError::new(message));
    }
    Ok(addresses)
}

/// How long small arrivals gather unless the plan says otherwise: 82,000 events a second over four
/// connections take a third of the processor time then, and 90 µs more to come out.
const GATHER: Duration = Duration::from_micros(120);
/// Whoever waits longer may wish for a lane that lingers.
const GATHER_MAX: Duration = Duration::from_millis(10);

/// How long small arrivals gather.
pub(crate) fn gather(plan: &Plan) -> Result<Duration, PlanError> {
    match plan.serve.gather {
        Some(gather) if gather.duration() > GATHER_MAX => Err(PlanError::new(format!(
            "serve.gather: expected at most 10ms, found {gather}; flow.linger lets records wait \
             longer before they are put away"
        ))),
        gather => Ok(gather.map_or(GATHER, |interval| interval.duration())),
    }
}
