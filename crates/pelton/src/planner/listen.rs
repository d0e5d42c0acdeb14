//! Where a pipeline without an end listens.

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
