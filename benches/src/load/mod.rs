//! Requests over loopback, from one thread over keep-alive connections: each gets its next request as
//! soon as its answer was read. It costs less than any server, so that the server is what is measured.

mod answer;

use std::io::Write;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use mio::net::TcpStream;
use mio::{Events, Interest, Poll, Token};

pub(crate) use answer::Answer;
use answer::Answers;

use crate::Failed;

/// How long an answer may take before the run is given up.
const PATIENCE: Duration = Duration::from_secs(20);

/// What the asking thread does until there is an answer.
#[derive(Clone, Copy)]
pub(crate) enum Waits {
    /// It sleeps, where the processor is for others.
    Asleep,
    /// It looks again and again, where it has a core of its own: a server pays for waking its client, and pays more
    /// the longer that one had to wait.
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

    /// A request is small and the one before was answered: it fits into the socket at once.
    fn send(&mut self, request: &[u8]) -> Result<(), Failed> {
        Ok(self.stream.write_all(request)?)
    }

    /// Whether the answer is complete. One that is not 200 is an error.
    fn receive(&mut self) -> Result<bool, Failed> {
        match self.answers.next_status(&mut self.stream)? {
            None => Ok(false),
            Some(200) => Ok(true),
            Some(status) => Err(format!("200 expected of the measured route, {status} answered").into()),
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

    /// Repeats the request for a while, and reads the last answers.
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
                return Err("the server has stopped answering".into());
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

/// What a load got through.
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

/// One request on a connection of its own.
pub(crate) fn call(address: SocketAddr, request: &[u8]) -> Result<Answer, Failed> {
    let mut stream = std::net::TcpStream::connect(address)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    stream.set_write_timeout(Some(PATIENCE))?;
    stream.write_all(request)?;
    let mut answers = Answers::default();
    answers.next(&mut stream)?.ok_or_else(|| "the server has stopped answering".into())
}
