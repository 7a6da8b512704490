//! The server, asked over TCP.

use crate::counting::everything;
use crate::exposition::parse;
use flow::metrics::MetricsServer;
use std::io::{ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};

const LOOPBACK: &str = "127.0.0.1:0";

fn server() -> MetricsServer {
    let metrics = everything();
    MetricsServer::start(LOOPBACK.parse().unwrap(), move || metrics.text()).unwrap()
}

/// The head and the body of the answer to this request line.
fn ask(address: SocketAddr, request: &str) -> (String, String) {
    let mut stream = TcpStream::connect(address).unwrap();
    write!(
        stream,
        "{request} HTTP/1.1\r\nHost: node\r\nConnection: close\r\n\r\n"
    )
    .unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    (head.to_lowercase(), body.to_owned())
}

#[test]
fn metrics_are_served_as_prometheus_reads_them() {
    let server = server();
    let (head, body) = ask(server.address(), "GET /metrics");
    assert!(head.starts_with("http/1.1 200 ok\r\n"), "{head}");
    let kind = "content-type: application/openmetrics-text; version=1.0.0; charset=utf-8";
    assert!(head.contains(kind), "{head}");
    assert!(!parse(&body).samples.is_empty());
}

#[track_caller]
fn check(request: &str, status: &str, body: &str) {
    let server = server();
    let (head, answered) = ask(server.address(), request);
    assert!(
        head.starts_with(&format!("http/1.1 {status}\r\n")),
        "{head}"
    );
    assert_eq!(answered, body);
}

#[test]
fn other_paths_and_methods_are_told_what_is_there() {
    check("GET /healthz", "200 ok", "ok\n");
    check(
        "GET /",
        "404 not found",
        "there are /metrics and /healthz here\n",
    );
    check(
        "GET /metrics/x",
        "404 not found",
        "there are /metrics and /healthz here\n",
    );
    check("POST /metrics", "405 method not allowed", "use GET\n");
    check("HEAD /healthz", "200 ok", "");
}

#[test]
fn each_request_is_answered_with_what_is_counted_by_then() {
    let server = server();
    let mut stream = TcpStream::connect(server.address()).unwrap();
    for _ in 0..2 {
        stream
            .write_all(b"GET /healthz HTTP/1.1\r\nHost: node\r\n\r\n")
            .unwrap();
        let mut answer = Vec::new();
        while !answer.ends_with(b"ok\n") {
            let mut byte = [0];
            stream.read_exact(&mut byte).unwrap();
            answer.extend(byte);
        }
    }
}

#[test]
fn a_client_that_speaks_no_http_harms_nobody() {
    let server = server();
    let mut rude = TcpStream::connect(server.address()).unwrap();
    rude.write_all(b"\x16\x03\x01\0\r\n\r\n").unwrap();
    let _silent = TcpStream::connect(server.address()).unwrap();
    assert_eq!(ask(server.address(), "GET /healthz").1, "ok\n");
}

#[test]
fn dropping_the_handle_ends_it_whoever_is_connected() {
    let server = server();
    let address = server.address();
    let mut client = TcpStream::connect(address).unwrap();
    client.write_all(b"GET /healthz HTTP/1.1\r\n").unwrap();
    drop(server);
    let error = TcpStream::connect(address).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::ConnectionRefused);
}

#[test]
fn an_address_that_is_taken_is_named() {
    let taken = TcpListener::bind(LOOPBACK).unwrap();
    let address = taken.local_addr().unwrap();
    let error = MetricsServer::start(address, String::new).unwrap_err();
    assert_eq!(
        error.to_string(),
        format!("metrics cannot be served at {address}")
    );
    assert_eq!(error.source.kind(), ErrorKind::AddrInUse);
}
