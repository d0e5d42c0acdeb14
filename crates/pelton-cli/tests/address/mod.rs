//! Addresses for servers that come back where they were, and for peers that come late.

use std::net::{SocketAddr, TcpListener};
use std::process;
use std::sync::atomic::{AtomicU16, Ordering};

/// An address that is free, and stays so: its port is below those that the system gives away by
/// itself (from 32768 on where Linux is left alone), and each process begins at another one.
pub(crate) fn free() -> SocketAddr {
    static GIVEN: AtomicU16 = AtomicU16::new(0);
    let begin = process::id() % 1000 * 10;
    loop {
        let next = u32::from(GIVEN.fetch_add(1, Ordering::Relaxed));
        let port = 20_000 + (begin + next) % 10_000;
        let address = SocketAddr::from(([127, 0, 0, 1], u16::try_from(port).unwrap()));
        if TcpListener::bind(address).is_ok() {
            return address;
        }
    }
}
