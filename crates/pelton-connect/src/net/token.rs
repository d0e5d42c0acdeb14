//! A secret that whoever comes by HTTP must show.

use std::fmt;

/// A secret that is shown as `Authorization: Bearer TOKEN`.
///
/// ```
/// use pelton_connect::net::BearerToken;
///
/// let token = BearerToken::new("secret");
/// assert!(token.admits("Bearer secret"));
/// assert!(!token.admits("Bearer secre"));
/// assert!(!token.admits(""));
/// ```
#[derive(Clone, PartialEq, Eq)]
pub struct BearerToken {
    secret: String,
}

impl BearerToken {
    /// The token `secret`.
    pub fn new(secret: impl Into<String>) -> Self {
        let secret = secret.into();
        Self { secret }
    }

    /// True when the value of the header `Authorization` shows it. How long it takes to tell says
    /// nothing about the token but its length.
    #[must_use]
    pub fn admits(&self, authorization: &str) -> bool {
        let shown = authorization.strip_prefix("Bearer ");
        shown.is_some_and(|shown| is_same(shown.as_bytes(), self.secret.as_bytes()))
    }
}

/// Compares all bytes, whatever they are.
fn is_same(given: &[u8], token: &[u8]) -> bool {
    let pairs = given.iter().zip(token);
    let differ = pairs.fold(0, |differ, (one, other)| differ | one ^ other);
    given.len() == token.len() && differ == 0
}

impl fmt::Debug for BearerToken {
    /// Does not show it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("BearerToken")
    }
}
