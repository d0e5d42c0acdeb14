//! Sends records with acknowledgement, and sends them again where that is needed.

use std::collections::VecDeque;
use std::fmt;
use std::io::{self, BufReader, Read, Write};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use pelton_sync::thread;

use super::Outgoing;
use super::acked::{
    BATCH_BYTES_MAX, CLIENT_BYTES_MAX, Fault, REPLY_BYTES, Reply, batch_header, hello,
};
#[cfg(feature = "tls")]
use super::{ClientTls, tls};

/// The first wait before trying again; each one after it is twice as long, up to the longest.
const WAIT_FIRST: Duration = Duration::from_millis(50);
const WAIT_LONGEST: Duration = Duration::from_secs(5);
/// Batches that are kept until they are committed, whatever their length.
const UNCOMMITTED_MAX: usize = 4096;

/// Where to send, and how.
#[derive(Clone, Debug)]
pub struct ClientOptions {
    /// Host and port of an `acked://` listener.
    pub address: String,
    /// The name under which the server keeps how far this client came: 1 to 256 bytes, none of
    /// them a control character, and no other client's at this server.
    pub client: String,
    /// Bytes that may be sent and not committed; they are kept to be sent again. 16 MiB.
    pub window_bytes: usize,
    /// How long to try again, after a connection broke, before giving up. A minute.
    pub patience: Duration,
    /// How to speak TLS; `None`, the default, speaks plainly.
    #[cfg(feature = "tls")]
    pub tls: Option<ClientTls>,
}

impl ClientOptions {
    /// Sends to `address` in the name of `client`.
    pub fn new(address: impl Into<String>, client: impl Into<String>) -> Self {
        Self {
            address: address.into(),
            client: client.into(),
            window_bytes: 16 << 20,
            patience: Duration::from_secs(60),
            #[cfg(feature = "tls")]
            tls: None,
        }
    }
}

/// Sends batches of whole records to an `acked://` listener, blocking where it must wait.
///
/// A batch ends at a position of the caller's choice, a byte of a file or the number of a batch,
/// larger than that of the batch before. Whoever comes again, in a new process too, asks
/// [`position`](Self::position) and goes on there: so nothing is lost and nothing is taken twice.
///
/// ```no_run
/// use pelton_connect::net::{Client, ClientOptions};
///
/// let mut client = Client::connect(ClientOptions::new("127.0.0.1:9000", "meter-17"))?;
/// for number in client.position()..100 {
///     client.send(format!("{{\"id\":{number}}}\n").as_bytes(), number + 1)?;
/// }
/// assert_eq!(client.flush()?, 100); // all of them are committed
/// # Ok::<(), pelton_connect::net::ClientError>(())
/// ```
pub struct Client {
    options: ClientOptions,
    stream: BufReader<Outgoing>,
    /// Sent and not committed, the oldest first.
    uncommitted: VecDeque<Sent>,
    uncommitted_bytes: usize,
    committed: u64,
    /// Where the next batch begins.
    position: u64,
    reconnects: u64,
}

/// A batch as it was sent.
struct Sent {
    begin: u64,
    end: u64,
    frame: Vec<u8>,
}

/// Why a client cannot go on.
#[derive(Debug)]
pub struct ClientError {
    place: String,
    cause: Cause,
}

#[derive(Debug)]
enum Cause {
    Io(io::Error),
    Fault(Fault, String),
    /// The server's position does not go with what was sent.
    Astray {
        server: u64,
        oldest: u64,
        newest: u64,
    },
    /// What the caller gave.
    Argument(&'static str),
}

impl ClientError {
    /// What the server said, if it said something.
    #[must_use]
    pub const fn fault(&self) -> Option<Fault> {
        match self.cause {
            Cause::Fault(fault, _) => Some(fault),
            _ => None,
        }
    }
}

impl fmt::Display for ClientError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: ", self.place)?;
        match &self.cause {
            Cause::Io(error) => write!(f, "{error}"),
            Cause::Fault(_, text) => write!(f, "the server hung up: {text}"),
            Cause::Astray {
                server,
                oldest,
                newest,
            } => write!(
                f,
                "the server is at position {server}, expected one from {oldest} to {newest}; is \
                 this client's name used by another, or the server's state lost?"
            ),
            Cause::Argument(text) => f.write_str(text),
        }
    }
}

