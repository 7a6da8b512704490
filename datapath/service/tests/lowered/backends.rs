//! Who serves a service.

use crate::sketch::{apply, cluster, lowered, service, slice, with_service};

const PORT: &str = "clusterIP: 10.96.0.1, ports: [{port: 80, targetPort: 8080}]";

/// What `node-1` has of a service with this spec.
#[track_caller]
fn check(spec: &str, expected: &str) {
    assert_eq!(lowered(&with_service(spec), "node-1"), expected, "{spec}");
}

#[test]
fn pods_serve_the_service_that_selects_them() {
    check(
        PORT,
        "10.96.0.1:80/TCP → 10.0.0.1:8080 10.0.0.2:8080 10.0.0.3:8080 10.0.0.4:8080",
    );
    check(
        "clusterIP: 10.96.0.1, ports: [{port: 80}]",
        "10.96.0.1:80/TCP → 10.0.0.1:80 10.0.0.2:80 10.0.0.3:80 10.0.0.4:80",
    );
}

#[test]
fn a_target_port_is_what_each_pod_calls_so() {
    check(
        "clusterIP: 10.96.0.1, ports: [{port: 80, targetPort: http}]",
        "10.96.0.1:80/TCP → 10.0.0.1:8080 10.0.0.2:8080 10.0.0.3:8083 10.0.0.4:8080",
    );
    check(
        "clusterIP: 10.96.0.1, ports: [{port: 80, targetPort: nobody}]",
        "10.96.0.1:80/TCP →",
    );
    check(
        "clusterIP: 10.96.0.1, ports: [{port: 80, targetPort: http, protocol: UDP}]",
        "10.96.0.1:80/UDP →",
    );
}

#[test]
fn one_port_may_have_several_protocols() {
    check(
        "clusterIP: 10.96.0.1, ports: [{name: a, port: 53}, {name: b, port: 53, protocol: UDP, targetPort: 54}]",
        "10.96.0.1:53/TCP → 10.0.0.1:53 10.0.0.2:53 10.0.0.3:53 10.0.0.4:53\n\
         10.96.0.1:53/UDP → 10.0.0.1:54 10.0.0.2:54 10.0.0.3:54 10.0.0.4:54",
    );
}

#[test]
fn each_family_has_backends_of_its_own() {
    check(
        "clusterIPs: [10.96.0.1, 'fd00:10:96::1'], ipFamilyPolicy: RequireDualStack, ports: [{port: 80}]",
        "10.96.0.1:80/TCP → 10.0.0.1:80 10.0.0.2:80 10.0.0.3:80 10.0.0.4:80\n\
         [fd00:10:96::1]:80/TCP → [fd00::1]:80 [fd00::2]:80 [fd00::3]:80 [fd00::4]:80",
    );
}

#[test]
fn headless_and_external_names_are_no_virtual_ends() {
    check("clusterIP: None, ports: [{port: 80}]", "");
    let mut cluster = cluster();
    apply(
        &mut cluster,
        "{apiVersion: v1, kind: Service, metadata: {name: far}, \
         spec: {type: ExternalName, externalName: example.com}}",
    );
    assert_eq!(lowered(&cluster, "node-1"), "");
}

/// The states of the pods as (ready, terminating), and what becomes of a service with this spec.
#[track_caller]
fn check_states(spec: &str, states: [(bool, bool); 4], expected: &str) {
    let mut cluster = with_service(spec);
    for (pod, state) in cluster.pods.values_mut().zip(states) {
        (pod.ready, pod.terminating) = state;
    }
    assert_eq!(lowered(&cluster, "node-1"), expected, "{states:?}");
}

#[test]
fn backends_take_new_connections_while_they_are_ready() {
    const READY: (bool, bool) = (true, false);
    const UNREADY: (bool, bool) = (false, false);
    const ENDING: (bool, bool) = (true, true);
    check_states(
        PORT,
        [READY, UNREADY, ENDING, READY],
        "10.96.0.1:80/TCP → 10.0.0.1:8080 10.0.0.4:8080 (10.0.0.2:8080) (10.0.0.3:8080)",
    );
    check_states(
        PORT,
        [UNREADY, ENDING, ENDING, UNREADY],
        "10.96.0.1:80/TCP → 10.0.0.2:8080 10.0.0.3:8080 (10.0.0.1:8080) (10.0.0.4:8080)",
    );
    check_states(
        "clusterIP: 10.96.0.1, ports: [{port: 80, protocol: UDP}]",
        [READY, UNREADY, ENDING, READY],
        "10.96.0.1:80/UDP → 10.0.0.1:80 10.0.0.4:80 (10.0.0.3:80)",
    );
    check_states(
        &format!("{PORT}, publishNotReadyAddresses: true"),
        [READY, UNREADY, ENDING, READY],
        "10.96.0.1:80/TCP → 10.0.0.1:8080 10.0.0.2:8080 10.0.0.3:8080 10.0.0.4:8080",
    );
}

#[test]
fn slices_say_it_where_there_are_any() {
    let mut cluster = with_service(PORT);
    apply(
        &mut cluster,
        &slice(
            "{addresses: [10.0.0.2]}, {addresses: [10.0.0.3], conditions: {ready: false}}, \
             {addresses: [203.0.113.9], conditions: {ready: false, serving: true, terminating: true}}",
        ),
    );
    let expected = "10.96.0.1:80/TCP → 10.0.0.2:8080 (10.0.0.3:8080) (203.0.113.9:8080)";
    assert_eq!(lowered(&cluster, "node-1"), expected);
}

#[test]
fn ports_of_slices_are_found_by_name_and_protocol() {
    let mut cluster = cluster();
    let ports = "ports: [{name: a, port: 80, targetPort: 1}, {name: b, port: 81, protocol: UDP}]";
    let written = service("web", &format!("clusterIP: 10.96.0.1, {ports}"));
    apply(&mut cluster, &written);
    let slice = slice("{addresses: [10.0.0.2]}").replace(
        "ports: [{port: 8080}]",
        "ports: [{name: a, port: 9}, {name: b, port: 9}, {name: b, port: 10, protocol: UDP}]",
    );
    apply(&mut cluster, &slice);
    assert_eq!(
        lowered(&cluster, "node-1"),
        "10.96.0.1:80/TCP → 10.0.0.2:9\n10.96.0.1:81/UDP → 10.0.0.2:10"
    );
}

#[test]
fn affinity_lasts_three_hours_unless_the_service_says_so() {
    const BACKENDS: &str = "10.0.0.1:8080 10.0.0.2:8080 10.0.0.3:8080 10.0.0.4:8080";
    check(
        &format!("{PORT}, sessionAffinity: ClientIP"),
        &format!("10.96.0.1:80/TCP → {BACKENDS} affinity 10800"),
    );
    check(
        &format!(
            "{PORT}, sessionAffinity: ClientIP, sessionAffinityConfig: {{clientIP: {{timeoutSeconds: 7}}}}"
        ),
        &format!("10.96.0.1:80/TCP → {BACKENDS} affinity 7"),
    );
}
