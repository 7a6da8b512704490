//! The real kernel takes the programs and keeps the rows. Needs root.

use abi::{
    Address, CidrKey, ClassKey, Endpoint, EndpointRows, Identity, IdentityRows, Port, RuleSet,
    TableId, Verdict, VerdictKey, protocol,
};
use agent::{Agent, Config, loaded_programs, pool};
use policy::{Plan, Rows, Write};
use std::collections::BTreeSet;

fn endpoint(table: u32) -> EndpointRows {
    let endpoint = Endpoint {
        identity: Identity(300),
        node: Identity(256),
        egress: TableId::OPEN,
        ingress: TableId(table),
    };
    EndpointRows::default().with(1, endpoint)
}

fn verdict_key(bits: u32) -> VerdictKey {
    VerdictKey::prefix(TableId(1), 2, protocol::TCP, Port::new(0x8000), bits)
}

/// Puts a row into every map, changes one and deletes one.
fn plans() -> [Plan; 2] {
    let address = Address::from_v4([10, 0, 0, 1]);
    let other = Address::from_v6([0xfd; 16]);
    let cidr = CidrKey {
        prefix_length: 104,
        address: Address::from_v4([10, 0, 0, 0]),
    };
    let class = ClassKey {
        table: TableId(1),
        identity: Identity(300),
    };
    let rows = IdentityRows::default().with(1, Identity(1 << 24));
    let allow = Verdict::allow(RuleSet(1));
    let first = vec![
        Write::Class(class, Some(2)),
        Write::Verdict(verdict_key(73), Some(allow)),
        Write::Verdict(verdict_key(88), Some(Verdict::allow(RuleSet(2)))),
        Write::Cidr(cidr, Some(rows)),
        Write::Endpoint(address, Some(endpoint(1))),
        Write::Endpoint(other, Some(endpoint(0))),
    ];
    let second = vec![
        Write::Verdict(verdict_key(88), None),
        Write::Endpoint(address, Some(endpoint(2))),
        Write::Endpoint(other, None),
        Write::Cidr(cidr, None),
        Write::Cidr(cidr, None),
    ];
    [(1, first), (2, second)].map(|(generation, writes)| Plan { generation, writes })
}

#[test]
fn reading_the_kernel_back_gives_what_was_written() {
    let mut agent = Agent::load(&Config::default()).unwrap();
    let mut expected = Rows::default();
    assert_eq!(agent.generation().unwrap(), 0);
    for plan in plans() {
        plan.writes.iter().for_each(|write| expected.apply(write));
        assert_eq!(agent.apply(&plan).unwrap(), plan.generation);
        assert_eq!(agent.generation().unwrap(), plan.generation);
        assert_eq!(agent.rows().unwrap(), expected);
    }
}

#[test]
fn a_full_table_refuses_the_plan_and_the_generation_in_force_stays() {
    let config = Config {
        endpoints: 1,
        ..Config::default()
    };
    let mut agent = Agent::load(&config).unwrap();
    let [first, _] = plans();
    let error = agent.apply(&first).unwrap_err();
    assert!(error.to_string().contains("ENDPOINTS"), "{error}");
    assert_eq!(agent.generation().unwrap(), 0);
}

#[test]
fn an_agent_that_is_given_back_is_as_good_as_new() {
    let config = Config {
        connections: 77,
        ..Config::default()
    };
    let mut agent = pool::take(&config).unwrap();
    for plan in plans() {
        agent.apply(&plan).unwrap();
    }
    pool::give_back(&config, agent).unwrap();
    let agent = pool::take(&config).unwrap();
    assert_eq!(agent.rows().unwrap(), Rows::default());
    assert_eq!(agent.generation().unwrap(), 0);
}

#[test]
fn loaded_programs_are_listed() {
    let before: BTreeSet<u32> = loaded_programs()
        .unwrap()
        .into_iter()
        .map(|program| program.id)
        .collect();
    let _agent = Agent::load(&Config::default()).unwrap();
    let new: Vec<_> = loaded_programs()
        .unwrap()
        .into_iter()
        .filter(|program| !before.contains(&program.id))
        .collect();
    for name in ["from_endpoint", "to_endpoint"] {
        assert!(new.iter().any(|program| program.name == name), "{new:?}");
    }
}