impl std::error::Error for ClientError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match &self.cause {
            Cause::Io(error) => Some(error),
            _ => None,
        }
    }
}

impl From<io::Error> for Cause {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}

impl From<Fault> for Cause {
    fn from(fault: Fault) -> Self {
        Self::Fault(fault, fault.to_string())
    }
}

impl Cause {
    fn is_transient(&self) -> bool {
        match self {
            #[cfg(feature = "tls")]
            Self::Io(error) => !tls::is_final(error),
            #[cfg(not(feature = "tls"))]
            Self::Io(_) => true,
            Self::Fault(fault, _) => fault.is_transient(),
            Self::Astray { .. } | Self::Argument(_) => false,
        }
    }
}

impl Client {
    /// Connects and hears how far this client came.
    ///
    /// # Errors
    ///
    /// When nobody answers within the patience, or the server does not want this client.
    pub fn connect(options: ClientOptions) -> Result<Self, ClientError> {
        let refuse = |cause| ClientError {
            place: options.address.clone(),
            cause,
        };
        if !(1..=CLIENT_BYTES_MAX).contains(&options.client.len()) {
            return Err(refuse(Cause::Argument(
                "a client's name has 1 to 256 bytes",
            )));
        }
        let mut retry = Retry::new(options.patience);
        loop {
            match greet(&options) {
                Ok((stream, committed, position)) => {
                    let position = position.unwrap_or(0);
                    return Ok(Self {
                        options,
                        stream,
                        uncommitted: VecDeque::new(),
                        uncommitted_bytes: 0,
                        committed,
                        position,
                        reconnects: 0,
                    });
                }
                Err(cause) => retry.wait(cause).map_err(&refuse)?,
            }
        }
    }

    /// Where the next batch begins: everything before it was received by the server.
    #[must_use]
    pub const fn position(&self) -> u64 {
        self.position
    }

    /// Everything before this position is committed, as far as was heard.
    #[must_use]
    pub const fn committed(&self) -> u64 {
        self.committed
    }

    /// How often the connection broke and was made again.
    #[must_use]
    pub const fn reconnects(&self) -> u64 {
        self.reconnects
    }

    /// Sends `records`, whole ones, which end at position `end`. Waits while the window is full.
    ///
    /// # Errors
    ///
    /// When the connection broke and did not come back within the patience, when the server wants
    /// no more, when `records` is empty or above [`BATCH_BYTES_MAX`], and when `end` is not behind
    /// [`position`](Self::position).
    pub fn send(&mut self, records: &[u8], end: u64) -> Result<(), ClientError> {
        if records.is_empty() || records.len() > BATCH_BYTES_MAX {
            return Err(self.refuse(Cause::Argument("a batch has 1 byte to 1 MiB")));
        }
        if end <= self.position {
            return Err(self.refuse(Cause::Argument("a batch ends behind where it begins")));
        }
        while self.is_full(records.len()) {
            self.hear()?;
        }
        let begin = self.position;
        let frame = [&batch_header(records, begin, end)[..], records].concat();
        let written = self.stream.get_mut().write_all(&frame);
        self.uncommitted_bytes += frame.len();
        self.uncommitted.push_back(Sent { begin, end, frame });
        self.position = end;
        written.or_else(|error| self.reconnect(error.into()))
    }

    /// Waits until everything is committed, and says up to where that is.
    ///
    /// # Errors
    ///
    /// As [`send`](Self::send).
    pub fn flush(&mut self) -> Result<u64, ClientError> {
        while !self.uncommitted.is_empty() {
            self.hear()?;
        }
        Ok(self.committed)
    }

    fn is_full(&self, more: usize) -> bool {
        let bytes = self.uncommitted_bytes + more > self.options.window_bytes;
        !self.uncommitted.is_empty() && (bytes || self.uncommitted.len() >= UNCOMMITTED_MAX)
    }

    /// Waits for the next word of the server.
    fn hear(&mut self) -> Result<(), ClientError> {
        match read_reply(&mut self.stream) {
            Ok(Reply::Ack(position)) => {
                self.forget(position);
                Ok(())
            }
            Ok(Reply::Welcome { .. }) => Err(self.refuse(Fault::Protocol.into())),
            Ok(Reply::Fault(fault, text)) => self.reconnect(Cause::Fault(fault, text)),
            Err(cause) => self.reconnect(cause),
        }
    }

