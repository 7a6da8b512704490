//! Input that cannot be used: exit code 2, and an error that points at it. Never a panic.

use crate::program::{folder, plumb};
use snapbox::cmd::cargo_bin;
use snapbox::str;

/// The matrix of these manifests on standard input.
fn matrix_of(manifests: impl Into<Vec<u8>>) -> snapbox::cmd::OutputAssert {
    let input = snapbox::Data::binary(manifests.into());
    plumb("matrix -f -").stdin(input).assert().stdout_eq("")
}

const POD: &str = "{apiVersion: v1, kind: Pod, metadata: {name: web}}\n---\n";

#[test]
fn a_misspelt_field_is_an_error_with_its_place() {
    let policy = "apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: deny}
spec:
  podSelecter: {}
  ingress:
  - ports: [{port: 80, endPort: 70}]
";
    matrix_of(format!("{POD}{policy}"))
        .code(2)
        .stderr_eq(str![[r#"
error: NetworkPolicy default/deny: spec.podSelecter: there is no field `podSelecter` here
 --> <stdin>:7:3
  |
7 |   podSelecter: {}
  |   ^^^^^^^^^^^
  = help: did you mean `podSelector`? Allowed here: egress, ingress, podSelector, policyTypes

error: NetworkPolicy default/deny: spec.ingress[0].ports[0].endPort: 70 is below port 80
 --> <stdin>:9:33
  |
9 |   - ports: [{port: 80, endPort: 70}]
  |                                 ^^
  = help: endPort is the last port of the range: use port or more

2 errors

"#]]);
}

#[test]
fn warnings_and_skipped_kinds_do_not_stop_it() {
    let others = "{apiVersion: v1, kind: ConfigMap, metadata: {name: a}}
---
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: deny, namespace: nowhere}
spec: {podSelector: {}}
";
    let input = snapbox::Data::text(format!("{POD}{others}"));
    plumb("matrix -f - -o csv")
        .stdin(input)
        .assert()
        .success()
        .stderr_eq(str![[r#"
warning: NetworkPolicy nowhere/deny: there is no namespace nowhere
 --> <stdin>:7:35
  |
7 | metadata: {name: deny, namespace: nowhere}
  |                                   ^^^^^^^
  = help: [..]

skipped 1 ConfigMap

"#]]);
}

#[test]
fn input_that_is_no_cluster_is_refused() {
    matrix_of("").code(2).stderr_eq(str![[r#"
error: <stdin>: has no objects in it

1 error

"#]]);
    matrix_of("{apiVersion: v1, kind: Namespace, metadata: {name: empty}}")
        .code(2)
        .stderr_eq(str![[r#"
error: the manifests have no pods
help: pods come from Pods, Deployments, StatefulSets, DaemonSets, ReplicaSets and Jobs

"#]]);
    matrix_of([0x7f, b'E', b'L', b'F', 0, 0xff])
        .code(2)
        .stderr_eq(str![[r#"
error: <stdin>: is not a text file
  = help: manifests are YAML or JSON in UTF-8

1 error

"#]]);
    matrix_of("a: &a [*a]").code(2).stderr_eq(str![[r#"
error: this alias stands for a value that contains it
 --> <stdin>:1:8
  |
1 | a: &a [*a]
  |        ^^
  = help: write the value out

1 error

"#]]);
    matrix_of("kind: [").code(2).stderr_eq(str![[r#"
error: this is not valid YAML: unclosed bracket '['
 --> <stdin>:1:7
  |
1 | kind: [
  |       ^

1 error

"#]]);
}

#[test]
fn a_missing_file_is_named() {
    plumb("matrix -f missing.yaml")
        .assert()
        .code(2)
        .stderr_eq(str![[r#"
error: missing.yaml: cannot be read: No such file or directory (os error 2)

1 error

"#]]);
    plumb("matrix").assert().code(2).stderr_eq(str![[r#"
error: no manifests were given
help: name a file or folder with -f, or pipe them in: kubectl get ns,no,po,netpol -A -o yaml | plumb … -f -

"#]]);
}

#[test]
fn wrong_flags_say_what_is_allowed() {
    plumb("matrix -f shop.yaml --driver kernal")
        .assert()
        .code(2)
        .stderr_eq(str![[r#"
error: invalid value 'kernal' for '--driver <DRIVER>'
  [possible values: kernel, simulate, oracle]

  tip: a similar value exists: 'kernel'

For more information, try '--help'.

"#]]);
    plumb("matrix -f shop.yaml --port 80/TPC")
        .assert()
        .code(2)
        .stderr_eq(str![[r#"
error: invalid value '80/TPC' for '--port <PORT/PROTO>': `TPC` is not a protocol: use TCP, UDP, SCTP or ICMP

For more information, try '--help'.

"#]]);
    plumb("matrx").assert().code(2).stderr_eq(str![[r#"
error: unrecognized subcommand 'matrx'

  tip: a similar subcommand exists: 'matrix'

Usage: plumb <COMMAND>

For more information, try '--help'.

"#]]);
}

#[test]
fn a_reader_that_leaves_early_is_no_failure() {
    let (reader, writer) = std::io::pipe().unwrap();
    drop(reader);
    let output = std::process::Command::new(cargo_bin!("plumb"))
        .args("matrix -f shop.yaml --driver oracle".split(' '))
        .current_dir(folder())
        .stdout(writer)
        .output()
        .unwrap();
    assert_eq!(String::from_utf8_lossy(&output.stderr), "");
    assert_eq!(output.status.code(), Some(0));
}
