//! `pelton gen --to`: rows over TCP.

use std::io::{self, Write};
use std::process::ExitCode;
use std::time::Duration;

use pelton::plan::ByteSize;

use super::gen_data::Arguments;
use super::{Done, refused};
use crate::generate::Rows;
use crate::outbound::{Outbound, Schedule};

/// Bytes that go out at once.
const PIECE_BYTES: usize = 128 << 10;
/// Rows that are made before the first one is sent, so that making them takes no time from the
/// receiver, as far as they fit into memory and there is no schedule.
const AHEAD_ROWS_MAX: u64 = 2_000_000;
/// How often a sender without an end says how it goes.
const WORD_EVERY: Duration = Duration::from_secs(1);

/// Whole rows that go out together.
struct Piece {
    bytes: Vec<u8>,
    rows: u64,
}

/// Makes pieces up to an end.
struct Making {
    rows: Rows,
    made: u64,
    made_bytes: u64,
    rows_max: u64,
    bytes_max: u64,
}

impl Making {
    fn new(arguments: &Arguments) -> Self {
        Self {
            rows: Rows::new(arguments.kind, arguments.seed),
            made: 0,
            made_bytes: 0,
            rows_max: arguments.rows.unwrap_or(u64::MAX),
            bytes_max: arguments.size.map_or(u64::MAX, ByteSize::bytes),
        }
    }

    /// The next `due` rows, or as many as fit and are left; none at the end.
    fn piece(&mut self, due: u64, piece: &mut Piece) {
        piece.bytes.clear();
        piece.rows = 0;
        while piece.rows < due && piece.bytes.len() < PIECE_BYTES && self.made < self.rows_max {
            if self.made_bytes + piece.bytes.len() as u64 >= self.bytes_max {
                break;
            }
            self.rows.push(&mut piece.bytes);
            piece.rows += 1;
            self.made += 1;
        }
        self.made_bytes += piece.bytes.len() as u64;
    }

    /// All of them, where they are few enough.
    fn ahead(&mut self) -> Vec<Piece> {
        let mut pieces = Vec::new();
        while self.rows_max <= AHEAD_ROWS_MAX {
            let mut piece = Piece::new();
            self.piece(u64::MAX, &mut piece);
            if piece.rows == 0 {
                break;
            }
            pieces.push(piece);
        }
        pieces
    }
}

impl Piece {
    const fn new() -> Self {
        Self {
            bytes: Vec::new(),
            rows: 0,
        }
    }
}

pub(super) fn run(arguments: &Arguments, to: &str) -> Done {
    let place = |error: io::Error| refused(to, &error);
    let tls = arguments.secure.load()?;
    let mut making = Making::new(arguments);
    let ahead = match arguments.rate {
        None => making.ahead(),
        Some(_) => Vec::new(),
    };
    let server = Outbound::connect(to, arguments.connections.into(), tls.as_ref());
    let mut server = server.map_err(place)?;
    let mut schedule = Schedule::new(arguments.rate);
    for piece in ahead {
        server.write_all(&piece.bytes).map_err(place)?;
        schedule.sent(piece.rows);
    }
    let outcome = send_rest(&mut making, &mut server, &mut schedule).and_then(|()| server.finish());
    eprintln!("{to}: {}", schedule.outcome());
    outcome.map_err(place)?;
    Ok(ExitCode::SUCCESS)
}

/// Makes and sends what was not made ahead.
fn send_rest(
    making: &mut Making,
    server: &mut Outbound,
    schedule: &mut Schedule,
) -> io::Result<()> {
    let endless = making.rows_max == u64::MAX && making.bytes_max == u64::MAX;
    let mut word = WORD_EVERY;
    let mut piece = Piece::new();
    loop {
        making.piece(schedule.wait(u64::MAX), &mut piece);
        if piece.rows == 0 {
            return Ok(());
        }
        server.write_all(&piece.bytes)?;
        schedule.sent(piece.rows);
        if endless && schedule.elapsed() >= word {
            eprintln!("{}", schedule.outcome());
            word = schedule.elapsed() + WORD_EVERY;
        }
    }
}