    /// Drops what is committed.
    fn forget(&mut self, committed: u64) {
        self.committed = committed.max(self.committed);
        while self
            .uncommitted
            .front()
            .is_some_and(|sent| sent.end <= committed)
        {
            let sent = self.uncommitted.pop_front();
            self.uncommitted_bytes -= sent.map_or(0, |sent| sent.frame.len());
        }
    }

    /// Connects again after `cause`, and sends again what the server has not received.
    fn reconnect(&mut self, cause: Cause) -> Result<(), ClientError> {
        let mut retry = Retry::new(self.options.patience);
        let mut cause = cause;
        loop {
            retry.wait(cause).map_err(|cause| self.refuse(cause))?;
            cause = match greet(&self.options) {
                Ok((stream, committed, received)) => {
                    self.reconnects += 1;
                    self.stream = stream;
                    match self.resend(committed, received) {
                        Ok(()) => return Ok(()),
                        Err(cause) => cause,
                    }
                }
                Err(cause) => cause,
            };
        }
    }

    /// Goes on behind what the server has `received`; where it cannot know that, behind what it
    /// said to be committed.
    fn resend(&mut self, committed: u64, received: Option<u64>) -> Result<(), Cause> {
        let oldest = self
            .uncommitted
            .front()
            .map_or(self.position, |sent| sent.begin);
        let received = received.unwrap_or(oldest);
        let astray = Cause::Astray {
            server: received,
            oldest,
            newest: self.position,
        };
        if received > self.position || received < oldest {
            return Err(astray);
        }
        self.forget(committed);
        for sent in self.uncommitted.iter().filter(|sent| sent.end > received) {
            self.stream.get_mut().write_all(&sent.frame)?;
        }
        Ok(())
    }

    fn refuse(&self, cause: Cause) -> ClientError {
        let place = self.options.address.clone();
        ClientError { place, cause }
    }
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Client")
            .field("options", &self.options)
            .field("committed", &self.committed)
            .field("position", &self.position)
            .finish_non_exhaustive()
    }
}

/// Connects and says hello: the connection, what is committed and what was received.
/// A connection, and what the server has committed and received; none where it cannot know.
fn greet(options: &ClientOptions) -> Result<(BufReader<Outgoing>, u64, Option<u64>), Cause> {
    let mut stream = dial(options)?;
    stream.write_all(&hello(&options.client))?;
    let mut stream = BufReader::new(stream);
    match read_reply(&mut stream)? {
        Reply::Welcome {
            committed,
            received,
            anywhere,
        } => Ok((stream, committed, (!anywhere).then_some(received))),
        Reply::Fault(fault, text) => Err(Cause::Fault(fault, text)),
        Reply::Ack(_) => Err(Fault::Protocol.into()),
    }
}

#[cfg(feature = "tls")]
fn dial(options: &ClientOptions) -> io::Result<Outgoing> {
    match &options.tls {
        Some(tls) => Outgoing::connect_tls(&options.address, tls),
        None => Outgoing::connect(&options.address),
    }
}

#[cfg(not(feature = "tls"))]
fn dial(options: &ClientOptions) -> io::Result<Outgoing> {
    Outgoing::connect(&options.address)
}

fn read_reply(stream: &mut impl Read) -> Result<Reply, Cause> {
    let mut header = [0; REPLY_BYTES];
    stream.read_exact(&mut header)?;
    let mut text = vec![0; Reply::text_bytes(&header)?];
    stream.read_exact(&mut text)?;
    Ok(Reply::read(&header, &text)?)
}

/// Waits longer each time, until patience is at its end.
struct Retry {
    end: Instant,
    wait: Duration,
}

impl Retry {
    fn new(patience: Duration) -> Self {
        Self {
            end: Instant::now() + patience,
            wait: WAIT_FIRST,
        }
    }

    /// Waits before the next attempt, or gives `cause` back when there shall be none.
    fn wait(&mut self, cause: Cause) -> Result<(), Cause> {
        let wait = self.wait.mul_f64(0.5 + jitter());
        if !cause.is_transient() || Instant::now() + wait > self.end {
            return Err(cause);
        }
        thread::sleep(wait);
        self.wait = WAIT_LONGEST.min(self.wait * 2);
        Ok(())
    }
}

/// Something from 0 to 1, so that clients do not all come back at once.
fn jitter() -> f64 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH);
    f64::from(now.map_or(0, |now| now.subsec_nanos()) % 1000) / 1000.0
}
