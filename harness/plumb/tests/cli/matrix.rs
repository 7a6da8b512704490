//! Who can reach whom.

use crate::program::plumb;
use snapbox::{file, str};

#[test]
fn the_table_shows_who_reaches_whom_and_who_denied() {
    let matrix = plumb("matrix -f shop.yaml").assert().success();
    matrix.stdout_eq(file!["matrix/shop.txt"]).stderr_eq("");
}

#[test]
fn a_narrow_terminal_gets_the_table_in_parts() {
    let matrix = plumb("matrix -f shop.yaml").env("COLUMNS", "50").assert();
    matrix.success().stdout_eq(file!["matrix/narrow.txt"]);
}

#[test]
fn several_nodes_are_shown_with_what_is_on_each() {
    let matrix = plumb("matrix -f shop.yaml --nodes 3 --routing vxlan --family 4 --port 80");
    let matrix = matrix.env("COLUMNS", "80").assert().success();
    matrix.stdout_eq(file!["matrix/nodes.txt"]);
}

#[test]
fn json_is_one_object_a_line() {
    plumb("matrix -f shop.yaml -o json --family 4 --from shop/web --to shop/db,external/*")
        .assert()
        .success()
        .stdout_eq(str![[r#"
{"from":"shop/web","to":"shop/db","to_address":"10.244.0.4","protocol":"TCP","port":5432,"verdict":"denied","denied_at":"ingress","policies":["shop/db","shop/default-deny"],"reason":"policy_denied_ingress","generation":0,"backends":null}
{"from":"shop/web","to":"shop/db","to_address":"10.244.0.4","protocol":"ICMP","port":null,"verdict":"denied","denied_at":"ingress","policies":["shop/db","shop/default-deny"],"reason":"policy_denied_ingress","generation":0,"backends":null}
{"from":"shop/web","to":"external/internet","to_address":"203.0.113.7","protocol":"TCP","port":443,"verdict":"allowed","denied_at":null,"policies":[],"reason":"no policy","generation":0,"backends":null}
{"from":"shop/web","to":"external/internet","to_address":"203.0.113.7","protocol":"ICMP","port":null,"verdict":"allowed","denied_at":null,"policies":[],"reason":"no policy","generation":0,"backends":null}

"#]]);
}

#[test]
fn csv_has_the_same_columns() {
    plumb("matrix -f shop.yaml -o csv --family 4 -n shop --port 80,icmp --to shop/web")
        .assert()
        .success()
        .stdout_eq(str![[r#"
from,to,to_address,protocol,port,verdict,denied_at,policies,reason,generation,backends
shop/api,shop/web,10.244.0.2,TCP,80,allowed,,shop/web,rules,0,
shop/api,shop/web,10.244.0.2,ICMP,,denied,ingress,shop/default-deny;shop/web,policy_denied_ingress,0,
shop/db,shop/web,10.244.0.2,TCP,80,denied,egress,shop/db,policy_denied_egress,0,
shop/db,shop/web,10.244.0.2,ICMP,,denied,egress,shop/db,policy_denied_egress,0,
shop/web,shop/web,10.244.0.2,TCP,80,allowed,,,no policy,0,
shop/web,shop/web,10.244.0.2,ICMP,,allowed,,,no policy,0,

"#]]);
}

#[test]
fn a_namespace_narrows_both_sides_unless_a_side_is_given() {
    let own = plumb("matrix -f shop.yaml -n shop --port 80").assert();
    own.success().stdout_eq(str![[r#"
              shop  shop  shop
FROM ↓  TO →  api   db    web
              80    80    80
shop/api      ○     ✗     ✓
shop/db       ✗     ○     ✗
shop/web      ✗     ✗     ·

✓ allowed  ○ let through, but nobody listens  ✗ denied  · itself
18 connections judged by oracle: 4 allowed, 10 denied, 4 refused

Who denied (isolated by these policies, no rule of theirs matched)
  egress of shop/db        4  shop/db
  ingress of shop/api      2  shop/api, shop/default-deny
  ingress of shop/db       4  shop/db, shop/default-deny

"#]]);
    let from_everywhere = plumb("matrix -f shop.yaml -n shop --from * --port 80").assert();
    from_everywhere.success().stdout_eq(str![[r#"
                          shop  shop  shop
FROM ↓  TO →              api   db    web
                          80    80    80
monitoring/prometheus ×2  ○     ✗     ✓
shop/api                  ○     ✗     ✓
shop/db                   ✗     ○     ✗
shop/web                  ✗     ✗     ·
node/node-1               ○     ○     ✓
external/internet         ✗     ✗     ✓

✓ allowed  ○ let through, but nobody listens  ✗ denied  · itself
39 connections judged by oracle: 11 allowed, 16 denied, 12 refused

Who denied (isolated by these policies, no rule of theirs matched)
  egress of shop/db        4  shop/db
  ingress of shop/api      3  shop/api, shop/default-deny
  ingress of shop/db       9  shop/db, shop/default-deny

"#]]);
}

#[test]
fn denied_by_isolation_by_a_rule_and_but_for_audit_mode_are_told_apart() {
    plumb("matrix -f tiers.yaml --port 80 --family 4")
        .assert()
        .success()
        .stdout_eq(str![[r#"
              ops   shop  shop
FROM ↓  TO →  tool  db    web
              80    80    80
ops/tool      ·     ✗     ✗
shop/db       ~     ·     ~
shop/web      ~     ~     ·

✓ allowed  ~ audited: let through, denied but for audit mode  ✗ denied  · itself
9 connections judged by oracle: 3 allowed, 2 denied, 4 audited

Who denied (by a rule of theirs)
  ingress of shop/db, shop/web      2  ClusterNetworkPolicy/guard

Who would deny (let through, for they are in audit mode)
  egress of shop/db, shop/web      4  BaselineAdminNetworkPolicy/default
  ingress of ops/tool              2  ops/closed

"#]]);
}

#[test]
fn flags_come_from_the_environment_too() {
    let expected = plumb("matrix -f shop.yaml -o csv -n shop")
        .output()
        .unwrap();
    let environment = plumb("matrix")
        .env("PLUMB_FILENAME", "shop.yaml")
        .env("PLUMB_OUTPUT", "csv")
        .env("PLUMB_NAMESPACE", "shop");
    environment
        .assert()
        .success()
        .stdout_eq(expected.stdout.clone());
    let everything = plumb("matrix -f shop.yaml -o csv").output().unwrap();
    let overridden = plumb("matrix -f shop.yaml -o csv -A").env("PLUMB_NAMESPACE", "shop");
    overridden.assert().success().stdout_eq(everything.stdout);
}

#[test]
fn a_driver_agrees_with_itself() {
    plumb("matrix -f shop.yaml --against oracle")
        .assert()
        .success()
        .stdout_eq(str![[r#"
no differences between oracle and oracle in 153 connections

"#]]);
    plumb("matrix -f shop.yaml --against oracle -o json")
        .assert()
        .success()
        .stdout_eq("");
}

#[test]
fn a_pattern_that_matches_nothing_names_what_comes_near() {
    plumb("matrix -f shop.yaml --from shop/wbe")
        .assert()
        .code(2)
        .stdout_eq("")
        .stderr_eq(str![[r#"
error: `shop/wbe` matches no pod, node or external of the manifests
help: did you mean `shop/web`?

"#]]);
    plumb("matrix -f shop.yaml -n shpo")
        .assert()
        .code(2)
        .stderr_eq(str![[r#"
error: `shpo/*` matches no pod, node or external of the manifests
help: did you mean `shop/*`?

"#]]);
}

#[test]
fn nothing_selected_is_an_exit_code_of_its_own() {
    plumb("matrix -f shop.yaml --from external/* --to external/*")
        .assert()
        .code(4)
        .stderr_eq(str![[r#"
error: no connection is selected, so nothing was tried

"#]]);
}

#[test]
fn colours_follow_the_terminal_and_the_environment() {
    let is_coloured = |name, value| {
        let output = plumb("matrix -f shop.yaml").env(name, value).output();
        output.unwrap().stdout.contains(&0x1b)
    };
    assert!(!is_coloured("TERM", "xterm"));
    assert!(is_coloured("CLICOLOR_FORCE", "1"));
    let both = plumb("matrix -f shop.yaml")
        .env("CLICOLOR_FORCE", "1")
        .env("NO_COLOR", "1");
    assert!(!both.output().unwrap().stdout.contains(&0x1b));
}

#[test]
fn services_are_columns_that_say_when_backends_differ_and_when_there_are_none() {
    for driver in ["oracle", "simulate", "kernel"] {
        plumb(
            "matrix -f services.yaml --family 4 --from shop/client,shop/other --to svc/* --driver",
        )
        .arg(driver)
        .assert()
        .success()
        .stdout_eq(str![[r#"
2 nodes, native routing between them
  node/n1  172.18.0.1  3 pods  shop/client shop/web-1 shop/web-4
  node/n2  172.18.0.2  3 pods  shop/other shop/web-2 shop/web-3

              svc/shop  svc/shop  svc/shop  svc/shop
FROM ↓  TO →  local     lost      near      web
              80        80        80        80 53/UDP
shop/client   ∅         ∅         ✓         ± 80 ∅ 53/UDP
shop/other    ✓         ∅         ✓         ✓ 80 ∅ 53/UDP

✓ allowed  ± depends on the backend that the service chooses  ∅ refused: the service has no backend there  ✓ 80 only this port, TCP unless it says more
10 connections judged by [..]: 4 allowed, 0 denied, 1 mixed, 5 refused

Who denied (isolated by these policies, no rule of theirs matched)
  ingress of shop/web-3      1  shop/closed

"#]]);
    }
}

#[test]
fn services_are_shown_beside_pods_when_they_are_asked_for() {
    plumb("matrix -f services.yaml -n shop --services --port 80 --family 4")
        .assert()
        .success()
        .stdout_eq(str![[r#"
2 nodes, native routing between them
  node/n1  172.18.0.1  3 pods  shop/client shop/web-1 shop/web-4
  node/n2  172.18.0.2  3 pods  shop/other shop/web-2 shop/web-3

              shop    shop   shop   shop   shop   shop   svc/shop  svc/shop  svc/shop  svc/shop
FROM ↓  TO →  client  other  web-1  web-2  web-3  web-4  local     lost      near      web
              80      80     80     80     80     80     80        80        80        80
shop/client   ○       ○      ○      ○      ✗      ○      ∅         ∅         ✓         ±
shop/other    ○       ○      ○      ○      ○      ○      ✓         ∅         ✓         ✓
shop/web-1    ○       ○      ○      ○      ✗      ○      ∅         ∅         ✓         ±
shop/web-2    ○       ○      ○      ○      ✗      ○      ✗         ∅         ±         ±
shop/web-3    ○       ○      ○      ○      ○      ○      ✓         ∅         ✓         ✓
shop/web-4    ○       ○      ○      ○      ✗      ○      ∅         ∅         ✓         ±

✓ allowed  ± depends on the backend that the service chooses  ○ let through, but nobody listens  ∅ refused: the service has no backend there  ✗ denied
60 connections judged by oracle: 9 allowed, 5 denied, 5 mixed, 41 refused

Who denied (isolated by these policies, no rule of theirs matched)
  ingress of shop/web-3     10  shop/closed

"#]]);
}

#[test]
fn every_backend_of_a_service_is_told_to_programs() {
    plumb("matrix -f services.yaml --from shop/client --to svc/shop/web,svc/shop/lost -o json")
        .assert()
        .success()
        .stdout_eq(str![[r#"
{"from":"shop/client","to":"svc/shop/lost","to_address":"10.96.1.1","protocol":"TCP","port":80,"verdict":"refused","denied_at":null,"policies":[],"reason":"no_service_backend","generation":0,"backends":[]}
{"from":"shop/client","to":"svc/shop/web","to_address":"10.96.1.3","protocol":"TCP","port":80,"verdict":"mixed","denied_at":null,"policies":["shop/closed"],"reason":"backends differ","generation":0,"backends":[{"to":"shop/web-1","to_address":"10.244.0.3","port":8080,"verdict":"allowed","denied_at":null,"policies":[],"reason":"no policy"},{"to":"shop/web-2","to_address":"10.244.1.3","port":8080,"verdict":"allowed","denied_at":null,"policies":[],"reason":"no policy"},{"to":"shop/web-3","to_address":"10.244.1.4","port":8080,"verdict":"denied","denied_at":"ingress","policies":["shop/closed"],"reason":"policy_denied_ingress"}]}
{"from":"shop/client","to":"svc/shop/web","to_address":"10.96.1.3","protocol":"UDP","port":53,"verdict":"refused","denied_at":null,"policies":[],"reason":"no_service_backend","generation":0,"backends":[]}

"#]]);
    plumb("matrix -f services.yaml --from shop/client --to svc/shop/web,svc/shop/lost -o csv")
        .assert()
        .success()
        .stdout_eq(str![[r#"
from,to,to_address,protocol,port,verdict,denied_at,policies,reason,generation,backends
shop/client,svc/shop/lost,10.96.1.1,TCP,80,refused,,,no_service_backend,0,
shop/client,svc/shop/web,10.96.1.3,TCP,80,mixed,,shop/closed,backends differ,0,shop/web-1=allowed;shop/web-2=allowed;shop/web-3=denied
shop/client,svc/shop/web,10.96.1.3,UDP,53,refused,,,no_service_backend,0,

"#]]);
}

#[test]
fn drivers_are_compared_by_backends_not_by_what_was_chosen() {
    plumb("matrix -f services.yaml --services --driver kernel --against simulate")
        .assert()
        .success()
        .stdout_eq(str![[r#"
no differences between kernel and simulate in 214 connections

"#]]);
}

#[test]
fn services_are_destinations_and_misspelt_ones_have_neighbours() {
    let refused = |arguments: &str| {
        let matrix = plumb(&format!("matrix -f services.yaml {arguments}"));
        let output = matrix.assert().code(2).get_output().stderr.clone();
        let text = String::from_utf8(output).unwrap();
        text[text.find("error:").unwrap()..].to_owned()
    };
    assert_eq!(
        refused("--from svc/shop/web"),
        "error: `svc/shop/web` means services: they are asked, and open no connections\n\
         help: name the pods behind them as sources, and services with --to\n"
    );
    assert_eq!(
        refused("--to svc/shop/wbe"),
        "error: `svc/shop/wbe` matches no service of the manifests\nhelp: did you mean `svc/shop/web`?\n"
    );
    assert_eq!(
        refused("--to svc/shpo/*"),
        "error: `svc/shpo/*` matches no service of the manifests\nhelp: did you mean `svc/shop/*`?\n"
    );
    plumb("matrix -f shop.yaml --services").assert().code(2);
}
