//! Real sockets in the namespaces of both pods.

use anyhow::{Context as _, ensure};
use lab::Namespace;
use nix::sched::{CpuSet, sched_getcpu, sched_setaffinity};
use nix::sys::socket::{Shutdown, shutdown};
use nix::unistd::Pid;
use std::io::{self, Read as _, Write as _};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream, UdpSocket};
use std::os::fd::AsRawFd as _;
use std::thread::{self, ScopedJoinHandle};
use std::time::{Duration, Instant};

/// How long each sample is.
const LENGTH: Duration = Duration::from_millis(500);
/// Streams at the same time.
const STREAMS: usize = 8;
/// Datagrams that are under way at once.
const BURST: u32 = 64;
/// Bytes that a stream writes or reads at once.
const CHUNK: usize = 1 << 16;
/// The port that pod b serves.
pub(crate) const PORT: u16 = 5000;

/// A kind of traffic from pod a to pod b.
#[derive(Clone, Copy)]
pub(crate) enum Traffic {
    /// One byte there and one back, again and again on one TCP connection.
    Request,
    /// The same, with a connection for each.
    Connection,
    /// Small datagrams, as many as arrive.
    Datagram,
    /// Eight TCP connections at once, as much as arrives.
    Stream,
}

/// Both pods.
pub(crate) struct Ends {
    pub(crate) client: Namespace,
    pub(crate) server: Namespace,
    /// The server's own address.
    pub(crate) address: Ipv4Addr,
    /// Where the client asks for it.
    pub(crate) asked: Ipv4Addr,
}

/// How much arrived in which time.
pub(crate) struct Achieved {
    pub(crate) operations: f64,
    pub(crate) elapsed: Duration,
}

impl Traffic {
    pub(crate) const ALL: [Self; 4] = [
        Self::Request,
        Self::Connection,
        Self::Datagram,
        Self::Stream,
    ];

    /// Sends for half a second, from a thread of its own.
    pub(crate) fn send(self, ends: &Ends) -> anyhow::Result<Achieved> {
        match self {
            Self::Request => stay_here().and_then(|()| requests(ends)),
            Self::Connection => stay_here().and_then(|()| connections(ends)),
            Self::Datagram => stay_here().and_then(|()| datagrams(ends)),
            Self::Stream => streams(ends),
        }
    }
}

impl Ends {
    fn server(&self) -> SocketAddr {
        (self.address, PORT).into()
    }

    fn asked(&self) -> SocketAddr {
        (self.asked, PORT).into()
    }

    fn listen(&self) -> anyhow::Result<TcpListener> {
        Ok(self.server.run(|| TcpListener::bind(self.server()))??)
    }

    fn connect(&self) -> anyhow::Result<TcpStream> {
        let stream = self.client.run(|| TcpStream::connect(self.asked()))??;
        stream.set_nodelay(true)?;
        Ok(stream)
    }
}

/// Keeps this thread and those that it starts on one processor: ends that take turns would measure how long one
/// processor takes to wake another.
fn stay_here() -> anyhow::Result<()> {
    let mut here = CpuSet::new();
    here.set(sched_getcpu()?)?;
    Ok(sched_setaffinity(Pid::from_raw(0), &here)?)
}

/// Does this until the time is over; returns how often and for how long.
fn again(mut this: impl FnMut() -> io::Result<()>) -> io::Result<(u32, Duration)> {
    let started = Instant::now();
    let mut count = 0;
    while started.elapsed() < LENGTH {
        this()?;
        count += 1;
    }
    Ok((count, started.elapsed()))
}

/// One byte there and one back.
fn ask(stream: &mut TcpStream) -> io::Result<()> {
    stream.write_all(b"?")?;
    stream.read_exact(&mut [0])
}

