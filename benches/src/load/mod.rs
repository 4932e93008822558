//! Requests over loopback, from one thread over keep-alive connections: each gets its next request as
//! soon as its answer was read. Plain blocking sockets cost less than the server, so that the server is
//! what is measured.

mod answer;

use std::io::Write;
use std::net::{SocketAddr, TcpStream};
use std::time::{Duration, Instant};

pub(crate) use answer::Answer;
use answer::Answers;

use crate::Failed;

/// How long an answer may take before the run is given up.
const PATIENCE: Duration = Duration::from_secs(20);

/// Open connections that repeat one request.
pub(crate) struct Load {
    connections: Vec<Connection>,
    request: Vec<u8>,
}

struct Connection {
    stream: TcpStream,
    answers: Answers,
}

impl Connection {
    fn open(address: SocketAddr) -> Result<Self, Failed> {
        let stream = TcpStream::connect(address)?;
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(PATIENCE))?;
        stream.set_write_timeout(Some(PATIENCE))?;
        Ok(Self { stream, answers: Answers::default() })
    }

    fn send(&mut self, request: &[u8]) -> Result<(), Failed> {
        Ok(self.stream.write_all(request)?)
    }

    fn receive(&mut self) -> Result<u16, Failed> {
        self.answers.next_status(&mut self.stream)
    }
}

impl Load {
    pub(crate) fn open(address: SocketAddr, connections: usize, request: Vec<u8>) -> Result<Self, Failed> {
        let connections = (0..connections).map(|_| Connection::open(address)).collect::<Result<_, _>>()?;
        Ok(Self { connections, request })
    }

    /// Repeats the request for a while and answers how many a second were answered with 200.
    pub(crate) fn run(&mut self, span: Duration) -> Result<Throughput, Failed> {
        let start = Instant::now();
        for connection in &mut self.connections {
            connection.send(&self.request)?;
        }
        let mut requests = 0_u64;
        while start.elapsed() < span {
            for connection in &mut self.connections {
                expect_200(connection.receive()?)?;
                connection.send(&self.request)?;
                requests += 1;
            }
        }
        for connection in &mut self.connections {
            expect_200(connection.receive()?)?;
            requests += 1;
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

fn expect_200(status: u16) -> Result<(), Failed> {
    if status == 200 { Ok(()) } else { Err(format!("200 expected of the measured route, {status} answered").into()) }
}

/// One request on a connection of its own.
pub(crate) fn call(address: SocketAddr, request: &[u8]) -> Result<Answer, Failed> {
    let mut connection = Connection::open(address)?;
    connection.send(request)?;
    connection.answers.next(&mut connection.stream)
}
