//! A server on this machine that answers as a test says, to the letter. Used by the tests of `src` and by the
//! integration tests alike.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex};

/// What was asked.
#[derive(Debug, Clone)]
pub struct Request {
    pub method: String,
    pub path: String,
    /// Names in lower case.
    pub headers: Vec<(String, String)>,
    pub body: Vec<u8>,
}

impl Request {
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers
            .iter()
            .find(|(n, _)| n == name)
            .map(|(_, value)| value.as_str())
    }

    /// The first byte asked for.
    pub fn range_begin(&self) -> Option<usize> {
        self.header("range")?
            .strip_prefix("bytes=")?
            .strip_suffix('-')?
            .parse()
            .ok()
    }
}

/// What is sent, to the letter, and whether the connection then stays open and silent.
pub struct Reply {
    pub bytes: Vec<u8>,
    pub holds: bool,
}

impl Reply {
    pub fn new(status: u16, headers: &[(&str, &str)], body: &[u8]) -> Self {
        let mut head = format!(
            "HTTP/1.1 {status} Some\r\nConnection: close\r\nContent-Length: {}\r\n",
            body.len()
        );
        headers
            .iter()
            .for_each(|(name, value)| head.push_str(&format!("{name}: {value}\r\n")));
        let bytes = [head.as_bytes(), b"\r\n", body].concat();
        Reply { bytes, holds: false }
    }

    pub fn json(body: impl std::fmt::Display) -> Self {
        Self::new(
            200,
            &[("Content-Type", "application/json")],
            body.to_string().as_bytes(),
        )
    }

    /// Nothing, for as long as the server lives.
    pub fn silence() -> Self {
        Reply {
            bytes: Vec::new(),
            holds: true,
        }
    }

    /// The same without its last bytes.
    pub fn cut(mut self, bytes: usize) -> Self {
        self.bytes.truncate(self.bytes.len() - bytes);
        self
    }

    /// The same, and then silence in place of the end.
    pub fn then_silence(mut self) -> Self {
        self.holds = true;
        self
    }
}

type Answering = dyn Fn(usize, &Request) -> Reply + Send + Sync;

/// A server that asks a function what to answer: which request it is, and the request. Ends when dropped.
pub struct Server {
    pub address: SocketAddr,
    shared: Arc<Shared>,
}

struct Shared {
    answering: Box<Answering>,
    requests: Mutex<Vec<Request>>,
    is_over: AtomicBool,
    over: (Mutex<()>, Condvar),
}

impl Server {
    pub fn new(answering: impl Fn(usize, &Request) -> Reply + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let shared = Arc::new(Shared {
            answering: Box::new(answering),
            requests: Mutex::default(),
            is_over: AtomicBool::new(false),
            over: Default::default(),
        });
        let serving = Arc::clone(&shared);
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                if serving.is_over.load(Ordering::SeqCst) {
                    return;
                }
                let serving = Arc::clone(&serving);
                // A client that goes away is no failure of a test; what it makes of it is asserted there.
                std::thread::spawn(move || drop(serving.answer(stream)));
            }
        });
        Server { address, shared }
    }

    pub fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    /// All requests so far.
    pub fn requests(&self) -> Vec<Request> {
        self.shared.requests.lock().unwrap().clone()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.shared.is_over.store(true, Ordering::SeqCst);
        drop(self.shared.over.0.lock().unwrap());
        self.shared.over.1.notify_all();
        // Wakes the listening thread.
        let _ = TcpStream::connect(self.address);
    }
}

impl Shared {
    fn answer(&self, stream: TcpStream) -> std::io::Result<()> {
        let mut reader = BufReader::new(stream.try_clone()?);
        let mut line = String::new();
        reader.read_line(&mut line)?;
        let mut words = line.split_whitespace();
        let [method, path] = [words.next(), words.next()].map(|word| word.unwrap_or_default().to_string());
        let mut headers = Vec::new();
        loop {
            let mut line = String::new();
            reader.read_line(&mut line)?;
            let Some((name, value)) = line.trim().split_once(':') else {
                break;
            };
            headers.push((name.to_lowercase(), value.trim().to_string()));
        }
        let mut request = Request {
            method,
            path,
            headers,
            body: Vec::new(),
        };
        let length = request
            .header("content-length")
            .map_or(0, |length| length.parse().unwrap());
        request.body.resize(length, 0);
        reader.read_exact(&mut request.body)?;
        let place = {
            let mut requests = self.requests.lock().unwrap();
            requests.push(request.clone());
            requests.len() - 1
        };
        let reply = (self.answering)(place, &request);
        let mut stream = stream;
        stream.write_all(&reply.bytes)?;
        if reply.holds {
            let mut guard = self.over.0.lock().unwrap();
            while !self.is_over.load(Ordering::SeqCst) {
                guard = self.over.1.wait(guard).unwrap();
            }
        }
        stream.shutdown(Shutdown::Both)
    }
}
