//! The server as a process: started, fed, killed, starved and lied to, and what it put away
//! compared with arithmetic.
#![allow(clippy::unwrap_used, reason = "what tests are made of may")]
#![allow(
    clippy::print_stderr,
    clippy::print_stdout,
    reason = "what is skipped is said aloud, and what a soak came to"
)]

#[path = "../address/mod.rs"]
mod address;
mod events;
mod killed;
mod memory;
mod peers;
#[path = "../postgres_server/mod.rs"]
mod postgres_server;
mod running;
mod server;
mod sinks;
mod soak;
mod unsteady;
