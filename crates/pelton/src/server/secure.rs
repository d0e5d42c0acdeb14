//! The certificates of a server's listeners, and how they change while it runs.

use pelton_connect::net::ListenOptions;
#[cfg(feature = "tls")]
use pelton_connect::net::{ServerTls, ServerTlsFiles};

use crate::Error;
use crate::plan::{Plan, PlanError};

/// What listeners on TCP show; nothing where they speak plainly. Clones share it.
#[derive(Clone, Default)]
pub(super) struct Security {
    #[cfg(feature = "tls")]
    tls: Option<ServerTls>,
}

#[cfg(feature = "tls")]
impl Security {
    /// Reads the files that `plan` names.
    pub(super) fn of(plan: &Plan) -> Result<Self, Error> {
        let Some(named) = &plan.source.tls else {
            return Ok(Self::default());
        };
        let tls = ServerTls::load(&ServerTlsFiles {
            cert: (&named.cert).into(),
            key: (&named.key).into(),
            client_ca: named.client_ca.as_ref().map(Into::into),
        })?;
        Ok(Self { tls: Some(tls) })
    }

    pub(super) fn apply(&self, options: &mut ListenOptions) {
        options.tls.clone_from(&self.tls);
    }

    /// What listens already goes on listening as it does, plainly or over TLS.
    pub(super) fn check_change(&self, next: &Self) -> Result<(), PlanError> {
        match self.tls.is_some() == next.tls.is_some() {
            true => Ok(()),
            false => Err(PlanError::new(
                "source.tls cannot come or go while it is served; start anew for that",
            )),
        }
    }

    /// Shows what `next` shows to all who come from now on.
    pub(super) fn replace(&self, next: &Self) {
        if let (Some(tls), Some(next)) = (&self.tls, &next.tls) {
            tls.replace(next);
        }
    }
}

#[cfg(not(feature = "tls"))]
impl Security {
    pub(super) fn of(plan: &Plan) -> Result<Self, Error> {
        match plan.source.tls {
            None => Ok(Self::default()),
            Some(_) => {
                let message = "source.tls: this program was built without the feature `tls`";
                Err(PlanError::new(message).into())
            }
        }
    }

    pub(super) const fn apply(&self, _: &mut ListenOptions) {}

    #[expect(
        clippy::unnecessary_wraps,
        reason = "with the feature there is what can go wrong"
    )]
    pub(super) const fn check_change(&self, _: &Self) -> Result<(), PlanError> {
        Ok(())
    }

    pub(super) const fn replace(&self, _: &Self) {}
}
