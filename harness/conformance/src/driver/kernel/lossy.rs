//! Real connections over links that lose packets.

use super::super::{Fault, FaultKind, Mode, Sighting};
use super::rig::Rig;
use abi::{Disposition, Routing, protocol};
use manifest::{Cluster, EndpointName, Source};
use std::collections::BTreeMap;
use std::io::{Read, Write};
use std::net::{Ipv4Addr, Ipv6Addr, Shutdown, SocketAddr, TcpListener, TcpStream};
use std::num::NonZeroU32;
use std::time::Duration;

const CLUSTER: &str = "
apiVersion: v1
kind: Pod
metadata: {name: a, namespace: x, labels: {app: a}}
spec: {nodeName: n1, containers: [{name: c}]}
status: {podIPs: [{ip: 10.1.0.1}, {ip: 'fd00:1::1'}]}
---
apiVersion: v1
kind: Pod
metadata: {name: b, namespace: x, labels: {app: b}}
spec: {nodeName: n2, containers: [{name: c}]}
status: {podIPs: [{ip: 10.2.0.1}, {ip: 'fd00:2::1'}]}
---
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: b, namespace: x}
spec:
  podSelector: {matchLabels: {app: b}}
  ingress: [{from: [{podSelector: {matchLabels: {app: a}}}], ports: [{port: 8080}]}]
";
const PORT: u16 = 8080;
/// Enough for dozens of packets.
const BYTES: usize = 100_000;
/// Only ends a run that has failed already.
const GUARD: Duration = Duration::from_secs(30);

/// Every eighth packet of each direction is lost at the node of `b`.
fn lossy_rig(routing: Routing) -> Rig {
    let mode = Mode {
        routing,
        ..Mode::default()
    };
    let mut rig = Rig::open(mode, &super::config(mode)).unwrap();
    let mut cluster = Cluster::default();
    cluster.apply(&[Source::text("test", CLUSTER)]).unwrap();
    rig.keep_reports();
    rig.apply(cluster).unwrap();
    let fault = Fault {
        at: EndpointName::Node("n2".to_owned()),
        kind: FaultKind::LinkLoses(NonZeroU32::new(8).unwrap()),
    };
    rig.inflict(&fault).unwrap();
    rig
}

/// Sends bytes from `a` to `b` and back over a connection of their sockets.
fn transfer(rig: &Rig, to: SocketAddr) {
    let [a, b] = ["x/a", "x/b"].map(|name| rig.lab().endpoint(name).unwrap().namespace());
    let listener = b.run(|| TcpListener::bind(to)).unwrap().unwrap();
    let mut stream = a.run(|| TcpStream::connect(to)).unwrap().unwrap();
    stream.set_read_timeout(Some(GUARD)).unwrap();
    let sent: Vec<u8> = (0..251).cycle().take(BYTES).collect();
    let echoed = std::thread::scope(|scope| {
        scope.spawn(|| {
            let (mut stream, _) = listener.accept().unwrap();
            stream.set_read_timeout(Some(GUARD)).unwrap();
            let mut received = Vec::new();
            stream.read_to_end(&mut received).unwrap();
            stream.write_all(&received).unwrap();
        });
        stream.write_all(&sent).unwrap();
        stream.shutdown(Shutdown::Write).unwrap();
        let mut echoed = Vec::new();
        stream.read_to_end(&mut echoed).unwrap();
        echoed
    });
    assert!(echoed == sent, "{} bytes came back", echoed.len());
}

/// How many flows of TCP each node has reported; all of them passed.
fn passed(rig: &mut Rig) -> BTreeMap<String, usize> {
    let mut counts = BTreeMap::new();
    rig.note_events();
    let sightings = rig.flows().unwrap().sightings;
    let of_tcp = |seen: &&Sighting| seen.flow.protocol == protocol::TCP;
    for seen in sightings.iter().filter(of_tcp) {
        assert_eq!(seen.flow.disposition, Disposition::Allowed);
        *counts.entry(seen.node.to_string()).or_default() += 1;
    }
    counts
}

#[test]
fn tcp_gets_everything_through_and_is_one_connection_on_each_node() {
    for routing in [Routing::Native, Routing::Vxlan] {
        let mut rig = lossy_rig(routing);
        let [v4, v6] = [
            Ipv4Addr::new(10, 2, 0, 1).into(),
            Ipv6Addr::new(0xfd00, 2, 0, 0, 0, 0, 0, 1).into(),
        ];
        for address in [v4, v6] {
            let before = rig.drops().unwrap();
            transfer(&rig, SocketAddr::new(address, PORT));
            assert_eq!(rig.drops().unwrap(), before);
            let expected = ["n1", "n2"].map(|node| (node.to_owned(), 1));
            assert_eq!(passed(&mut rig), expected.into());
        }
        rig.close().unwrap();
    }
}
