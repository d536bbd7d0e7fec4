//! A mail server of others, in a thread of its own: takes mail on a free port, or refuses what a test wants refused.

use std::io;
use std::net::{IpAddr, TcpListener};
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::{Arc, Mutex};

use aftersales::clock::Clock;
use aftersales::config::Secret;
use aftersales::state::{App as State, AppState};
use mailin_embedded::response::OK;
use mailin_embedded::{Handler, Response, Server};

use super::App;

/// A mail that was taken: the envelope's sender and recipients, and its bytes.
#[derive(Clone, Debug, Default)]
pub struct Taken {
    pub from: String,
    pub to: Vec<String>,
    pub bytes: Vec<u8>,
}

/// The server, as a test sees it. `gone@…` is unknown, `busy@…` is asked to come back later while it is busy.
#[derive(Clone, Debug)]
pub struct Inbox {
    pub url: String,
    taken: Arc<Mutex<Vec<Taken>>>,
    busy: Arc<AtomicBool>,
    greeted: Arc<AtomicU32>,
    now: Taken,
}

impl Inbox {
    pub fn open() -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
        let url = format!("smtp://{}", listener.local_addr().unwrap());
        let inbox = Self {
            url,
            taken: Arc::default(),
            busy: Arc::new(AtomicBool::new(true)),
            greeted: Arc::default(),
            now: Taken::default(),
        };
        let mut server = Server::new(inbox.clone());
        server.with_name("mx.example.com").with_num_threads(20).with_tcp_listener(listener);
        std::thread::spawn(move || server.serve().unwrap());
        inbox
    }

    /// Another instance on the same stores, which sends to this server.
    pub async fn sender(&self, app: &App) -> AppState {
        let mut config = app.state.config.clone();
        config.mail.smtp = Some(Secret::new(self.url.clone()));
        State::open(config, Clock::Fixed(app.clock.clone())).await.unwrap()
    }

    /// Everything taken so far.
    pub fn taken(&self) -> Vec<Taken> {
        self.taken.lock().unwrap().clone()
    }

    /// How many connections there were.
    pub fn connections(&self) -> u32 {
        self.greeted.load(Ordering::SeqCst)
    }

    /// From now on it has time for `busy@…`.
    pub fn relax(&self) {
        self.busy.store(false, Ordering::SeqCst);
    }
}

impl Handler for Inbox {
    fn helo(&mut self, _ip: IpAddr, _domain: &str) -> Response {
        self.greeted.fetch_add(1, Ordering::SeqCst);
        OK
    }

    fn mail(&mut self, _ip: IpAddr, _domain: &str, from: &str) -> Response {
        self.now = Taken { from: from.to_owned(), ..Taken::default() };
        OK
    }

    fn rcpt(&mut self, to: &str) -> Response {
        if to.starts_with("gone@") {
            return Response::custom(550, format!("5.1.1 <{to}> is not here"));
        }
        if to.starts_with("busy@") && self.busy.load(Ordering::SeqCst) {
            return Response::custom(451, "4.3.0 come back later".to_owned());
        }
        self.now.to.push(to.to_owned());
        OK
    }

    fn data(&mut self, buf: &[u8]) -> io::Result<()> {
        self.now.bytes.extend_from_slice(buf);
        Ok(())
    }

    fn data_end(&mut self) -> Response {
        self.taken.lock().unwrap().push(std::mem::take(&mut self.now));
        OK
    }
}
