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
{"from":"shop/web","to":"shop/db","to_address":"10.244.0.4","protocol":"TCP","port":5432,"verdict":"denied","denied_at":"ingress","policies":["shop/db","shop/default-deny"],"reason":"policy_denied_ingress","generation":0}
{"from":"shop/web","to":"shop/db","to_address":"10.244.0.4","protocol":"ICMP","port":null,"verdict":"denied","denied_at":"ingress","policies":["shop/db","shop/default-deny"],"reason":"policy_denied_ingress","generation":0}
{"from":"shop/web","to":"external/internet","to_address":"203.0.113.7","protocol":"TCP","port":443,"verdict":"allowed","denied_at":null,"policies":[],"reason":"no policy","generation":0}
{"from":"shop/web","to":"external/internet","to_address":"203.0.113.7","protocol":"ICMP","port":null,"verdict":"allowed","denied_at":null,"policies":[],"reason":"no policy","generation":0}

"#]]);
}

#[test]
fn csv_has_the_same_columns() {
    plumb("matrix -f shop.yaml -o csv --family 4 -n shop --port 80,icmp --to shop/web")
        .assert()
        .success()
        .stdout_eq(str![[r#"
from,to,to_address,protocol,port,verdict,denied_at,policies,reason,generation
shop/api,shop/web,10.244.0.2,TCP,80,allowed,,shop/web,rules,0
shop/api,shop/web,10.244.0.2,ICMP,,denied,ingress,shop/default-deny;shop/web,policy_denied_ingress,0
shop/db,shop/web,10.244.0.2,TCP,80,denied,egress,shop/db,policy_denied_egress,0
shop/db,shop/web,10.244.0.2,ICMP,,denied,egress,shop/db,policy_denied_egress,0
shop/web,shop/web,10.244.0.2,TCP,80,allowed,,,no policy,0
shop/web,shop/web,10.244.0.2,ICMP,,allowed,,,no policy,0

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
