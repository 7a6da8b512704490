//! The metrics over HTTP: `/metrics` for Prometheus, `/healthz` for whoever asks whether the process lives.

use http_body_util::Full;
use hyper::body::{Bytes, Incoming};
use hyper::header::{ALLOW, CONTENT_TYPE, HeaderName};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Method, Request, Response, StatusCode};
use hyper_util::rt::{TokioIo, TokioTimer};
use std::convert::Infallible;
use std::io;
use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;
use std::thread::{self, JoinHandle};
use std::time::Duration;
use tokio::net::TcpStream;
use tokio::runtime::{Builder, Runtime};
use tokio::sync::oneshot;
use tokio::task::JoinSet;

/// How many clients are served at once; others wait for one of them to go.
const CLIENTS: usize = 64;

/// How often a client is taken again after one that could not be.
const BETWEEN_TRIES: Duration = Duration::from_secs(1);

/// `OpenMetrics`, which Prometheus reads since 2.5.
const OPEN_METRICS: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";
const PLAIN: &str = "text/plain; charset=utf-8";

/// Makes the text of `/metrics`.
type Render = dyn Fn() -> String + Send + Sync;

/// Serves metrics until it is dropped.
#[derive(Debug)]
pub struct MetricsServer {
    address: SocketAddr,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

/// Why metrics cannot be served.
#[derive(Debug, thiserror::Error)]
#[error("metrics cannot be served at {address}")]
pub struct ServeError {
    /// The address that was asked for.
    pub address: SocketAddr,
    /// What the system said.
    pub source: io::Error,
}

impl MetricsServer {
    /// Serves at `address` from a thread of its own; port 0 takes any that is free. `render` makes the text anew for
    /// each request, for example [`super::Metrics::text`] after a look at the tables.
    ///
    /// # Errors
    /// When the address is taken or is none of this machine's.
    pub fn start(
        address: SocketAddr,
        render: impl Fn() -> String + Send + Sync + 'static,
    ) -> Result<Self, ServeError> {
        let fail = |source| ServeError { address, source };
        let listener = TcpListener::bind(address).map_err(fail)?;
        listener.set_nonblocking(true).map_err(fail)?;
        let bound = listener.local_addr().map_err(fail)?;
        let runtime = Builder::new_current_thread().enable_all().build();
        let runtime = runtime.map_err(fail)?;
        let (stop, stopped) = oneshot::channel();
        let serve = move || run(&runtime, listener, Arc::new(render), stopped);
        let thread = thread::Builder::new().name("metrics".to_owned());
        Ok(Self {
            address: bound,
            stop: Some(stop),
            thread: Some(thread.spawn(serve).map_err(fail)?),
        })
    }

    /// Where it serves.
    #[must_use]
    pub const fn address(&self) -> SocketAddr {
        self.address
    }
}

/// Stops at once: open connections are closed, and the address is free.
impl Drop for MetricsServer {
    fn drop(&mut self) {
        // The thread may have ended already: then nobody has to be told.
        let _ = self.stop.take().map(|stop| stop.send(()));
        let _ = self.thread.take().map(JoinHandle::join);
    }
}

/// Serves until it is told to stop; then the runtime goes, and every client with it.
fn run(runtime: &Runtime, listener: TcpListener, render: Arc<Render>, stop: oneshot::Receiver<()>) {
    runtime.spawn(accept(listener, render));
    // Told to stop or left alone: the same.
    let _ = runtime.block_on(stop);
}

/// Takes clients as long as there is room for them.
async fn accept(listener: TcpListener, render: Arc<Render>) {
    // Fails only for a descriptor that the runtime cannot wait for, and a socket is none.
    let Ok(listener) = tokio::net::TcpListener::from_std(listener) else {
        return;
    };
    let mut tries = tokio::time::interval(BETWEEN_TRIES);
    let mut clients = JoinSet::new();
    loop {
        while clients.try_join_next().is_some() {}
        if clients.len() >= CLIENTS {
            clients.join_next().await;
        }
        match listener.accept().await {
            Ok((stream, _)) => {
                clients.spawn(serve(stream, Arc::clone(&render)));
            }
            // The client has gone, or the process has no descriptor left.
            Err(_) => {
                tries.tick().await;
            }
        }
    }
}

/// Answers one client until it goes. One that says nothing for 30 seconds is sent away by hyper's own timer.
async fn serve(stream: TcpStream, render: Arc<Render>) {
    let service = service_fn(move |request| {
        let response = respond(&request, &*render);
        async move { Ok::<_, Infallible>(response) }
    });
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .serve_connection(TokioIo::new(stream), service);
    // A client that breaks off or speaks no HTTP has had its answer.
    let _ = connection.await;
}

fn respond(request: &Request<Incoming>, render: &Render) -> Response<Full<Bytes>> {
    if request.method() != Method::GET && request.method() != Method::HEAD {
        let headers = [(CONTENT_TYPE, PLAIN), (ALLOW, "GET, HEAD")];
        return answer(StatusCode::METHOD_NOT_ALLOWED, &headers, "use GET\n");
    }
    match request.uri().path() {
        "/metrics" => answer(StatusCode::OK, &[(CONTENT_TYPE, OPEN_METRICS)], render()),
        "/healthz" => answer(StatusCode::OK, &[(CONTENT_TYPE, PLAIN)], "ok\n"),
        _ => {
            let headers = [(CONTENT_TYPE, PLAIN)];
            let text = "there are /metrics and /healthz here\n";
            answer(StatusCode::NOT_FOUND, &headers, text)
        }
    }
}

fn answer(
    status: StatusCode,
    headers: &[(HeaderName, &'static str)],
    body: impl Into<Bytes>,
) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(body.into()));
    *response.status_mut() = status;
    for (name, value) in headers {
        let value = hyper::header::HeaderValue::from_static(value);
        response.headers_mut().insert(name, value);
    }
    response
}
