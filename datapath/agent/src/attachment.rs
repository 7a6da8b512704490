//! How the programs hang on an interface.

use crate::AgentError;
use crate::pin::{self, LinkPin};
use abi::{Address, Hook, Link};
use aya::Ebpf;
use aya::programs::links::{FdLink, LinkError, PinnedLink};
use aya::programs::tc::{
    NlOptions, SchedClassifierLink, SchedClassifierLinkId, TcAttachOptions, TcAttachType,
    qdisc_add_clsact,
};
use aya::programs::{LinkOrder, ProgramError, SchedClassifier};
use std::mem;
use std::path::PathBuf;

/// What the kernel says of a link whose interface is gone.
const ENOLINK: i32 = nix::errno::Errno::ENOLINK as i32;

/// A program and the side of an interface that it hangs on.
pub(crate) type Place = (&'static str, TcAttachType);

/// What an interface is to the node, and so which programs it has.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(crate) enum Role {
    /// The host side of an endpoint's link.
    Endpoint,
    /// Where the node meets the other nodes and the outside.
    Uplink,
    /// The tunnel device.
    Overlay,
}

impl Role {
    const ALL: [Self; 3] = [Self::Endpoint, Self::Uplink, Self::Overlay];

    /// The programs of such an interface.
    pub(crate) const fn programs(self) -> &'static [Place] {
        match self {
            Self::Endpoint => &[
                (FROM_ENDPOINT, TcAttachType::Ingress),
                (TO_ENDPOINT, TcAttachType::Egress),
            ],
            Self::Uplink => &[
                (FROM_NETWORK, TcAttachType::Ingress),
                (TO_NETWORK, TcAttachType::Egress),
            ],
            Self::Overlay => &[
                (FROM_OVERLAY, TcAttachType::Ingress),
                (TO_OVERLAY, TcAttachType::Egress),
            ],
        }
    }

    /// The role of an interface with exactly these programs.
    pub(crate) fn with(hooks: &[LinkPin]) -> Option<Self> {
        Self::ALL.into_iter().find(|role| {
            let programs = role.programs();
            let has = |name| hooks.iter().any(|link| link.hook == name);
            programs.len() == hooks.len() && programs.iter().all(|(name, _)| has(*name))
        })
    }
}

/// The programs of every node.
pub(crate) const FROM_ENDPOINT: &str = Hook::FromEndpoint.name();
pub(crate) const TO_ENDPOINT: &str = Hook::ToEndpoint.name();
/// Those of nodes that have others. The verifier takes its time for them, so they are loaded when they are needed.
const FROM_NETWORK: &str = Hook::FromNetwork.name();
const TO_NETWORK: &str = Hook::ToNetwork.name();
const FROM_OVERLAY: &str = Hook::FromOverlay.name();
const TO_OVERLAY: &str = Hook::ToOverlay.name();

/// Which of the kernel's two ways to run a program at tc ingress and egress is used. The programs are the same.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum AttachPoint {
    /// TCX links: shorter way to the program for each packet. Attaching waits for two RCU grace periods, some 20 ms an
    /// interface, under the lock of all network configuration.
    #[default]
    Tcx,
    /// Filters of a clsact qdisc: 0.2 ms an interface. They stay on it until the interface is gone; from detaching on
    /// those of an endpoint drop everything, while those of an uplink or tunnel device go on by what the tables say. For
    /// interfaces that do not live long.
    Clsact,
}

/// An interface under the programs.
pub(crate) struct Attachment {
    pub(crate) role: Role,
    /// Of the endpoint behind it.
    pub(crate) addresses: Vec<Address>,
    pub(crate) hooks: Hooks,
    /// The cookie of the endpoint's network namespace, if its sockets are attached.
    pub(crate) namespace: Option<u64>,
}

