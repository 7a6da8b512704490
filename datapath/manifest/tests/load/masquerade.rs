//! The `ConfigMap` of the ip-masq-agent.

use crate::world::{apply, load, source};
use manifest::{Cluster, Masquerade};

/// The `ConfigMap` with this configuration.
fn config_map(config: &str) -> String {
    let config = config.replace('\n', "\n    ");
    format!(
        "apiVersion: v1
kind: ConfigMap
metadata: {{name: ip-masq-agent, namespace: kube-system}}
data:
  config: |
    {config}
"
    )
}

/// The prefixes, and whether link-local addresses are masqueraded.
fn said(cluster: &Cluster) -> (Vec<String>, bool, bool) {
    let Masquerade {
        non_masquerade_cidrs,
        link_local,
        link_local_v6,
        ..
    } = cluster.masquerade.clone().unwrap();
    let cidrs = non_masquerade_cidrs.iter().map(ToString::to_string);
    (cidrs.collect(), link_local, link_local_v6)
}

#[test]
fn what_is_not_written_is_as_the_agent_has_it() {
    let private = ["10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16"];
    for (config, cidrs, link_local, link_local_v6) in [
        ("{}", &private[..], false, false),
        (
            "resyncInterval: 60s\nmasqLinkLocal: true",
            &private,
            true,
            false,
        ),
        ("nonMasqueradeCIDRs: []", &[], false, false),
        (
            "nonMasqueradeCIDRs:\nmasqLinkLocalIPv6: true",
            &[],
            false,
            true,
        ),
        (
            r#"{"nonMasqueradeCIDRs": ["100.64.0.0/10", "fd00::/8"], "masqLinkLocal": false}"#,
            &["100.64.0.0/10", "fd00::/8"],
            false,
            false,
        ),
    ] {
        let cidrs = cidrs.iter().map(ToString::to_string).collect();
        let cluster = load(&config_map(config));
        assert_eq!(
            said(&cluster),
            (cidrs, link_local, link_local_v6),
            "{config}"
        );
    }
}

#[test]
fn other_config_maps_say_nothing() {
    for metadata in [
        "{name: ip-masq-agent}",
        "{name: ip-masq-agent, namespace: default}",
        "{name: coredns, namespace: kube-system}",
    ] {
        let mut cluster = Cluster::default();
        let text =
            format!("apiVersion: v1\nkind: ConfigMap\nmetadata: {metadata}\ndata: {{config: no}}");
        let applied = apply(&mut cluster, &text);
        assert_eq!(applied.skipped_line().unwrap(), "skipped 1 ConfigMap");
        assert_eq!(cluster, Cluster::default());
    }
}

#[test]
fn a_new_one_takes_the_place_of_the_old_and_without_one_it_is_off() {
    let mut cluster = load(&config_map("nonMasqueradeCIDRs: [10.0.0.0/8]"));
    apply(
        &mut cluster,
        &config_map("nonMasqueradeCIDRs: [11.0.0.0/8]"),
    );
    assert_eq!(said(&cluster).0, ["11.0.0.0/8"]);
    cluster.delete(&source(&config_map("{}"))).unwrap();
    assert_eq!(cluster.masquerade, None);
    assert!(cluster.delete(&source(&config_map("{}"))).is_err());
    let namespace = "{apiVersion: v1, kind: Namespace, metadata: {name: kube-system}}";
    apply(
        &mut cluster,
        &format!("{}---\n{namespace}", config_map("{}")),
    );
    cluster.delete(&source(namespace)).unwrap();
    assert_eq!(cluster.masquerade, None);
}

#[test]
fn an_annotation_says_which_ports_there_are() {
    let text = config_map("{}").replace(
        "kube-system}",
        "kube-system, annotations: {plumbline/masquerade-ports: 61000-61003}}",
    );
    let masquerade = load(&text).masquerade.unwrap();
    assert_eq!(masquerade.ports, Some(61_000..=61_003));
    assert_eq!(masquerade.origin.location.line, 1);
}
