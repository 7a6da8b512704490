//! Flows from a file, from a stream, and as they come.

use crate::program::{folder, plumb};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use snapbox::cmd::cargo_bin;
use snapbox::{file, str};
use std::fs::{self, File};
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::Path;
use std::process::{Child, ChildStdout, Command, Stdio};

#[test]
fn every_form_shows_every_flow() {
    let lost = "warning: flows are missing: 12 events were lost (PERF_EVENT_RING_BUFFER 12)\n";
    let observe = |form: &str| {
        plumb(&format!("observe observe/flows.jsonl -o {form}"))
            .assert()
            .success()
            .stderr_eq(lost)
    };
    observe("compact").stdout_eq(file!["observe/compact.txt"]);
    observe("table").stdout_eq(file!["observe/table.txt"]);
    let json = observe("json").get_output().stdout.clone();
    let flows = fs::read(Path::new(folder()).join("observe/flows.jsonl")).unwrap();
    assert_eq!(String::from_utf8(json), String::from_utf8(flows));
}

/// The times of the flows that these flags select, in seconds.
fn selected(flags: &str) -> Vec<u8> {
    let output = plumb(&format!("observe observe/flows.jsonl -o table {flags}"));
    let output = output.assert().success().get_output().stdout.clone();
    let output = String::from_utf8(output).unwrap();
    let rows = output.lines().skip(1);
    rows.map(|row| row[13..15].parse().unwrap()).collect()
}

#[test]
fn flags_select_flows() {
    assert_eq!(selected(""), [31, 32, 33, 35, 36]);
    assert_eq!(selected("--verdict dropped,audit"), [32, 33, 35]);
    assert_eq!(
        selected("--verdict DROPPED --from-label reserved:world"),
        [32]
    );
    assert_eq!(selected("--from-pod shop/web --to-pod shop/db"), [31]);
    assert_eq!(selected("--pod shop/d"), [31, 32, 36]);
    assert!(selected("-n bank").is_empty());
    assert_eq!(selected("--to-namespace shop -l app=web,!tier"), [31, 36]);
    assert_eq!(selected("--protocol udp,icmp"), [33, 35]);
    assert_eq!(selected("--to-port 5432"), [31, 32]);
    assert_eq!(selected("--ip 192.0.2.0/24 --ip fd00::1"), [32, 33, 35]);
    assert_eq!(selected("--traffic-direction ingress"), [32, 36]);
    assert_eq!(selected("--last 2"), [35, 36]);
    assert_eq!(selected("--last 1 --to-port 5432"), [32]);
    assert_eq!(
        selected("--since 2020-06-13T21:29:33Z --until 2020-06-13T21:29:36Z"),
        [33, 35]
    );
    assert!(selected("--since 5m").is_empty());
}

