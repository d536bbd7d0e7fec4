//! The load: a closed loop over keep-alive connections, each with one request under way.
//!
//! The client is as small as it can be, because it shares the machine with the server: it writes bytes made before,
//! reads one answer by its `Content-Length`, and compares it with the answer that was checked before the measurement.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail, ensure};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

/// Connections of the closed loop.
pub const CONNECTIONS: usize = 16;
/// No head and no answer here comes near these.
const MOST_HEAD: usize = 16 << 10;
const MOST_BODY: usize = 4 << 20;
/// A window that has not ended this long after its end has hung.
const GRACE: Duration = Duration::from_secs(20);

/// One request, ready to be sent, and the answer that it has to bring.
pub struct Target {
    address: SocketAddr,
    request: Vec<u8>,
    /// The body of the answer, the same every time.
    pub answer: Vec<u8>,
}

impl Target {
    /// Sends the request once and keeps its answer.
    pub async fn asked(address: SocketAddr, request: Vec<u8>) -> anyhow::Result<Arc<Self>> {
        let once = async {
            let mut connection = Connection::open(address).await?;
            Ok::<_, anyhow::Error>(connection.exchange(&request).await?.to_vec())
        };
        let answer = tokio::time::timeout(GRACE, once).await.context("no answer in time")??;
        Ok(Arc::new(Self { address, request, answer }))
    }
}

/// A GET.
pub fn get(path: &str) -> Vec<u8> {
    format!("GET {path} HTTP/1.1\r\nhost: 127.0.0.1\r\naccept: application/json\r\n\r\n").into_bytes()
}

/// A GraphQL request with a bearer token.
pub fn graphql(query: &str, bearer: &str) -> Vec<u8> {
    let body = serde_json::json!({ "query": query }).to_string();
    format!(
        "POST /graphql HTTP/1.1\r\nhost: 127.0.0.1\r\naccept: application/graphql-response+json\r\n\
         content-type: application/json\r\nauthorization: Bearer {bearer}\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    )
    .into_bytes()
}

struct Connection {
    stream: TcpStream,
    buffer: Vec<u8>,
}

impl Connection {
    async fn open(address: SocketAddr) -> anyhow::Result<Self> {
        ensure!(address.ip().is_loopback(), "{address} is not on this machine");
        let stream = TcpStream::connect(address).await?;
        stream.set_nodelay(true)?;
        Ok(Self { stream, buffer: Vec::with_capacity(64 << 10) })
    }

    /// Sends a request and reads the body of its answer, which has to be a 200.
    async fn exchange(&mut self, request: &[u8]) -> anyhow::Result<&[u8]> {
        self.stream.write_all(request).await?;
        self.buffer.clear();
        let begin = loop {
            if let Some(end) = self.buffer.windows(4).position(|bytes| bytes == b"\r\n\r\n") {
                break end + 4;
            }
            ensure!(self.buffer.len() <= MOST_HEAD, "a head without an end");
            self.more().await?;
        };
        let head = std::str::from_utf8(&self.buffer[..begin])?;
        let (status, fields) = head.split_once("\r\n").unwrap_or((head, ""));
        let fields = fields.lines().filter_map(|line| line.split_once(':'));
        let length = fields.into_iter().find(|(name, _)| name.eq_ignore_ascii_case("content-length"));
        let length: usize = length.context("an answer without Content-Length")?.1.trim().parse()?;
        ensure!(length <= MOST_BODY, "an answer of {length} bytes");
        if !status.starts_with("HTTP/1.1 200 ") {
            bail!("{status}");
        }
        while self.buffer.len() < begin + length {
            self.more().await?;
        }
        ensure!(self.buffer.len() == begin + length, "more than one answer to one request");
        Ok(&self.buffer[begin..])
    }

    async fn more(&mut self) -> anyhow::Result<()> {
        ensure!(self.stream.read_buf(&mut self.buffer).await? > 0, "the server closed the connection");
        Ok(())
    }
}

/// What one window has measured.
#[derive(Clone, Copy, Debug)]
pub struct Sample {
    /// Requests per second.
    pub rate: f64,
    /// Median latency.
    pub median: Duration,
    /// The latency that one request in a hundred passes.
    pub p99: Duration,
}

/// Loads a target from a thread of its own: first unmeasured, then measured. Every answer is compared.
pub async fn run(target: &Arc<Target>, warm_up: Duration, measured: Duration) -> anyhow::Result<Sample> {
    let target = Arc::clone(target);
    let thread = tokio::task::spawn_blocking(move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let longest = warm_up + measured + GRACE;
        let bounded = async { tokio::time::timeout(longest, window(target, warm_up, measured)).await };
        runtime.block_on(bounded).context("the window did not end")?
    });
    thread.await?
}

