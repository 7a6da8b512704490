//! Settings of the calling thread's network namespace.

use crate::LabError;

/// Makes the namespace a router that forwards whatever has a route.
pub(crate) const ROUTER: &[(&str, &str)] = &[
    ("ipv4/ip_forward", "1"),
    ("ipv6/conf/all/forwarding", "1"),
    // A node judges source addresses in its datapath; a second judge would hide its mistakes.
    ("ipv4/conf/all/rp_filter", "0"),
    ("ipv4/conf/default/rp_filter", "0"),
    // What a node's datapath sends on for services, and what its pods answer for it, has the node's own address.
    ("ipv4/conf/all/accept_local", "1"),
    ("ipv4/conf/all/send_redirects", "0"),
    ("ipv4/conf/default/send_redirects", "0"),
    // Host-side interfaces get their one address from the lab.
    ("ipv6/conf/default/addr_gen_mode", "1"),
];

/// Lets the namespace answer every datagram to a closed port.
pub(crate) const EVERY_ICMP_ERROR: &[(&str, &str)] =
    &[("ipv4/icmp_ratemask", "0"), ("ipv6/icmp/ratemask", "")];

/// Writes settings, named by their path below `/proc/sys/net`.
pub(crate) fn set(settings: &[(&str, &str)]) -> Result<(), LabError> {
    settings.iter().try_for_each(|(name, value)| {
        let path = format!("/proc/sys/net/{name}");
        std::fs::write(&path, format!("{value}\n"))
            .map_err(|error| LabError::kernel(format!("writing {value:?} to {path}"), error))
    })
}

/// Lets the calling thread's namespace answer every datagram to a closed port. The kernel limits ICMP errors per second
/// by default; then the 51st refused datagram of a batch would look lost. A lab's node answers all from the start.
///
/// A fifth of a large lab's time would go into this: the kernel looks a setting up among those of all namespaces.
///
/// # Errors
/// [`LabError::Kernel`] when `/proc/sys` cannot be written.
pub fn lift_icmp_limits() -> Result<(), LabError> {
    set(EVERY_ICMP_ERROR)
}
