//! Sends requests over loopback, from one thread over keep-alive connections. On each connection, the next request is
//! sent as soon as the response to the previous request has been read. For each request, every server needs more time
//! than the client, so the server is the bottleneck.

mod answer;

use std::io::Write;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use mio::net::TcpStream;
use mio::{Events, Interest, Poll, Token};

pub(crate) use answer::Answer;
use answer::Answers;

use crate::Failed;

/// How long to wait for a response before the run fails.
const PATIENCE: Duration = Duration::from_secs(20);

/// What the client thread does until a response arrives.
#[derive(Clone, Copy)]
pub(crate) enum Waits {
    /// The client thread sleeps and leaves the processor to other threads.
    Asleep,
    /// The client thread polls without sleeping, and needs a core of its own. A server spends CPU time to wake a
    /// sleeping client. The longer the client has slept, the more CPU time this takes.
    Awake,
}

/// Open connections that repeat one request.
pub(crate) struct Load {
    poll: Poll,
    events: Events,
    connections: Vec<Connection>,
    request: Vec<u8>,
    waits: Waits,
}

struct Connection {
    stream: TcpStream,
    answers: Answers,
}

impl Connection {
    fn open(address: SocketAddr) -> Result<Self, Failed> {
        let stream = std::net::TcpStream::connect(address)?;
        stream.set_nodelay(true)?;
        stream.set_nonblocking(true)?;
        Ok(Self { stream: TcpStream::from_std(stream), answers: Answers::default() })
    }

    /// Sends a request. The request fits into the socket's buffer, because it is small and no other request is in
    /// flight.
    fn send(&mut self, request: &[u8]) -> Result<(), Failed> {
        Ok(self.stream.write_all(request)?)
    }

    /// Returns whether the response is complete. A status other than 200 is an error.
    fn receive(&mut self) -> Result<bool, Failed> {
        match self.answers.next_status(&mut self.stream)? {
            None => Ok(false),
            Some(200) => Ok(true),
            Some(status) => Err(format!("the measured route responded with {status}; expected 200").into()),
        }
    }
}

impl Load {
    pub(crate) fn open(
        address: SocketAddr,
        connections: usize,
        request: Vec<u8>,
        waits: Waits,
    ) -> Result<Self, Failed> {
        let mut connections = (0..connections).map(|_| Connection::open(address)).collect::<Result<Vec<_>, _>>()?;
        let poll = Poll::new()?;
        for (index, connection) in connections.iter_mut().enumerate() {
            poll.registry().register(&mut connection.stream, Token(index), Interest::READABLE)?;
        }
        let events = Events::with_capacity(connections.len());
        Ok(Self { poll, events, connections, request, waits })
    }

    /// Repeats the request on all connections for `span`, and then waits for the last responses.
    pub(crate) fn run(&mut self, span: Duration) -> Result<Throughput, Failed> {
        let start = Instant::now();
        for connection in &mut self.connections {
            connection.send(&self.request)?;
        }
        let (mut requests, mut open, mut answered) = (0_u64, self.connections.len(), start);
        while open > 0 {
            let asleep = match self.waits {
                Waits::Asleep => PATIENCE,
                Waits::Awake => Duration::ZERO,
            };
            self.poll.poll(&mut self.events, Some(asleep))?;
            let now = Instant::now();
            if !self.events.is_empty() {
                answered = now;
            } else if now - answered >= PATIENCE {
                return Err("the server did not respond within 20 s".into());
            }
            let over = now - start >= span;
            for event in &self.events {
                let Some(connection) = self.connections.get_mut(event.token().0) else { continue };
                if !connection.receive()? {
                    continue;
                }
                requests += 1;
                if over {
                    open -= 1;
                } else {
                    connection.send(&self.request)?;
                }
            }
        }
        Ok(Throughput { requests, spent: start.elapsed() })
    }
}

/// The number of requests that were served, and the time that this took.
#[derive(Clone, Copy)]
pub(crate) struct Throughput {
    pub(crate) requests: u64,
    pub(crate) spent: Duration,
}

impl Throughput {
    pub(crate) fn per_second(self) -> f64 {
        self.requests as f64 / self.spent.as_secs_f64()
    }
}

/// Sends one request on a new connection, and returns the response.
pub(crate) fn call(address: SocketAddr, request: &[u8]) -> Result<Answer, Failed> {
    let mut stream = std::net::TcpStream::connect(address)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    stream.set_write_timeout(Some(PATIENCE))?;
    stream.write_all(request)?;
    let mut answers = Answers::default();
    answers.next(&mut stream)?.ok_or_else(|| "the server did not respond within 20 s".into())
}