/// What [`detach`] must take away.
pub(crate) enum Hooks {
    /// Nothing: filters of a clsact qdisc go with their interface.
    Filters,
    /// TCX links that go with the object.
    Links(Vec<(&'static str, SchedClassifierLinkId)>),
    /// TCX links that go when their files do.
    Pinned(Vec<PathBuf>),
}

impl Attachment {
    /// The attachment of the endpoint that a link leads to.
    pub(crate) fn of_endpoint(link: &Link, hooks: Hooks) -> Self {
        Self {
            role: Role::Endpoint,
            addresses: addresses(link).collect(),
            hooks,
            namespace: None,
        }
    }

    /// The attachment of an interface with no endpoint behind it.
    pub(crate) const fn of_node(role: Role, hooks: Hooks) -> Self {
        Self {
            role,
            addresses: Vec::new(),
            hooks,
            namespace: None,
        }
    }
}

/// The addresses of the endpoint that a link leads to.
pub(crate) fn addresses(link: &Link) -> impl Iterator<Item = Address> + use<> {
    let both = [link.v4, link.v6].into_iter();
    both.filter(|address| *address != Address::NONE)
}

/// Puts the programs of its role on an interface of the calling thread's namespace.
pub(crate) fn attach(
    object: &mut Ebpf,
    at: AttachPoint,
    interface: &str,
    role: Role,
) -> Result<Hooks, AgentError> {
    if at == AttachPoint::Clsact {
        qdisc_add_clsact(interface).map_err(in_program("clsact"))?;
    }
    let mut links = Vec::new();
    let attached = role.programs().iter().try_for_each(|place| {
        links.extend(attach_one(object, at, interface, *place)?);
        Ok(())
    });
    let hooks = match at {
        AttachPoint::Tcx => Hooks::Links(links),
        AttachPoint::Clsact => Hooks::Filters,
    };
    match attached {
        Ok(()) => Ok(hooks),
        Err(error) => {
            detach(object, hooks)?;
            Err(error)
        }
    }
}

/// Puts a program on an interface. A filter has no link that must be kept.
fn attach_one(
    object: &mut Ebpf,
    at: AttachPoint,
    interface: &str,
    (name, direction): Place,
) -> Result<Option<(&'static str, SchedClassifierLinkId)>, AgentError> {
    let program = loaded(object, name)?;
    let options = match at {
        AttachPoint::Tcx => TcAttachOptions::TcxOrder(LinkOrder::default()),
        AttachPoint::Clsact => TcAttachOptions::Netlink(NlOptions::default()),
    };
    let link = program
        .attach_with_options(interface, direction, options)
        .map_err(in_program(name))?;
    if at == AttachPoint::Tcx {
        return Ok(Some((name, link)));
    }
    // Dropping the link would remove a filter by interface index, in whatever namespace the thread is then.
    mem::forget(program.take_link(link).map_err(in_program(name))?);
    Ok(None)
}

/// Gives each link a file, so that it outlives the process.
pub(crate) fn pin(
    object: &mut Ebpf,
    hooks: Hooks,
    path: impl Fn(&str) -> PathBuf,
) -> Result<Hooks, AgentError> {
    let Hooks::Links(links) = hooks else {
        return Ok(hooks);
    };
    let mut paths = Vec::new();
    for (name, link) in links {
        let link = program(object, name)?.take_link(link);
        let link: FdLink = link
            .map_err(in_program(name))?
            .try_into()
            .map_err(in_link(name))?;
        let path = path(name);
        link.pin(&path).map_err(|source| AgentError::Pinning {
            path: path.clone(),
            source,
        })?;
        paths.push(path);
    }
    Ok(Hooks::Pinned(paths))
}

/// Puts this object's program into a pinned link in place of its last one; false when the interface is gone.
pub(crate) fn take_over(
    object: &mut Ebpf,
    name: &'static str,
    link: &LinkPin,
) -> Result<bool, AgentError> {
    let pinned = PinnedLink::from_pin(&link.path).map_err(in_link(name))?;
    let held: SchedClassifierLink = FdLink::from(pinned).try_into().map_err(in_link(name))?;
    let program = loaded(object, name)?;
    match program.attach_to_link(held) {
        Ok(id) => {
            // The file keeps the link; closing this descriptor changes nothing.
            drop(program.take_link(id).map_err(in_program(name))?);
            Ok(true)
        }
        Err(ProgramError::SyscallError(error))
            if error.io_error.raw_os_error() == Some(ENOLINK) =>
        {
            Ok(false)
        }
        Err(error) => Err(in_program(name)(error)),
    }
}

/// Takes the programs off again.
pub(crate) fn detach(object: &mut Ebpf, hooks: Hooks) -> Result<(), AgentError> {
    match hooks {
        Hooks::Filters => Ok(()),
        Hooks::Links(links) => links.into_iter().try_for_each(|(name, link)| {
            let program = program(object, name)?;
            program.detach(link).map_err(in_program(name))
        }),
        Hooks::Pinned(paths) => paths.iter().try_for_each(|path| pin::remove(path)),
    }
}

/// One of the programs, in the kernel.
pub(crate) fn loaded<'a>(
    object: &'a mut Ebpf,
    name: &'static str,
) -> Result<&'a mut SchedClassifier, AgentError> {
    let program = program(object, name)?;
    if program.fd().is_err() {
        program.load().map_err(in_program(name))?;
    }
    Ok(program)
}

/// One of the programs.
pub(crate) fn program<'a>(
    object: &'a mut Ebpf,
    name: &'static str,
) -> Result<&'a mut SchedClassifier, AgentError> {
    let program = object.program_mut(name).ok_or(AgentError::Missing(name))?;
    program.try_into().map_err(in_program(name))
}

/// Names the program in an error about its link.
fn in_link(name: &'static str) -> impl Fn(LinkError) -> AgentError {
    move |source| AgentError::Link { name, source }
}

/// Names the program in an error.
pub(crate) fn in_program<E: Into<ProgramError>>(name: &'static str) -> impl Fn(E) -> AgentError {
    move |source| AgentError::Program {
        name,
        source: source.into(),
    }
}
