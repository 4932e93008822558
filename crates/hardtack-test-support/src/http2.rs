//! Raw HTTP/2 bytes, for clients that behave unlike other clients: they acknowledge nothing, or stop reading.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};

use crate::wait::LONGEST_WAIT;

/// The bytes with which a client opens a connection (RFC 9113 section 3.4).
const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

/// Types of frames (RFC 9113 section 6).
const DATA: u8 = 0;
const HEADERS: u8 = 1;
const SETTINGS: u8 = 4;

/// The setting for the flow-control window of each stream.
const INITIAL_WINDOW_SIZE: u8 = 4;

const END_STREAM: u8 = 0x1;
const END_HEADERS: u8 = 0x4;

/// A connection over HTTP/2 that sends one request, and then nothing more, not even acknowledgments.
#[derive(Debug)]
pub struct SilentClient(TcpStream);

impl SilentClient {
    /// Opens a connection, and sends a GET request. `window` is the number of bytes of the response that the server can
    /// send.
    ///
    /// # Panics
    /// Panics if the server does not accept the connection, or if the path is longer than 126 bytes.
    pub fn get(address: SocketAddr, path: &str, window: u32) -> Self {
        let mut stream = TcpStream::connect(address).expect("the server accepts connections");
        stream.set_read_timeout(Some(LONGEST_WAIT)).expect("a timeout can be set");
        let setting = [&[0, INITIAL_WINDOW_SIZE][..], &window.to_be_bytes()].concat();
        // RFC 7541: the indexed fields `:method: GET` and `:scheme: http`, then the literal fields `:path` and
        // `:authority`.
        let mut head = vec![0x82, 0x86];
        for (name, value) in [(0x04, path), (0x01, "localhost")] {
            assert!(value.len() < 127, "the length of {value} does not fit into one byte");
            head.extend([name, value.len() as u8]);
            head.extend(value.as_bytes());
        }
        let settings = frame(SETTINGS, 0, 0, &setting);
        let request = frame(HEADERS, END_STREAM | END_HEADERS, 1, &head);
        stream.write_all(&[PREFACE, &settings, &request].concat()).expect("the server reads");
        Self(stream)
    }

    /// Reads until the head of the response has arrived.
    ///
    /// # Panics
    /// Panics if the server closes the connection before the head has arrived.
    pub fn read_head(&mut self) {
        while self.read_frame().0 != HEADERS {}
    }

    /// Reads until the whole response has arrived.
    ///
    /// # Panics
    /// Panics if the server closes the connection before the whole response has arrived.
    pub fn read_response(&mut self) {
        while !matches!(self.read_frame(), (DATA | HEADERS, flags) if flags & END_STREAM != 0) {}
    }

    /// Reads a frame, and returns its type and flags.
    fn read_frame(&mut self) -> (u8, u8) {
        let mut head = [0; 9];
        self.0.read_exact(&mut head).expect("the server sends a frame");
        let [a, b, c, kind, flags, ..] = head;
        let mut payload = vec![0; u32::from_be_bytes([0, a, b, c]) as usize];
        self.0.read_exact(&mut payload).expect("the server sends whole frames");
        (kind, flags)
    }
}

fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    let length = (payload.len() as u32).to_be_bytes();
    [&length[1..], &[kind, flags], &stream.to_be_bytes(), payload].concat()
}
