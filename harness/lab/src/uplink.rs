//! What leads from a node to others.

/// A node's link to the segment that all nodes share.
#[derive(Clone, Debug)]
pub struct Uplink {
    pub(crate) ifindex: u32,
    pub(crate) mac: [u8; 6],
}

/// A node's tunnel device. What it sends goes to the node that the tunnel key of the packet names; without one, nowhere.
#[derive(Clone, Debug)]
pub struct Overlay {
    pub(crate) ifindex: u32,
}

impl Uplink {
    pub(crate) const NAME: &str = "eth0";

    /// Its name, in the node's namespace.
    #[must_use]
    pub const fn ifname(&self) -> &'static str {
        Self::NAME
    }

    /// Its index, in the node's namespace.
    #[must_use]
    pub const fn ifindex(&self) -> u32 {
        self.ifindex
    }

    /// Its link-layer address: no other node of the lab has it.
    #[must_use]
    pub const fn mac(&self) -> [u8; 6] {
        self.mac
    }
}

impl Overlay {
    pub(crate) const NAME: &str = "vxlan0";

    /// Its name, in the node's namespace.
    #[must_use]
    pub const fn ifname(&self) -> &'static str {
        Self::NAME
    }

    /// Its index, in the node's namespace.
    #[must_use]
    pub const fn ifindex(&self) -> u32 {
        self.ifindex
    }
}
