//! A connection behind its handshake.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio_rustls::server::TlsStream;

use crate::net::connection::Wire;

/// A connection whose bytes are ciphered.
///
/// While it waits it holds no more than a record of TLS whose end has not come, 16 KiB at most.
pub(in crate::net) struct Secured {
    stream: TlsStream<TcpStream>,
}

impl Secured {
    pub(super) const fn new(stream: TlsStream<TcpStream>) -> Self {
        Self { stream }
    }

    fn stream(self: Pin<&mut Self>) -> Pin<&mut TlsStream<TcpStream>> {
        Pin::new(&mut self.get_mut().stream)
    }
}

impl Wire for Secured {
    fn poll_readable(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let (socket, session) = self.stream.get_mut();
        // What was deciphered and not read, an end too, is not announced by the socket again.
        match session.wants_read() {
            true => socket.poll_read_ready(cx),
            false => Poll::Ready(Ok(())),
        }
    }
}

impl AsyncRead for Secured {
    /// Reads as many records of TLS as are there and find room.
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        loop {
            let had = buffer.filled().len();
            let read = self.as_mut().stream().poll_read(cx, buffer);
            let grown = buffer.filled().len() > had;
            match read {
                Poll::Ready(Ok(())) if grown && buffer.remaining() > 0 => {}
                // An end and an error show themselves again to the next read.
                _ if had > before => return Poll::Ready(Ok(())),
                read => return read,
            }
        }
    }
}

impl AsyncWrite for Secured {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.stream().poll_write(cx, bytes)
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.stream().poll_flush(cx)
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.stream().poll_shutdown(cx)
    }
}
