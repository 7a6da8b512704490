//! What a lab refuses before it makes anything: a name or an address that somebody has, packets that do not fit.

use crate::mtu::Mtu;
use crate::node::address_in_use;
use crate::tap::LONGEST_MTU;
use crate::{EndpointSpec, Lab, LabError, Node, NodeSpec, Routing};
use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

impl Lab {
    /// Names and addresses are unique in the lab; each router looks after those that it is given together.
    pub(crate) fn check_names_and_addresses(&self, specs: &[EndpointSpec]) -> Result<(), LabError> {
        let owners = self.owners();
        for spec in specs {
            if self.endpoint(&spec.name).is_some() {
                let name = spec.name.clone();
                return Err(LabError::DuplicateName { name });
            }
            for address in spec.addresses() {
                if let Some(owner) = owners.get(&address) {
                    let name = format!("endpoint {}", spec.name);
                    return Err(address_in_use(name, address, owner));
                }
            }
        }
        Ok(())
    }

    /// Who has which address.
    fn owners(&self) -> BTreeMap<IpAddr, String> {
        let endpoints = self.endpoints().flat_map(|endpoint| {
            let addresses = endpoint.spec().addresses();
            addresses.map(|address| (address, endpoint.name().to_owned()))
        });
        let nodes = self.nodes().flat_map(|(name, node)| {
            let addresses = node.addresses();
            addresses.map(move |address| (address, format!("node {name}")))
        });
        endpoints.chain(nodes).collect()
    }

    /// No address of a node is another node's or that of an endpoint, unless that goes with its node.
    pub(crate) fn check_node_addresses(
        &self,
        specs: &[NodeSpec],
        stays: &BTreeSet<&str>,
    ) -> Result<(), LabError> {
        let nodes = self.nodes().filter(|(name, _)| stays.contains(name));
        let routers: Vec<&Node> = nodes.map(|(_, node)| node).chain(self.fabric()).collect();
        let mut owners = BTreeMap::new();
        for spec in specs {
            for address in spec.addresses() {
                let name = format!("node {}", spec.name);
                if let Some(owner) = owners.insert(address, name.clone()) {
                    return Err(address_in_use(name, address, &owner));
                }
                routers
                    .iter()
                    .try_for_each(|router| router.check_free(address, &name))?;
            }
        }
        Ok(())
    }

    /// What the links of these nodes take.
    pub(crate) fn check_mtu(&self, specs: &[NodeSpec]) -> Result<Mtu, LabError> {
        if self.mtu > LONGEST_MTU {
            let (mtu, most) = (self.mtu, LONGEST_MTU);
            return Err(LabError::MtuTooBig { mtu, most });
        }
        let all_have_v4 = specs.iter().all(|spec| spec.v4.is_some());
        let mtu = match self.routing {
            Routing::Native => Mtu::native(self.mtu),
            Routing::Vxlan => Mtu::tunnelled(self.mtu, all_have_v4),
        };
        for spec in specs {
            let outside = mtu.outside();
            spec.addresses()
                .try_for_each(|address| outside.check(address))?;
            let mut prefixes = spec.prefixes.iter();
            prefixes.try_for_each(|prefix| mtu.check(prefix.addr()))?;
        }
        Ok(mtu)
    }
}
