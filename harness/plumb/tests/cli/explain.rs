//! Why.

use crate::program::plumb;
use snapbox::{file, str};

#[test]
fn a_denial_names_policies_and_the_nearest_rule() {
    plumb("explain shop/web shop/db 5432/TCP -f shop.yaml")
        .assert()
        .success()
        .stdout_eq(str![[r#"
denied: shop/web → shop/db 5432/TCP (10.244.0.4)
  oracle: so the text of the API says (policy_denied_ingress)

  from  shop/web  10.244.0.2 fd00:10:244::2  identity 260  on node/node-1  app=web  shop.yaml:5:1
  to    shop/db   10.244.0.4 fd00:10:244::4  identity 259  on node/node-1  app=db  shop.yaml:23:1

egress of shop/web: open, no policy isolates it

ingress of shop/db: denied, isolated by these policies and allowed by no rule of theirs
  shop/db            1 ingress rule    shop.yaml:75:1
  shop/default-deny  no ingress rules  shop.yaml:46:1
nearest rule: shop/db spec.ingress[0]
  --> shop.yaml:83:7
   |
83 |     - podSelector: {matchLabels: {app: api}}
   |       ^^^^^^^^^^^ pod shop/web has label app=web, wanted app=api

"#]]);
}

#[test]
fn an_allowed_connection_names_every_rule_that_allows_it() {
    plumb("explain monitoring/prometheus-0 shop/api 8080 -f shop.yaml")
        .assert()
        .success()
        .stdout_eq(str![[r#"
allowed: monitoring/prometheus-0 → shop/api 8080/TCP (10.244.0.3)
  oracle: so the text of the API says (rules)

  from  monitoring/prometheus-0  10.244.0.5 fd00:10:244::5  identity 257  on node/node-1  app=prometheus  shop.yaml:32:1
  to    shop/api                 10.244.0.3 fd00:10:244::3  identity 258  on node/node-1  app=api  shop.yaml:14:1

egress of monitoring/prometheus-0: open, no policy isolates it

ingress of shop/api: allowed by this rule
allowed by: shop/api spec.ingress[1]
  --> shop.yaml:72:5
   |
72 |   - from:
   |     ^^^^ this rule matches

"#]]);
}

#[test]
fn the_side_that_was_not_asked_is_told_too() {
    plumb("explain shop/db shop/api 8080 -f shop.yaml --family 6")
        .assert()
        .success()
        .stdout_eq(str![[r#"
denied: shop/db → shop/api 8080/TCP (fd00:10:244::3)
  oracle: so the text of the API says (policy_denied_egress)

  from  shop/db   10.244.0.4 fd00:10:244::4  identity 259  on node/node-1  app=db  shop.yaml:23:1
  to    shop/api  10.244.0.3 fd00:10:244::3  identity 258  on node/node-1  app=api  shop.yaml:14:1

egress of shop/db: denied, isolated by these policies and allowed by no rule of theirs
  shop/db  no egress rules   shop.yaml:75:1

ingress of shop/api (not asked): denied, isolated by these policies and allowed by no rule of theirs
  shop/api           2 ingress rules   shop.yaml:62:1
  shop/default-deny  no ingress rules  shop.yaml:46:1
nearest rule: shop/api spec.ingress[0]
  --> shop.yaml:69:7
   |
69 |     - podSelector: {matchLabels: {app: web}}
   |       ^^^^^^^^^^^ pod shop/db has label app=db, wanted app=web

"#]]);
}

#[test]
fn a_port_that_misses_is_told_at_the_ports() {
    plumb("explain shop/web shop/api icmp -f shop.yaml")
        .assert()
        .success()
        .stdout_eq(str![[r#"
denied: shop/web → shop/api ICMP (10.244.0.3)
  oracle: so the text of the API says (policy_denied_ingress)

  from  shop/web  10.244.0.2 fd00:10:244::2  identity 260  on node/node-1  app=web  shop.yaml:5:1
  to    shop/api  10.244.0.3 fd00:10:244::3  identity 258  on node/node-1  app=api  shop.yaml:14:1

egress of shop/web: open, no policy isolates it

ingress of shop/api: denied, isolated by these policies and allowed by no rule of theirs
  shop/api           2 ingress rules   shop.yaml:62:1
  shop/default-deny  no ingress rules  shop.yaml:46:1
nearest rule: shop/api spec.ingress[0]
  --> shop.yaml:71:7
   |
71 |     - port: 8080
   |       ^^^^ ports: ICMP has none, and the rule is about TCP 8080

"#]]);
}

#[test]
fn lines_of_standard_input_are_shown() {
    plumb("explain web db 5432 -n shop -f - --family both")
        .stdin(snapbox::Data::read_from(
            "tests/cli/shop.yaml".as_ref(),
            None,
        ))
        .assert()
        .success()
        .stdout_eq(file!["explain/stdin.txt"]);
}

#[test]
fn ends_that_no_policy_selects_say_why() {
    plumb("explain node/node-1 shop/db 5432 -f shop.yaml")
        .assert()
        .success()
        .stdout_eq(str![[r#"
allowed: node/node-1 → shop/db 5432/TCP (10.244.0.4)
  oracle: so the text of the API says (no policy)

  from  node/node-1  172.18.0.1 fd00:172:18::1  identity 256
  to    shop/db      10.244.0.4 fd00:10:244::4  identity 259  on node/node-1  app=db  shop.yaml:23:1

egress of node/node-1: open, a node always reaches the pods it runs

ingress of shop/db: open, a pod's own node always reaches it

"#]]);
    plumb("explain shop/web external/internet icmp -f shop.yaml")
        .assert()
        .success()
        .stdout_eq(str![[r#"
allowed: shop/web → external/internet ICMP (203.0.113.7)
  oracle: so the text of the API says (no policy)

  from  shop/web           10.244.0.2 fd00:10:244::2  identity 260  on node/node-1  app=web  shop.yaml:5:1
  to    external/internet  203.0.113.7  identity 2  shop.yaml:87:1
  way   shop/web → node/node-1 → external/internet

egress of shop/web: open, no policy isolates it

ingress of external/internet: open, policies select pods and nodes

"#]]);
}

#[test]
fn an_unknown_end_names_what_comes_near() {
    plumb("explain shop/wbe shop/db 80 -f shop.yaml")
        .assert()
        .code(2)
        .stdout_eq("")
        .stderr_eq(str![[r#"
error: the manifests have no `shop/wbe`
help: did you mean `shop/web`?

"#]]);
    plumb("explain web shop/db 80 -f shop.yaml")
        .assert()
        .code(2)
        .stderr_eq(str![[r#"
error: `web` is not an endpoint: write namespace/name for a pod, node/NAME for a node, external/NAME for an outside host, svc/namespace/name for a service
help: did you mean `shop/web`?

"#]]);
}

#[test]
fn a_bad_port_says_what_is_allowed() {
    for (port, expected) in [
        ("80/TPC", "use TCP, UDP, SCTP or ICMP"),
        ("http/TCP", "a number from 1 to 65535"),
        ("0", "a number from 1 to 65535"),
    ] {
        let explain = plumb(&format!("explain shop/web shop/db {port} -f shop.yaml"));
        let output = explain.assert().code(2).get_output().clone();
        let message = String::from_utf8(output.stderr).unwrap();
        assert!(message.contains(expected), "{message}");
    }
}

#[test]
fn a_rule_of_a_tier_that_denies_is_shown() {
    plumb("explain ops/tool shop/db 80 -f tiers.yaml")
        .assert()
        .success()
        .stdout_eq(str![[r#"
denied: ops/tool → shop/db 80/TCP (10.244.0.3)
  oracle: so the text of the API says (policy_denied_ingress)

  from  ops/tool  10.244.0.4 fd00:10:244::4  identity 258  on node/node-1  app=tool  tiers.yaml:19:1
  to    shop/db   10.244.0.3 fd00:10:244::3  identity 260  on node/node-1  app=db  tiers.yaml:14:1

egress of ops/tool: audited: let through in audit mode, though denied by this rule
denied by: BaselineAdminNetworkPolicy/default spec.egress[0]
  --> tiers.yaml:40:5
   |
40 |   - {name: none-out, action: Deny, to: [{networks: [0.0.0.0/0]}]}
   |     ^^^^^ this rule matches

ingress of shop/db: denied by this rule
denied by: ClusterNetworkPolicy/guard spec.ingress[0]
  --> tiers.yaml:32:5
   |
32 |   - {name: no-ops, action: Deny, from: [{namespaces: {matchLabels: {team: b}}}]}
   |     ^^^^^ this rule matches

"#]]);
}

#[test]
fn what_is_let_through_in_audit_mode_names_who_would_deny_it() {
    plumb("explain shop/web ops/tool 80 -f tiers.yaml")
        .assert()
        .success()
        .stdout_eq(str![[r#"
audited: shop/web → ops/tool 80/TCP (10.244.0.4)
  oracle: so the text of the API says (audit mode)

  from  shop/web  10.244.0.2 fd00:10:244::2  identity 262  on node/node-1  app=web  tiers.yaml:9:1
  to    ops/tool  10.244.0.4 fd00:10:244::4  identity 258  on node/node-1  app=tool  tiers.yaml:19:1

egress of shop/web: audited: let through in audit mode, though denied by this rule
denied by: BaselineAdminNetworkPolicy/default spec.egress[0]
  --> tiers.yaml:40:5
   |
40 |   - {name: none-out, action: Deny, to: [{networks: [0.0.0.0/0]}]}
   |     ^^^^^ this rule matches

ingress of ops/tool: audited: let through in audit mode, though denied, isolated by these policies and allowed by no rule of theirs
  ops/closed  no ingress rules  tiers.yaml:42:1

"#]]);
}

#[test]
fn where_no_rule_of_a_tier_decides_that_is_said() {
    plumb("explain shop/web shop/db 80 -f tiers.yaml --family 6")
        .assert()
        .success()
        .stdout_eq(str![[r#"
allowed: shop/web → shop/db 80/TCP (fd00:10:244::3)
  oracle: so the text of the API says (no policy)

  from  shop/web  10.244.0.2 fd00:10:244::2  identity 262  on node/node-1  app=web  tiers.yaml:9:1
  to    shop/db   10.244.0.3 fd00:10:244::3  identity 260  on node/node-1  app=db  tiers.yaml:14:1

egress of shop/web: open, no policy isolates it, and no rule of a tier decides

ingress of shop/db: open, no policy isolates it, and no rule of a tier decides

"#]]);
}

#[test]
fn masquerade_is_on_the_way_to_the_outside() {
    let way = |flags: &str| {
        let command = format!("explain shop/web external/internet 443 -f shop.yaml {flags}");
        let told = plumb(&command).assert().success();
        let told = String::from_utf8(told.get_output().stdout.clone()).unwrap();
        let drawn = told.lines().find_map(|line| line.strip_prefix("  way   "));
        drawn.map(str::to_owned)
    };
    let plain = "shop/web → node/node-1 → external/internet";
    assert_eq!(way(""), Some(plain.to_owned()));
    for driver in ["oracle", "simulate"] {
        let masqueraded = way(&format!("--masquerade --driver {driver}"));
        let expected = "shop/web → node/node-1 → masquerade as 172.18.0.1 → external/internet";
        assert_eq!(masqueraded.as_deref(), Some(expected));
    }
}

#[test]
fn the_way_from_node_to_node_is_drawn() {
    for (routing, to, way) in [
        (
            "native",
            "shop/db",
            "shop/web → node/n1 → node/n2 → shop/db",
        ),
        (
            "vxlan",
            "shop/db",
            "shop/web → node/n1 → VXLAN → node/n2 → shop/db",
        ),
        ("vxlan", "node/n2", "shop/web → node/n1 → node/n2"),
    ] {
        let told = plumb(&format!(
            "explain shop/web {to} 80 -f two-nodes.yaml --routing {routing}"
        ))
        .assert()
        .success();
        let told = String::from_utf8(told.get_output().stdout.clone()).unwrap();
        let drawn = told.lines().find_map(|line| line.strip_prefix("  way   "));
        assert_eq!(drawn, Some(way), "{told}");
    }
}

#[test]
fn a_service_is_explained_by_each_group_of_backends_that_is_judged_alike() {
    plumb("explain shop/client svc/shop/web 80 -f services.yaml")
        .assert()
        .success()
        .stdout_eq(str![[r#"
mixed: shop/client → svc/shop/web 80/TCP (10.96.1.3)
  oracle: each backend that may be chosen was asked, and they differ (backends differ)

  from  shop/client   10.244.0.2 fd00:10:244::2  identity 258  on node/n1  app=client  services.yaml:9:1
  to    svc/shop/web  10.96.1.3  services.yaml:40:1

backends: 3 for shop/client, of 3 ready and 4 in all
  shop/web-1  10.244.0.3:8080  on node/n1  may be chosen
  shop/web-4  10.244.0.4:8080  on node/n1  not ready
  shop/web-2  10.244.1.3:8080  on node/n2  may be chosen
  shop/web-3  10.244.1.4:8080  on node/n2  may be chosen

allowed: shop/web-1, shop/web-2
  svc/shop/web 10.96.1.3:80 → pod shop/web-1 10.244.0.3:8080
  svc/shop/web 10.96.1.3:80 → pod shop/web-2 10.244.1.3:8080
  way   shop/client → node/n1 → node/n2 → shop/web-2

egress of shop/client: open, no policy isolates it

ingress of shop/web-1: open, no policy isolates it

denied: shop/web-3
  svc/shop/web 10.96.1.3:80 → pod shop/web-3 10.244.1.4:8080
  way   shop/client → node/n1 → node/n2 → shop/web-3

egress of shop/client: open, no policy isolates it

ingress of shop/web-3: denied, isolated by these policies and allowed by no rule of theirs
  shop/closed  1 ingress rule    services.yaml:81:1
nearest rule: shop/closed spec.ingress[0]
  --> services.yaml:88:7
   |
88 |     - podSelector: {matchLabels: {app: other}}
   |       ^^^^^^^^^^^ pod shop/client has label app=client, wanted app=other

"#]]);
}

#[test]
fn the_nearest_backends_say_that_they_are_the_nearest() {
    plumb("explain client svc/near 80 -n shop --driver kernel -f services.yaml")
        .assert()
        .success()
        .stdout_eq(str![[r#"
allowed: shop/client → svc/shop/near 80/TCP (10.96.1.2)
  kernel: the packet arrived and was answered (no policy, generation 1)

  from  shop/client    10.244.0.2 fd00:10:244::2  identity 258  on node/n1  app=client  services.yaml:9:1
  to    svc/shop/near  10.96.1.2  services.yaml:49:1

backends: 1 for shop/client, of 3 ready and 4 in all: trafficDistribution: PreferClose takes the nearest to node/n1
  shop/web-1  10.244.0.3:8080  on node/n1  may be chosen
  shop/web-4  10.244.0.4:8080  on node/n1  not ready
  shop/web-2  10.244.1.3:8080  on node/n2  farther away than others
  shop/web-3  10.244.1.4:8080  on node/n2  farther away than others
  a client stays with its backend until it was away for 10800 s (sessionAffinity: ClientIP)

allowed: shop/web-1
  svc/shop/near 10.96.1.2:80 → pod shop/web-1 10.244.0.3:8080

egress of shop/client: open, no policy isolates it

ingress of shop/web-1: open, no policy isolates it

"#]]);
}

#[test]
fn a_traffic_policy_that_leaves_nobody_is_pointed_at() {
    plumb("explain shop/client svc/shop/local 80 -f services.yaml")
        .assert()
        .success()
        .stdout_eq(str![[r#"
refused: shop/client → svc/shop/local 80/TCP (10.96.1.0)
  oracle: nobody can serve it: the client gets a reset at once (no_service_backend)

  from  shop/client     10.244.0.2 fd00:10:244::2  identity 258  on node/n1  app=client  services.yaml:9:1
  to    svc/shop/local  10.96.1.0  services.yaml:58:1

backends: none for shop/client, of 1 ready and 1 in all: internalTrafficPolicy: Local takes those on node/n1 alone
  shop/web-3  10.244.1.4:8080  on node/n2  on another node
nobody serves: svc/shop/local spec.internalTrafficPolicy
  --> services.yaml:63:26
   |
63 |   internalTrafficPolicy: Local
   |                          ^^^^^ none that is ready is on node/n1

"#]]);
}

#[test]
fn a_selector_that_matches_nothing_is_pointed_at() {
    plumb("explain shop/client svc/shop/lost 80 --driver simulate -f services.yaml")
        .assert()
        .success()
        .stdout_eq(str![[r#"
refused: shop/client → svc/shop/lost 80/TCP (10.96.1.1)
  simulate: nobody can serve it: the client gets a reset at once (no_service_backend, generation 1)

  from  shop/client    10.244.0.2 fd00:10:244::2  identity 258  on node/n1  app=client  services.yaml:9:1
  to    svc/shop/lost  10.96.1.1  services.yaml:66:1

backends: none for shop/client
nobody serves: svc/shop/lost spec.selector
  --> services.yaml:70:13
   |
70 |   selector: {app: wbe}
   |             ^^^^ matches no pod of namespace shop

"#]]);
}

#[test]
fn a_target_port_that_no_pod_has_is_pointed_at() {
    plumb("explain shop/client svc/shop/web 53/UDP -f services.yaml")
        .assert()
        .success()
        .stdout_eq(str![[r#"
refused: shop/client → svc/shop/web 53/UDP (10.96.1.3)
  oracle: nobody can serve it: the client gets the ICMP error of an unreachable port at once (no_service_backend)

  from  shop/client   10.244.0.2 fd00:10:244::2  identity 258  on node/n1  app=client  services.yaml:9:1
  to    svc/shop/web  10.96.1.3  services.yaml:40:1

backends: none for shop/client
nobody serves: svc/shop/web spec.ports[1].targetPort
  --> services.yaml:47:39
   |
47 |   - {name: dns, port: 53, targetPort: dns, protocol: UDP}
   |                                       ^^^ the 4 pods that it selects do not have it at an address of this family

"#]]);
}

#[test]
fn what_a_service_is_not_asked_at_says_what_it_is() {
    let refused = |arguments: &str| {
        let explain = plumb(&format!("explain {arguments} -f services.yaml"));
        let output = explain.assert().code(2).get_output().stderr.clone();
        let text = String::from_utf8(output).unwrap();
        text[text.find("error:").unwrap()..].to_owned()
    };
    for (arguments, expected) in [
        (
            "shop/client svc/shop/web 81",
            "error: `svc/shop/web` has no port 81/TCP\nhelp: it has http 80/TCP, dns 53/UDP\n",
        ),
        (
            "shop/client svc/shop/web icmp",
            "error: `svc/shop/web` answers no echo: a service is asked at a port\n\
             help: it has http 80/TCP, dns 53/UDP\n",
        ),
        (
            "shop/client svc/shop/headless 80",
            "error: `svc/shop/headless` has no address of its own: it is headless, or a name for another host\n\
             help: its clients ask its pods: name one of them\n",
        ),
        (
            "svc/shop/web shop/client 80",
            "error: `svc/shop/web` is a service: it is asked, and opens no connections\n\
             help: name a pod behind it\n",
        ),
        (
            "node/n1 svc/shop/web 80",
            "error: `node/n1` cannot be tried as a client of services: they are tried from pods\n\
             help: name a pod with a network of its own, or a backend as the destination\n",
        ),
        (
            "shop/client svc/shop/wbe 80",
            "error: the manifests have no `svc/shop/wbe`\nhelp: did you mean `svc/shop/web`?\n",
        ),
        (
            "shop/client svc/web 80",
            "error: the manifests have no `svc/web`\nhelp: did you mean `svc/shop/web`?\n",
        ),
        (
            "shop/client shop/web 80",
            "error: the manifests have no `shop/web`\nhelp: did you mean `svc/shop/web`?\n",
        ),
    ] {
        assert_eq!(refused(arguments), expected, "{arguments}");
    }
}

#[test]
fn a_service_without_selector_and_slices_has_nobody() {
    plumb("explain shop/client svc/shop/bare 5432 -f slices.yaml")
        .assert()
        .success()
        .stdout_eq(str![[r#"
refused: shop/client → svc/shop/bare 5432/TCP (10.96.1.0)
  oracle: nobody can serve it: the client gets a reset at once (no_service_backend)

  from  shop/client    10.244.0.2 fd00:10:244::2  identity 257  on node/node-1  slices.yaml:1:1
  to    svc/shop/bare  10.96.1.0  slices.yaml:12:1

backends: none for shop/client
nobody serves: svc/shop/bare spec
  --> slices.yaml:16:3
   |
16 |   ports: [{port: 5432}]
   |   ^^^^^ has no selector, and no EndpointSlice is of it

"#]]);
}

#[test]
fn endpoints_of_slices_are_told_when_none_is_ready_and_missed_at_other_ports() {
    plumb("explain shop/client svc/shop/empty 5432 -f slices.yaml")
        .assert()
        .success()
        .stdout_eq(str![[r#"
refused: shop/client → svc/shop/empty 5432/TCP (10.96.1.1)
  oracle: nobody can serve it: the client gets a reset at once (no_service_backend)

  from  shop/client     10.244.0.2 fd00:10:244::2  identity 257  on node/node-1  slices.yaml:1:1
  to    svc/shop/empty  10.96.1.1  slices.yaml:18:1

backends: none for shop/client, of 1 in all: none is ready
  shop/db  10.244.0.9:5432  no nodeName  not ready

"#]]);
    plumb("explain shop/client svc/shop/empty 9187 -f slices.yaml")
        .assert()
        .success()
        .stdout_eq(str![[r#"
refused: shop/client → svc/shop/empty 9187/TCP (10.96.1.1)
  oracle: nobody can serve it: the client gets a reset at once (no_service_backend)

  from  shop/client     10.244.0.2 fd00:10:244::2  identity 257  on node/node-1  slices.yaml:1:1
  to    svc/shop/empty  10.96.1.1  slices.yaml:18:1

backends: none for shop/client
nobody serves: svc/shop/empty spec.ports[1]
  --> slices.yaml:24:5
   |
24 |   - {name: metrics, port: 9187}
   |     ^^^^^ 1 EndpointSlice of it, and no endpoint for this port and family

"#]]);
}
