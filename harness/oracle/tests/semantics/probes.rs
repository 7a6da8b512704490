//! Probes that cannot be tried are errors that say what to do.

use crate::world::{cluster, pod_name, probe};
use manifest::{EndpointName, IpBlockMode};
use oracle::{Probe, explain, judge};

#[test]
fn impossible_probes_are_refused() {
    let mut cluster = cluster(&[]);
    cluster
        .pods
        .get_mut(&pod_name("other/web"))
        .unwrap()
        .addresses
        .v6 = None;
    let good = probe(&cluster, "shop/web", "shop/db", "TCP 80");
    let bad = |change: &dyn Fn(&mut Probe)| {
        let mut probe = good.clone();
        change(&mut probe);
        let error = judge(&cluster, IpBlockMode::Any, &probe).unwrap_err();
        assert_eq!(
            explain(&cluster, IpBlockMode::Any, &probe).unwrap_err(),
            error
        );
        error.to_string()
    };
    assert_eq!(
        bad(&|probe| probe.from = EndpointName::pod("shop", "wep")),
        "`shop/wep` is not in the cluster: name a pod, node or external of the manifests"
    );
    assert_eq!(
        bad(&|probe| probe.to = EndpointName::Node("n9".to_owned())),
        "`node/n9` is not in the cluster: name a pod, node or external of the manifests"
    );
    assert_eq!(
        bad(&|probe| probe.address = "10.0.0.9".parse().unwrap()),
        "10.0.0.9 is no address of `shop/db`: its addresses are 10.244.1.2, fd00:10::2"
    );
    assert_eq!(
        bad(&|probe| {
            probe.from = EndpointName::pod("other", "web");
            probe.address = "fd00:10::2".parse().unwrap();
        }),
        "`other/web` has no IPv6 address to reach fd00:10::2"
    );
    assert_eq!(bad(&|probe| probe.port = None), "TCP needs a port");
    assert_eq!(
        bad(&|probe| probe.protocol = manifest::Protocol::Icmp),
        "ICMP has no ports: leave out the port"
    );
}
