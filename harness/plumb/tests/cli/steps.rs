//! The step catalogue.

use crate::program::plumb;
use snapbox::str;

#[test]
fn every_step_is_listed_with_its_meaning() {
    let output = plumb("steps").assert().success().get_output().clone();
    let listed = String::from_utf8(output.stdout).unwrap();
    for step in conformance::steps() {
        assert!(listed.contains(step.expression), "{}", step.expression);
        assert!(listed.contains(step.meaning), "{}", step.meaning);
    }
}

#[test]
fn a_word_narrows_the_list_and_shows_examples() {
    plumb("steps Ping").assert().success().stdout_eq(str![[r#"
Then  {endpoint} can ping {endpoint}{way}
      An ICMP echo is answered.
        Then shop/web can ping shop/db

Then  {endpoint} cannot ping {endpoint}{way}
      An ICMP echo is dropped by policy.
        Then shop/web cannot ping shop/db

In the gaps
  {endpoint}   a pod `namespace/name`, a node `node/NAME`, an outside host `external/NAME`; as a destination a service, `svc/namespace/name`
  {way}        nothing (every family both ends have), ` over IPv4`, ` over IPv6`, or ` at address 10.0.0.1`

"#]]);
}

#[test]
fn a_word_that_no_step_has_is_an_error() {
    plumb("steps gopher").assert().code(4).stderr_eq(str![[r#"
error: no step has `gopher` in it
help: `plumb steps` lists all of them

"#]]);
}
