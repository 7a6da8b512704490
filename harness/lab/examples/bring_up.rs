//! How long labs of 10, 100 and 1000 endpoints take: `cargo run --release -p lab --example bring_up`.

use lab::{EndpointSpec, Node};
use std::net::{Ipv4Addr, Ipv6Addr};
use std::time::Instant;

fn main() -> Result<(), lab::LabError> {
    for count in [10, 100, 1000] {
        let specs: Vec<_> = (1..=count).map(endpoint).collect();
        let start = Instant::now();
        let mut lab = Node::new()?;
        lab.add(&specs)?;
        let ready = start.elapsed();
        let start = Instant::now();
        lab.remove(["pod-1"])?;
        let removed = start.elapsed();
        let start = Instant::now();
        drop(lab);
        println!(
            "{count} endpoints ready in {ready:.1?}; one removed in {removed:.1?}; dropped in {:.1?}",
            start.elapsed()
        );
    }
    Ok(())
}

fn endpoint(number: u32) -> EndpointSpec {
    EndpointSpec {
        name: format!("pod-{number}"),
        v4: Some(Ipv4Addr::from(0x0a00_0000 + number)),
        v6: Some(Ipv6Addr::from((0xfd00 << 112) + u128::from(number))),
    }
}
