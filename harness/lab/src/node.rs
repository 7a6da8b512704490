//! A node and its endpoints.

use crate::endpoint::{LOOPBACK, Link};
use crate::mtu::{ETHERNET_MTU, Mtu};
use crate::netlink::{Batch, Netlink};
use crate::uplink::{Overlay, Uplink};
use crate::{Endpoint, EndpointSpec, GATEWAY_V4, LabError, Namespace, limits, sysctl};
use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;
use std::os::fd::AsFd;

/// A router in a namespace of its own, and the endpoints linked to it.
///
/// Dropping it closes every namespace; the kernel destroys them together a moment later.
pub struct Node {
    pub(crate) namespace: Namespace,
    pub(crate) netlink: Netlink,
    pub(crate) addresses: BTreeSet<IpAddr>,
    /// Its addresses that answer nothing; `None` while it answers for all.
    pub(crate) mute_addresses: Option<BTreeSet<IpAddr>>,
    pub(crate) endpoints: BTreeMap<String, Endpoint>,
    pub(crate) uplink: Option<Uplink>,
    pub(crate) overlay: Option<Overlay>,
    /// What the links of endpoints to come take.
    pub(crate) mtu: Mtu,
    next_ifindex: u32,
}

impl Node {
    /// A node without addresses and without endpoints. It answers for the gateway address on every link, and forwards.
    ///
    /// Raises the process's soft limit of open files to its hard limit: an endpoint takes one descriptor.
    ///
    /// # Errors
    /// [`LabError::Permission`] without `CAP_SYS_ADMIN` and `CAP_NET_ADMIN`.
    pub fn new() -> Result<Self, LabError> {
        limits::raise_open_files();
        let (namespace, netlink) = Namespace::create(|| {
            sysctl::set(sysctl::ROUTER)?;
            sysctl::set(sysctl::EVERY_ICMP_ERROR)?;
            let mut batch = Batch::default();
            batch.link_up(LOOPBACK);
            batch.add_own_address(LOOPBACK, GATEWAY_V4.into());
            let mut netlink = Netlink::open()?;
            netlink.send("node", batch)?;
            Ok(netlink)
        })?;
        Ok(Self {
            namespace,
            netlink: netlink?,
            addresses: BTreeSet::new(),
            mute_addresses: None,
            endpoints: BTreeMap::new(),
            uplink: None,
            overlay: None,
            mtu: Mtu::native(ETHERNET_MTU),
            next_ifindex: LOOPBACK + 1,
        })
    }

    /// Creates endpoints. When it returns they are linked, routed and ready to send. When it fails none of them is in
    /// the lab.
    ///
    /// # Errors
    /// [`LabError::DuplicateName`], [`LabError::AddressInUse`] and [`LabError::MtuTooSmall`] before anything is made;
    /// [`LabError::Kernel`] when the kernel refuses, for example because no descriptor is left.
    pub fn add(&mut self, specs: &[EndpointSpec]) -> Result<(), LabError> {
        self.check_names_and_addresses(specs)?;
        let mut created = Vec::with_capacity(specs.len());
        let result = self.create(specs, &mut created);
        match result {
            Ok(()) => {
                let named = created.into_iter().map(|e| (e.name().to_owned(), e));
                self.endpoints.extend(named);
                Ok(())
            }
            Err(error) => {
                self.disconnect(&created)?;
                Err(error)
            }
        }
    }

