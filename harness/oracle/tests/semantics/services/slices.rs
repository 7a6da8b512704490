//! Services whose endpoints are written as slices.

use super::{EVERYONE, VIRTUAL, check, check_inside, shop};
use crate::world::pod_name;
use manifest::{Cluster, EndpointSlice, Origin};
use serde_json::{Value, json};

/// Adds a slice of shop/web: its entries are `(address, fields)`.
fn add_slice(cluster: &mut Cluster, name: &str, ports: &Value, entries: &[(&str, Value)]) {
    let family = if entries.iter().any(|(address, _)| address.contains(':')) {
        "IPv6"
    } else {
        "IPv4"
    };
    let entries = entries.iter().map(|(address, fields)| {
        let mut entry = json!({"addresses": [address]});
        entry
            .as_object_mut()
            .unwrap()
            .extend(fields.as_object().unwrap().clone());
        entry
    });
    let object = json!({
        "metadata": {"labels": {"kubernetes.io/service-name": "web"}},
        "addressType": family,
        "ports": ports,
        "endpoints": entries.collect::<Vec<_>>(),
    });
    let slice = EndpointSlice {
        object: serde_json::from_value(object).unwrap(),
        origin: Origin::synthetic("test"),
    };
    cluster.endpoint_slices.insert(pod_name(name), slice);
}

#[test]
fn hints_count_if_every_usable_endpoint_has_some() {
    let hint = |zones: &[&str]| {
        let zones: Vec<Value> = zones.iter().map(|zone| json!({"name": zone})).collect();
        json!({"hints": {"forZones": zones}})
    };
    let unready = json!({"conditions": {"ready": false}});
    for (second, in_zone_a, without_zone) in [
        (hint(&["b"]), "web-1:80", "web-1:80 web-2:80"),
        (hint(&["a", "b"]), "web-1:80 web-2:80", "web-1:80 web-2:80"),
        (json!({}), "web-1:80 web-2:80", "web-1:80 web-2:80"),
        (unready, "web-1:80", "web-1:80"),
    ] {
        let mut shop = shop(&json!({}));
        let entries = [("10.244.1.7", hint(&["a"])), ("10.244.1.8", second)];
        add_slice(&mut shop, "shop/s", &json!([{"port": 80}]), &entries);
        check_inside(&shop, in_zone_a);
        check(&shop, "node/n3", "n3", VIRTUAL, without_zone);
    }
}

#[test]
fn slices_stand_in_place_of_the_selector() {
    let port = json!([{"port": 7000}]);
    let mut cluster = shop(&json!({}));
    add_slice(&mut cluster, "other/s", &port, &[("10.9.9.9", json!({}))]);
    check_inside(&cluster, EVERYONE);
    add_slice(&mut cluster, "shop/s", &port, &[]);
    check_inside(&cluster, "no backend of shop/web");
    add_slice(
        &mut cluster,
        "shop/t",
        &port,
        &[("10.9.9.9", json!({})), ("10.244.1.7", json!({}))],
    );
    add_slice(
        &mut cluster,
        "shop/u",
        &json!([{"port": 7001}]),
        &[("10.244.1.8", json!({}))],
    );
    add_slice(&mut cluster, "shop/v", &port, &[("2001:db8::9", json!({}))]);
    check_inside(&cluster, "10.9.9.9:7000 web-1:7000 web-2:7001");
    check(
        &cluster,
        "shop/db",
        "n1",
        "[fd00:10:96::a]:80",
        "[2001:db8::9]:7000",
    );
}

#[test]
fn ports_of_slices_have_the_name_and_the_protocol() {
    for (ports, expected) in [
        (json!([{"name": "http", "port": 7000}]), "10.9.9.9:7000"),
        (
            json!([{"name": "http", "protocol": "UDP", "port": 7000}]),
            "no backend of shop/web",
        ),
        (
            json!([{"name": "admin", "port": 7000}]),
            "no backend of shop/web",
        ),
        (json!([{"port": 7000}]), "no backend of shop/web"),
        (json!([{"name": "http"}]), "no backend of shop/web"),
    ] {
        let mut shop = shop(&json!({"ports": [{"name": "http", "port": 80}]}));
        add_slice(&mut shop, "shop/s", &ports, &[("10.9.9.9", json!({}))]);
        check_inside(&shop, expected);
    }
}

#[test]
fn conditions_of_slices_default_as_the_api_says() {
    for (conditions, expected) in [
        (json!({}), "10.9.9.9:80 web-1:80"),
        (json!({"ready": true}), "10.9.9.9:80 web-1:80"),
        (json!({"ready": false}), "web-1:80"),
        (json!({"ready": false, "serving": true}), "web-1:80"),
        (
            json!({"ready": false, "serving": true, "terminating": true}),
            "web-1:80, draining 10.9.9.9:80",
        ),
        (json!({"ready": false, "terminating": true}), "web-1:80"),
        (
            json!({"ready": true, "terminating": true}),
            "10.9.9.9:80 web-1:80",
        ),
    ] {
        let mut shop = shop(&json!({}));
        let entries = [
            ("10.244.1.7", json!({})),
            ("10.9.9.9", json!({"conditions": conditions})),
        ];
        add_slice(&mut shop, "shop/s", &json!([{"port": 80}]), &entries);
        check_inside(&shop, expected);
    }
}

#[test]
fn slices_say_where_their_endpoints_are() {
    let mut local = shop(&json!({"internalTrafficPolicy": "Local"}));
    let on = |node: &str| json!({"nodeName": node});
    let entries = [
        ("10.9.9.9", on("n1")),
        ("10.244.1.7", on("n2")),
        ("10.244.1.8", json!({})),
    ];
    add_slice(&mut local, "shop/s", &json!([{"port": 80}]), &entries);
    check_inside(&local, "10.9.9.9:80");
    let mut close = shop(&json!({"trafficDistribution": "PreferClose"}));
    let entries = [
        ("10.9.9.9", on("n1")),
        ("10.244.1.7", json!({"nodeName": "n1", "zone": "b"})),
        ("10.244.1.8", json!({"zone": "a"})),
    ];
    add_slice(&mut close, "shop/s", &json!([{"port": 80}]), &entries);
    check_inside(&close, "10.9.9.9:80 web-2:80");
    check(&close, "node/n2", "n2", VIRTUAL, "web-1:80");
}
