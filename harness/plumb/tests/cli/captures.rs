//! Captures, as Wireshark reads them. Needs root, BPF and tshark.

use crate::program::plumb;
use std::path::Path;
use std::process::Command;

/// These fields of every packet of a capture, by `tshark`.
fn read<const N: usize>(capture: &Path, fields: [&str; N]) -> Vec<[String; N]> {
    let mut tshark = Command::new("tshark");
    tshark.arg("-r").arg(capture).args(["-T", "fields"]);
    for field in fields {
        tshark.args(["-e", field]);
    }
    let output = tshark.output().expect("tshark is installed: ci/setup test");
    assert!(output.status.success(), "{output:?}");
    let text = String::from_utf8(output.stdout).unwrap();
    let lines = text.lines().map(|line| {
        let mut cells = line.split('\t').map(str::to_owned);
        std::array::from_fn(|_| cells.next().unwrap_or_default())
    });
    lines.collect()
}

#[test]
fn each_packet_carries_its_verdict() {
    let folder = tempfile::tempdir().unwrap();
    let captures = folder.path().join("captures");
    plumb("matrix -f shop.yaml -n shop --port 5432 --family 4 --driver kernel --captures")
        .arg(&captures)
        .assert()
        .success();
    let fields = [
        "frame.interface_name",
        "ip.src",
        "ip.dst",
        "tcp.flags",
        "frame.packet_id",
        "frame.verdict.ebpf_tc",
        "frame.comment",
    ];
    let packets = read(&captures.join("matrix.pcapng"), fields);
    let syn = |at: &str, from: &str, to: &str| {
        let mut found = packets
            .iter()
            .filter(|[interface, source, destination, flags, ..]| {
                [interface.as_str(), source, destination] == [at, from, to] && flags == "0x0002"
            });
        found
            .next()
            .cloned()
            .unwrap_or_else(|| panic!("{at}: {from} to {to} in {packets:#?}"))
    };
    let (api, db, web) = ("10.244.0.3", "10.244.0.4", "10.244.0.2");
    let [.., packet, verdict, comment] = syn("shop/web", web, db);
    assert_eq!(verdict, "2", "TC_ACT_SHOT");
    assert!(
        comment.starts_with("denied (policy_denied_ingress); egress: no policy; ingress: denied by shop/db, shop/default-deny, by default"),
        "{comment}"
    );
    assert!(
        packets
            .iter()
            .filter(|[.., id, _, _]| *id == packet)
            .count()
            == 1,
        "it arrives nowhere"
    );
    let [.., sent, verdict, comment] = syn("shop/api", api, db);
    assert_eq!(verdict, "0", "TC_ACT_OK");
    assert!(comment.contains("ingress: allowed by shop/db"), "{comment}");
    let [.., arrived, verdict, _] = syn("shop/db", api, db);
    assert_eq!((arrived, verdict.as_str()), (sent, "0"), "it is one packet");
}

#[test]
fn between_nodes_a_packet_is_seen_at_both_uplinks_with_the_identity_of_its_sender() {
    let folder = tempfile::tempdir().unwrap();
    plumb("matrix -f two-nodes.yaml --family 4 --driver kernel --routing vxlan --captures")
        .arg(folder.path())
        .assert()
        .success();
    let fields = [
        "frame.interface_name",
        "ip.src",
        "ip.dst",
        "vxlan.vni",
        "frame.packet_id",
    ];
    let packets = read(&folder.path().join("matrix.pcapng"), fields);
    let seen = |at: &str, from: &str, to: &str| {
        let mut found = packets
            .iter()
            .filter(|[interface, source, destination, ..]| {
                [interface.as_str(), source, destination] == [at, from, to]
            });
        let [.., identity, packet] = found.next().unwrap_or_else(|| panic!("{packets:#?}"));
        (identity.clone(), packet.clone())
    };
    let outside = ("172.18.0.1,10.244.0.2", "172.18.0.2,10.244.1.2");
    let [left, came] = ["node/n1", "node/n2"].map(|at| seen(at, outside.0, outside.1));
    assert_eq!(left, came, "it is one packet");
    let told = plumb("explain shop/web shop/db 80 -f two-nodes.yaml --driver simulate")
        .assert()
        .success();
    let told = String::from_utf8(told.get_output().stdout.clone()).unwrap();
    assert!(
        told.contains(&format!("identity {}", left.0)),
        "{left:?} in {told}"
    );
}

#[test]
fn a_scenario_has_a_file_of_its_own_whether_it_passes_or_not() {
    let folder = tempfile::tempdir().unwrap();
    plumb("test shop.feature -f shop.yaml --driver kernel --captures")
        .arg(folder.path())
        .assert()
        .code(1);
    let files = folder.path().read_dir().unwrap();
    let mut names: Vec<String> = files
        .map(|file| file.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    assert_eq!(names.len(), 2);
    for name in names {
        assert!(name.starts_with("shop-feature-"), "{name}");
        assert!(
            !read(&folder.path().join(&name), ["frame.number"]).is_empty(),
            "{name}"
        );
    }
}

#[test]
fn who_sends_no_packets_captures_none() {
    let told = plumb("matrix -f shop.yaml --driver simulate --captures /nowhere").assert();
    told.code(2).stderr_eq(snapbox::str![[r#"
error: packets are captured on links: --captures needs the kernel driver

"#]]);
}

#[test]
fn a_folder_that_cannot_be_made_is_named() {
    let told = plumb("matrix -f shop.yaml --driver kernel --captures /proc/captures").assert();
    told.code(2).stderr_eq(snapbox::str![[r#"
error: writing /proc/captures/matrix.pcapng: No such file or directory (os error 2)

"#]]);
}