    /// Removes endpoints. When it returns, their routes and neighbours are gone, their links carry nothing, and names
    /// and addresses are free. The links themselves vanish with the namespaces a moment later; deleting them here
    /// would cost 20 ms.
    ///
    /// # Errors
    /// [`LabError::UnknownEndpoint`] before anything is removed.
    pub fn remove<'a>(
        &mut self,
        names: impl IntoIterator<Item = &'a str> + Clone,
    ) -> Result<(), LabError> {
        for name in names.clone() {
            if !self.endpoints.contains_key(name) {
                let name = name.to_owned();
                return Err(LabError::UnknownEndpoint { name });
            }
        }
        let removed: Vec<_> = names
            .into_iter()
            .filter_map(|name| self.endpoints.remove(name))
            .collect();
        self.disconnect(&removed)
    }

    /// Takes an endpoint's end of its link down.
    pub(crate) fn unplug(&mut self, name: &str) -> Result<(), LabError> {
        self.endpoints.get(name).map_or(Ok(()), Endpoint::unplug)
    }

    /// Brings it up again. When it returns, both ends can send.
    pub(crate) fn plug(&mut self, name: &str) -> Result<(), LabError> {
        let Some(endpoint) = self.endpoints.get(name) else {
            return Ok(());
        };
        endpoint.plug()?;
        let mut batch = Batch::default();
        batch.await_carrier(endpoint.ifindex());
        self.netlink.send(name, batch)
    }

    /// Gives the node these addresses, on its loopback interface, and takes all others from it.
    ///
    /// # Errors
    /// [`LabError::AddressInUse`] when an endpoint has one of them; [`LabError::Kernel`] when the kernel refuses.
    pub fn set_addresses(&mut self, addresses: &[IpAddr]) -> Result<(), LabError> {
        let wanted: BTreeSet<IpAddr> = addresses.iter().copied().collect();
        for &address in &wanted {
            self.check_free(address, "node")?;
        }
        let mut batch = Batch::default();
        for &address in self.addresses.difference(&wanted) {
            batch.remove_own_address(LOOPBACK, address);
        }
        for &address in wanted.difference(&self.addresses) {
            batch.add_own_address(LOOPBACK, address);
        }
        self.netlink.send("node", batch)?;
        self.addresses = wanted;
        Ok(())
    }

    /// The node's namespace.
    #[must_use]
    pub const fn namespace(&self) -> &Namespace {
        &self.namespace
    }

    /// The way to other nodes and the outside, once there are any.
    #[must_use]
    pub const fn uplink(&self) -> Option<&Uplink> {
        self.uplink.as_ref()
    }

    /// The tunnel device, if there is one.
    #[must_use]
    pub const fn overlay(&self) -> Option<&Overlay> {
        self.overlay.as_ref()
    }

    /// The node's addresses, in order.
    pub fn addresses(&self) -> impl Iterator<Item = IpAddr> {
        self.addresses.iter().copied()
    }

    /// The endpoint of this name.
    #[must_use]
    pub fn endpoint(&self, name: &str) -> Option<&Endpoint> {
        self.endpoints.get(name)
    }

    /// Every endpoint, by name.
    pub fn endpoints(&self) -> impl Iterator<Item = &Endpoint> {
        self.endpoints.values()
    }

    /// First every link, then every route: setting a link up walks all routes there are.
    fn create(
        &mut self,
        specs: &[EndpointSpec],
        created: &mut Vec<Endpoint>,
    ) -> Result<(), LabError> {
        for spec in specs {
            let link = Link {
                ifindex: self.take_ifindex(),
                mtu: self.mtu.inside(),
            };
            let node = self.namespace.as_fd();
            let endpoint = Endpoint::create(spec.clone(), link, node, &mut self.netlink)?;
            created.push(endpoint);
        }
        created
            .iter()
            .try_for_each(|endpoint| self.netlink.send(endpoint.name(), endpoint.routes()))
    }

    /// An interface index that nobody had yet.
    pub(crate) fn take_ifindex(&mut self) -> u32 {
        let ifindex = self.next_ifindex;
        self.next_ifindex += 1;
        ifindex
    }

    fn disconnect(&mut self, endpoints: &[Endpoint]) -> Result<(), LabError> {
        endpoints.iter().try_for_each(|endpoint| {
            let mut batch = Batch::default();
            batch.link_down(endpoint.ifindex());
            self.netlink.send(endpoint.name(), batch)
        })
    }

    fn check_names_and_addresses(&self, specs: &[EndpointSpec]) -> Result<(), LabError> {
        let mut names = BTreeSet::new();
        let mut owners = BTreeMap::new();
        for endpoint in self.endpoints.values() {
            let addresses = endpoint.spec().addresses();
            owners.extend(addresses.map(|address| (address, endpoint.name())));
        }
        owners.extend(self.addresses().map(|address| (address, "node")));
        for spec in specs {
            if self.endpoints.contains_key(&spec.name) || !names.insert(&spec.name) {
                let name = spec.name.clone();
                return Err(LabError::DuplicateName { name });
            }
            for address in spec.addresses() {
                self.mtu.check(address)?;
                if let Some(owner) = owners.insert(address, &spec.name) {
                    let name = format!("endpoint {}", spec.name);
                    return Err(address_in_use(name, address, owner));
                }
            }
        }
        Ok(())
    }

    pub(crate) fn check_free(&self, address: IpAddr, name: &str) -> Result<(), LabError> {
        let mut endpoints = self.endpoints.values();
        match endpoints.find(|e| e.spec().addresses().any(|own| own == address)) {
            Some(owner) => Err(address_in_use(name.to_owned(), address, owner.name())),
            None => Ok(()),
        }
    }
}

/// `name` and `owner` say what they are.
pub(crate) fn address_in_use(name: String, address: IpAddr, owner: &str) -> LabError {
    LabError::AddressInUse {
        name,
        address,
        owner: owner.to_owned(),
    }
}
