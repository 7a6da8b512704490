//! Programs at the sockets of pods.

use crate::attachment::in_program;
use crate::{Agent, AgentError, ServiceAt, cgroup};
use aya::Ebpf;
use aya::programs::cgroup_sock_addr::CgroupSockAddrLinkId;
use aya::programs::{CgroupAttachMode, CgroupSockAddr};

/// The programs, each at a call of its own.
pub(crate) const PROGRAMS: [&str; 8] = [
    "sock4_connect",
    "sock6_connect",
    "sock4_sendmsg",
    "sock6_sendmsg",
    "sock4_recvmsg",
    "sock6_recvmsg",
    "sock4_peername",
    "sock6_peername",
];

/// Where the programs hang. The links go with the process, however that ends.
pub(crate) type Links = Vec<(&'static str, CgroupSockAddrLinkId)>;

impl Agent {
    /// Gives what the sockets of an attached endpoint ask of services to backends, if [`crate::Config::service_at`] says
    /// so. `namespace` is the kernel's cookie of the endpoint's network namespace (`SO_NETNS_COOKIE`). The sockets are
    /// those of processes in this one's cgroup, and below it: several agents may do this at once, 64 in one cgroup.
    ///
    /// # Errors
    /// When no endpoint is attached at the interface, this process's cgroup is not to be seen, the kernel refuses a
    /// program or a table is full.
    pub fn attach_sockets(&mut self, ifindex: u32, namespace: u64) -> Result<(), AgentError> {
        if self.config.service_at == ServiceAt::Packet {
            return Ok(());
        }
        if self.sockets.is_empty() {
            self.sockets = attach(&mut self.object)?;
        }
        let attachment = self.attached.get_mut(&ifindex);
        let attachment = attachment.ok_or(AgentError::NotAttached { ifindex })?;
        let before = attachment.namespace.replace(namespace);
        if let Some(before) = before.filter(|before| *before != namespace) {
            self.maps.delete_namespace(before)?;
        }
        let written = self.maps.put_namespace(namespace, ifindex);
        self.counting_refusals(written)
    }

    /// Takes the programs off.
    pub(crate) fn detach_sockets(&mut self) -> Result<(), AgentError> {
        detach(&mut self.object, std::mem::take(&mut self.sockets))
    }
}

/// Puts every program on the cgroup of this process, or none.
fn attach(object: &mut Ebpf) -> Result<Links, AgentError> {
    let cgroup = cgroup::own()?;
    let mut links = Links::new();
    let attached = PROGRAMS.into_iter().try_for_each(|name| {
        // A link is one of several whatever the mode, and the kernel takes no flag with it.
        let link = loaded(object, name)?.attach(&cgroup, CgroupAttachMode::Single);
        links.push((name, link.map_err(in_program(name))?));
        Ok(())
    });
    match attached {
        Ok(()) => Ok(links),
        Err(error) => {
            detach(object, links)?;
            Err(error)
        }
    }
}

fn detach(object: &mut Ebpf, links: Links) -> Result<(), AgentError> {
    links.into_iter().try_for_each(|(name, link)| {
        let detached = program(object, name)?.detach(link);
        detached.map_err(in_program(name))
    })
}

/// One of the programs, in the kernel.
pub(crate) fn loaded<'a>(
    object: &'a mut Ebpf,
    name: &'static str,
) -> Result<&'a mut CgroupSockAddr, AgentError> {
    let program = program(object, name)?;
    if program.fd().is_err() {
        program.load().map_err(in_program(name))?;
    }
    Ok(program)
}

fn program<'a>(
    object: &'a mut Ebpf,
    name: &'static str,
) -> Result<&'a mut CgroupSockAddr, AgentError> {
    let program = object.program_mut(name).ok_or(AgentError::Missing(name))?;
    program.try_into().map_err(in_program(name))
}
