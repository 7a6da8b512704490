//! The record, field by field.

use crate::world::{DB, WEB, flow, frontend, records, says, snapshot};
use abi::protocol;
use flow::log::{Record, Settings, Shape};

/// The example of the field's documentation.
const DOCUMENTED: &str = r#"{"connection":{"src_ip":"10.84.1.7","dest_ip":"10.84.0.11","src_port":55644,"dest_port":8080,"protocol":"tcp","direction":"ingress"},"disposition":"allow","policies":[{"kind":"NetworkPolicy","name":"np","namespace":"default"}],"src":{"pod_name":"client-7b78d7c957-zkn54","workload_kind":"ReplicaSet","workload_name":"client-7b78d7c957","pod_namespace":"default","namespace":"default"},"dest":{"pod_name":"server-745c798fc9-hzpxt","workload_kind":"ReplicaSet","workload_name":"server-745c798fc9","pod_namespace":"default","namespace":"default"},"count":1,"node_name":"node-1","timestamp":"2020-06-13T21:29:31.445836587Z"}"#;

#[test]
fn the_documented_example_is_read_and_written_as_it_is() {
    let record: Record = serde_json::from_str(DOCUMENTED).unwrap();
    assert_eq!(serde_json::to_string(&record).unwrap(), DOCUMENTED);
}

#[test]
fn a_record_of_ours_has_the_same_fields_in_the_same_order() {
    let snapshot = snapshot("allow: {log: true}");
    let mut flow = flow(&snapshot, WEB, DB);
    flow.ingress = says("allow shop/quiet");
    let record = &records(Settings::default(), &flow, &snapshot)[0];
    assert_eq!(
        serde_json::to_string(record).unwrap(),
        r#"{"connection":{"src_ip":"10.0.0.1","dest_ip":"10.0.0.2","src_port":40000,"dest_port":80,"protocol":"tcp","direction":"ingress"},"disposition":"allow","policies":[{"kind":"NetworkPolicy","name":"quiet","namespace":"shop"}],"src":{"pod_name":"web","workload_kind":"Pod","workload_name":"web","pod_namespace":"loud","namespace":"loud"},"dest":{"pod_name":"db","workload_kind":"Pod","workload_name":"db","pod_namespace":"shop","namespace":"shop"},"count":1,"node_name":"node-1","timestamp":"1970-01-01T00:00:00.001000000Z"}"#
    );
}

#[test]
fn a_service_that_was_asked_for_is_named_beside_the_backend() {
    let logged = |shape, address: &str, port| {
        let snapshot = snapshot("allow: {log: true}");
        let mut flow = flow(&snapshot, WEB, DB);
        flow.ingress = says("allow shop/quiet");
        flow.frontend = Some(frontend(&snapshot, address, port));
        let settings = Settings {
            shape,
            ..Settings::default()
        };
        let record = &records(settings, &flow, &snapshot)[0];
        serde_json::to_value(&record.connection).unwrap()["service"].to_string()
    };
    assert_eq!(
        logged(Shape::Ours, "10.96.0.7", 80),
        r#"{"name":"sql","namespace":"shop","ip":"10.96.0.7","port":80}"#
    );
    assert_eq!(
        logged(Shape::Ours, "10.96.0.7", 81),
        r#"{"name":"sql","namespace":"shop","ip":"10.96.0.7","port":81}"#
    );
    assert_eq!(
        logged(Shape::Ours, "198.51.100.1", 80),
        r#"{"name":"sql","namespace":"shop","ip":"198.51.100.1","port":80}"#
    );
    assert_eq!(
        logged(Shape::Ours, "198.51.100.1", 81),
        r#"{"ip":"198.51.100.1","port":81}"#
    );
    assert_eq!(logged(Shape::Exact, "10.96.0.7", 80), "null");
}

#[test]
fn protocols_by_name_and_ports_only_where_there_are_any() {
    let names = |shape: Shape| {
        let snapshot = snapshot("allow: {log: true}");
        let name = |number| {
            let mut flow = flow(&snapshot, WEB, DB);
            flow.ingress = says("allow shop/quiet");
            flow.protocol = number;
            flow.source.port = None;
            flow.destination.port = None;
            let settings = Settings {
                shape,
                ..Settings::default()
            };
            let value = serde_json::to_value(&records(settings, &flow, &snapshot)[0]).unwrap();
            let connection = value["connection"].as_object().unwrap();
            assert!(!connection.contains_key("src_port") && !connection.contains_key("dest_port"));
            connection["protocol"].as_str().unwrap().to_owned()
        };
        let numbers = [
            protocol::TCP,
            protocol::UDP,
            protocol::ICMP,
            protocol::ICMPV6,
            protocol::SCTP,
            47,
        ];
        numbers.map(name).join(" ")
    };
    assert_eq!(names(Shape::Ours), "tcp udp icmp icmpv6 sctp unknown");
    assert_eq!(names(Shape::Exact), "tcp udp icmp unknown unknown unknown");
}