async fn window(target: Arc<Target>, warm_up: Duration, measured: Duration) -> anyhow::Result<Sample> {
    let begin = Instant::now() + warm_up;
    let end = begin + measured;
    let mut tasks = tokio::task::JoinSet::new();
    for _ in 0..CONNECTIONS {
        tasks.spawn(looped(Arc::clone(&target), begin, end));
    }
    let mut latencies = Vec::new();
    while let Some(done) = tasks.join_next().await {
        latencies.extend(done??);
    }
    latencies.sort_unstable();
    let count = u32::try_from(latencies.len())?;
    let at = |share: usize| latencies.get(latencies.len() * share / 100).copied();
    let (median, p99) = at(50).zip(at(99)).context("not one answer within the window")?;
    Ok(Sample { rate: f64::from(count) / measured.as_secs_f64(), median, p99 })
}

/// Asks a target at a steady rate from a thread of its own, `connections` taking turns, until told to stop. An answer that
/// comes late does not put off the next question of another connection, and each latency counts from the moment at which the
/// question was to be asked. Every answer is compared.
pub async fn paced(
    target: &Arc<Target>,
    connections: u32,
    every: Duration,
    stop: &Arc<AtomicBool>,
    longest: Duration,
) -> anyhow::Result<Vec<Duration>> {
    let (target, stop) = (Arc::clone(target), Arc::clone(stop));
    let thread = tokio::task::spawn_blocking(move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let work = async {
            let begin = Instant::now();
            let mut tasks = tokio::task::JoinSet::new();
            for turn in 0..connections {
                let (target, stop) = (Arc::clone(&target), Arc::clone(&stop));
                tasks.spawn(async move {
                    let mut connection = Connection::open(target.address).await?;
                    let (mut latencies, mut next) = (Vec::new(), begin + every * turn);
                    while !stop.load(Ordering::Relaxed) {
                        tokio::time::sleep_until(next.into()).await;
                        let same = connection.exchange(&target.request).await? == target.answer;
                        latencies.push(next.elapsed());
                        ensure!(same, "an answer is not the one that was checked");
                        next += every * connections;
                    }
                    Ok(latencies)
                });
            }
            let mut latencies = Vec::new();
            while let Some(done) = tasks.join_next().await {
                latencies.extend(done??);
            }
            Ok::<_, anyhow::Error>(latencies)
        };
        let bounded = async { tokio::time::timeout(longest, work).await };
        runtime.block_on(bounded).context("not done in time")?
    });
    thread.await?
}

/// One connection; counts the answers that arrive within the window.
async fn looped(target: Arc<Target>, begin: Instant, end: Instant) -> anyhow::Result<Vec<Duration>> {
    let mut connection = Connection::open(target.address).await?;
    let mut latencies = Vec::with_capacity(16 << 10);
    loop {
        let sent = Instant::now();
        let same = connection.exchange(&target.request).await? == target.answer;
        let received = Instant::now();
        ensure!(same, "an answer is not the one that was checked");
        if received >= end {
            return Ok(latencies);
        }
        if received >= begin {
            latencies.push(received - sent);
        }
    }
}