#[test]
fn a_line_that_is_no_flow_is_named_and_passed_over() {
    let input = "\n{\"flow\":{\"verdict\":\"DROPPED\"}}\nJun 13 21:29\n{\"flow\":3}\n\
        {\"flow\":{\"verdict\":\"FORWARDED\",\"Summary\":\"\\u001b[2J\"}}";
    plumb("observe -")
        .stdin(snapbox::Data::text(input))
        .assert()
        .code(2)
        .stdout_eq(str![[r#"
N/A: unknown <> unknown  DROPPED
N/A: unknown <> unknown  FORWARDED (/u{1b}[2J)

"#]])
        .stderr_eq(str![[r#"
error: -:3:1: this is no flow: expected value
error: -:4:9: this is no flow: invalid type: integer `3`, expected struct Flow
error: 2 lines are no flows
help: a flow is a line as `hubble observe -o jsonpb` prints it

"#]]);
}

#[test]
fn bad_flags_say_what_is_allowed() {
    let complaint = |flags: &str, expected: &str| {
        let output = plumb(&format!("observe {flags}")).assert().code(2);
        let said = String::from_utf8(output.get_output().stderr.clone()).unwrap();
        assert!(said.contains(expected), "{said}");
    };
    complaint(
        "missing.jsonl",
        "missing.jsonl: cannot be read: No such file",
    );
    complaint("observe", "observe: cannot be read: Is a directory");
    complaint(
        "- --verdict denied",
        "possible values: forwarded, dropped, audit",
    );
    complaint("- --ip web", "write for example 10.0.0.1, 10.0.0.0/8");
    complaint("- --since yesterday", "or how long ago it is: 30s, 5m, 2h");
    complaint("- --label =", "write key=value");
    complaint("- --protocol gre", "use one of tcp, udp");
}

/// `plumb observe` that follows a file.
struct Following {
    process: Child,
    output: BufReader<ChildStdout>,
}

impl Following {
    fn new(file: &Path, flags: &str) -> Self {
        let mut process = Command::new(cargo_bin!("plumb"))
            .arg("observe")
            .arg(file)
            .arg("--follow")
            .args(flags.split_whitespace())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let output = BufReader::new(process.stdout.take().unwrap());
        Self { process, output }
    }

    /// The next line, waited for.
    fn line(&mut self) -> String {
        let mut line = String::new();
        self.output.read_line(&mut line).unwrap();
        line
    }

    /// What it says at the end, and its exit code.
    fn end(mut self) -> (String, Option<i32>) {
        let mut said = String::new();
        let mut stderr = self.process.stderr.take().unwrap();
        stderr.read_to_string(&mut said).unwrap();
        (said, self.process.wait().unwrap().code())
    }
}

fn flow(summary: &str) -> String {
    format!("{{\"flow\":{{\"Summary\":\"{summary}\"}}}}\n")
}

#[test]
fn following_shows_what_comes_until_the_user_stops_it() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("flows.jsonl");
    let mut file = File::create(&path).unwrap();
    write!(file, "{}{}{}", flow("first"), flow("second"), flow("third")).unwrap();
    let mut following = Following::new(&path, "--last 1 -o json");
    assert_eq!(following.line(), flow("third"));

    let lost = "{\"lost_events\":{\"num_events_lost\":\"1\"}}\n";
    let (begin, rest) = lost.split_at(10);
    file.write_all(begin.as_bytes()).unwrap();
    file.write_all(rest.as_bytes()).unwrap();
    assert_eq!(following.line(), lost);

    file.set_len(0).unwrap();
    fs::write(&path, flow("anew")).unwrap();
    assert_eq!(following.line(), flow("anew"));

    kill(
        Pid::from_raw(following.process.id().cast_signed()),
        Signal::SIGINT,
    )
    .unwrap();
    let (said, code) = following.end();
    assert_eq!(
        said,
        "warning: flows are missing: 1 event was lost (unknown 1)\n"
    );
    assert_eq!(code, Some(130));
}

#[test]
fn following_ends_when_the_file_or_the_reader_goes() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("flows.jsonl");
    let follow = || {
        fs::write(&path, flow("only")).unwrap();
        let mut following = Following::new(&path, "-o json");
        assert_eq!(following.line(), flow("only"));
        following
    };
    let following = follow();
    fs::remove_file(&path).unwrap();
    assert_eq!(following.end(), (String::new(), Some(0)));

    let Following {
        mut process,
        output,
    } = follow();
    drop(output);
    assert_eq!(process.wait().unwrap().code(), Some(0));
}

#[test]
fn a_stream_is_shown_as_it_comes() {
    let mut process = Command::new(cargo_bin!("plumb"))
        .args(["observe", "-", "-o", "json"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut output = BufReader::new(process.stdout.take().unwrap());
    let mut input = process.stdin.take().unwrap();
    for summary in ["first", "second"] {
        input.write_all(flow(summary).as_bytes()).unwrap();
        let mut line = String::new();
        output.read_line(&mut line).unwrap();
        assert_eq!(line, flow(summary));
    }
    drop(input);
    assert_eq!(process.wait().unwrap().code(), Some(0));
}

/// What an HTTP server says at `/metrics`.
fn scrape(address: &str) -> String {
    let mut stream = TcpStream::connect(address).unwrap();
    let request = format!("GET /metrics HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    answer
}

#[test]
fn flows_are_served_as_metrics_while_they_come() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("flows.jsonl");
    let mut file = File::create(&path).unwrap();
    let flow = |verdict: &str| {
        format!(
            "{{\"flow\":{{\"verdict\":\"{verdict}\",\"drop_reason_desc\":\"POLICY_DENIED\",\"traffic_direction\":\"INGRESS\"}}}}\n"
        )
    };
    file.write_all(flow("DROPPED").as_bytes()).unwrap();
    let mut following = Following::new(&path, "-o json --metrics-listen 127.0.0.1:0");
    let mut said = String::new();
    let mut stderr = BufReader::new(following.process.stderr.take().unwrap());
    stderr.read_line(&mut said).unwrap();
    let address = said.trim().strip_prefix("metrics at http://").unwrap();
    let address = address.strip_suffix("/metrics").unwrap();

    assert_eq!(following.line(), flow("DROPPED"));
    let dropped = "plumbline_drop_total{reason=\"POLICY_DENIED\",direction=\"ingress\"} ";
    assert!(scrape(address).contains(&format!("{dropped}1\n")));
    file.write_all(flow("DROPPED").as_bytes()).unwrap();
    file.write_all(b"{\"lost_events\":{\"num_events_lost\":\"3\"}}\n")
        .unwrap();
    following.line();
    following.line();
    let metrics = scrape(address);
    assert!(metrics.contains(&format!("{dropped}2\n")), "{metrics}");
    assert!(
        metrics.contains("plumbline_lost_events_total 3\n"),
        "{metrics}"
    );

    plumb(&format!(
        "observe observe/flows.jsonl --metrics-listen {address}"
    ))
    .assert()
    .code(2)
    .stderr_eq(format!(
        "error: metrics cannot be served at {address}: Address already in use (os error 98)\n"
    ));
    fs::remove_file(&path).unwrap();
    assert_eq!(following.process.wait().unwrap().code(), Some(0));
}

#[test]
fn an_address_that_is_none_is_refused() {
    plumb("observe flows.jsonl --metrics-listen here")
        .assert()
        .code(2)
        .stderr_eq(snapbox::str![[r#"
error: invalid value 'here' for '--metrics-listen <ADDRESS:PORT>': invalid socket address syntax

For more information, try '--help'.

"#]]);
}
