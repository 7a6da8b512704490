//! The node among the others: its uplink, its tunnel device, and who the others are.

use crate::attachment::{Attachment, Role};
use crate::{Agent, AgentError};
use abi::{Home, Identity, Node};
use std::collections::BTreeMap;

impl Agent {
    /// Says which node this is, and how pods' packets get from node to node.
    ///
    /// # Errors
    /// When the map cannot be written.
    pub fn set_home(&mut self, home: Home) -> Result<(), AgentError> {
        self.maps.set_home(home)
    }

    /// Says who the nodes are, this one included, by each of their identities: when this returns, these are known and no
    /// others.
    ///
    /// A packet looks nodes up by the identity in an endpoint's row. So name the identities of the generation in force
    /// and of the next one before [`Agent::enforce`], and leave the old ones out only after it.
    ///
    /// # Errors
    /// When the table is full: then the nodes before are known still, and as many of these as there was room for.
    pub fn set_nodes(&mut self, nodes: &BTreeMap<Identity, Node>) -> Result<(), AgentError> {
        let known = self.maps.nodes()?;
        for (identity, node) in nodes {
            if known.get(identity) != Some(node) {
                let written = self.maps.put_node(*identity, node);
                self.counting_refusals(written)?;
            }
        }
        let gone = known
            .keys()
            .filter(|identity| !nodes.contains_key(identity));
        gone.copied()
            .try_for_each(|identity| self.maps.delete_node(identity))
    }

    /// Puts the interface by which the node meets the other nodes and the outside under its program. Call it on a thread
    /// inside the node's network namespace. One that is attached already, as after [`Agent::resume`], stays as it is.
    ///
    /// # Errors
    /// When there is no such interface here, or the kernel refuses the program; then nothing is attached.
    pub fn attach_uplink(&mut self, interface: &str, ifindex: u32) -> Result<(), AgentError> {
        self.attach_as(Role::Uplink, interface, ifindex)
    }

    /// Puts the node's tunnel device, one without a remote of its own (collect-metadata), under its programs. As
    /// [`Agent::attach_uplink`].
    ///
    /// # Errors
    /// As [`Agent::attach_uplink`].
    pub fn attach_overlay(&mut self, interface: &str, ifindex: u32) -> Result<(), AgentError> {
        self.attach_as(Role::Overlay, interface, ifindex)
    }

    fn attach_as(&mut self, role: Role, interface: &str, ifindex: u32) -> Result<(), AgentError> {
        let attached = self.attached.get(&ifindex);
        if attached.is_some_and(|attachment| attachment.role == role) {
            return Ok(());
        }
        self.detach([ifindex])?;
        let hooks = self.attach_programs(interface, ifindex, role)?;
        self.attached
            .insert(ifindex, Attachment::of_node(role, hooks));
        self.pin_programs(role)
    }
}