/// Sends every byte back, one at a time, until the stream ends.
fn answer(mut stream: TcpStream) -> io::Result<()> {
    stream.set_nodelay(true)?;
    let mut byte = [0];
    while stream.read(&mut byte)? > 0 {
        stream.write_all(&byte)?;
    }
    Ok(())
}

fn requests(ends: &Ends) -> anyhow::Result<Achieved> {
    let listener = ends.listen()?;
    let mut client = ends.connect()?;
    let (server, _) = listener.accept()?;
    let server = thread::spawn(|| answer(server));
    let (count, elapsed) = again(|| ask(&mut client))?;
    drop(client);
    server.join().ok().context("an end panicked")??;
    Ok(Achieved {
        operations: count.into(),
        elapsed,
    })
}

fn connections(ends: &Ends) -> anyhow::Result<Achieved> {
    let listener = ends.listen()?;
    thread::scope(|scope| {
        let server = scope.spawn(|| {
            // Until the listener is shut. The client closes first, so its ports are those that rest for a while.
            while let Ok((stream, _)) = listener.accept() {
                answer(stream)?;
            }
            Ok(())
        });
        let to = ends.asked();
        let result = ends
            .client
            .run(|| again(|| ask(&mut TcpStream::connect(to)?)));
        shutdown(listener.as_raw_fd(), Shutdown::Both)?;
        join(server)?;
        let (count, elapsed) = result??;
        Ok(Achieved {
            operations: count.into(),
            elapsed,
        })
    })
}

/// One thread is both ends: it sends as many as the inbox has room for and then takes them out. Waking another for each
/// datagram would cost more than the way that it came.
fn datagrams(ends: &Ends) -> anyhow::Result<Achieved> {
    let inbox = ends.server.run(|| UdpSocket::bind(ends.server()))??;
    inbox.set_nonblocking(true)?;
    let any = (Ipv4Addr::UNSPECIFIED, 0);
    let outbox = ends.client.run(|| UdpSocket::bind(any))??;
    outbox.connect(ends.asked())?;
    let mut received = 0;
    let (bursts, elapsed) = again(|| {
        for _ in 0..BURST {
            outbox.send(&[0; 32])?;
        }
        received += take_out(&inbox)?;
        Ok(())
    })?;
    ensure!(received > 0, "nothing of {bursts} bursts arrived");
    Ok(Achieved {
        operations: received.into(),
        elapsed,
    })
}

/// How many datagrams wait.
fn take_out(inbox: &UdpSocket) -> io::Result<u32> {
    let mut count = 0;
    loop {
        match inbox.recv(&mut [0; 64]) {
            Ok(_) => count += 1,
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(count),
            Err(error) => return Err(error),
        }
    }
}

fn streams(ends: &Ends) -> anyhow::Result<Achieved> {
    let listener = ends.listen()?;
    let started = Instant::now();
    let received = thread::scope(|scope| {
        let mut servers = Vec::new();
        for _ in 0..STREAMS {
            let mut client = ends.connect()?;
            let (mut server, _) = listener.accept()?;
            servers.push(scope.spawn(move || read_all(&mut server)));
            let chunk = vec![0; CHUNK];
            scope.spawn(move || again(|| client.write_all(&chunk)));
        }
        let received = servers.into_iter().map(join);
        received.sum::<anyhow::Result<f64>>()
    })?;
    Ok(Achieved {
        operations: received * 8.0,
        elapsed: started.elapsed(),
    })
}

/// How many bytes come until the stream ends.
fn read_all(stream: &mut TcpStream) -> io::Result<f64> {
    let mut buffer = vec![0; CHUNK];
    let mut received = 0.0;
    loop {
        match stream.read(&mut buffer)? {
            0 => return Ok(received),
            length => received += u32::try_from(length).map_or(0.0, f64::from),
        }
    }
}

fn join<T>(thread: ScopedJoinHandle<'_, io::Result<T>>) -> anyhow::Result<T> {
    Ok(thread.join().ok().context("an end panicked")??)
}
