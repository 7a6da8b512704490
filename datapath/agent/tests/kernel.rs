//! The real kernel takes the programs and keeps the rows. Needs root.

use agent::{Agent, Config};

#[test]
fn the_verifier_takes_both_programs() {
    let mut agent = Agent::load(&Config::default()).unwrap();
    let statistics = agent.statistics().unwrap();
    assert_eq!(statistics.len(), 2);
    for program in statistics {
        assert!(program.verified_instructions > 0, "{program:?}");
    }
}
