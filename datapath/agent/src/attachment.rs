//! How the programs hang on an interface.

use crate::AgentError;
use crate::pin::{self, LinkPin};
use abi::{Address, Link};
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

/// Names of the two programs.
pub(crate) const FROM_ENDPOINT: &str = "from_endpoint";
pub(crate) const TO_ENDPOINT: &str = "to_endpoint";

/// Which of the kernel's two ways to run a program at tc ingress and egress is used. The programs are the same.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum AttachPoint {
    /// TCX links: shorter way to the program for each packet. Attaching waits for two RCU grace periods, some 20 ms an
    /// interface, under the lock of all network configuration.
    #[default]
    Tcx,
    /// Filters of a clsact qdisc: 0.2 ms an interface. They stay on it until the interface is gone; from detaching on
    /// they drop everything. For interfaces that do not live long.
    Clsact,
}

/// One endpoint's link.
pub(crate) struct Attachment {
    pub(crate) addresses: Vec<Address>,
    pub(crate) hooks: Hooks,
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
    pub(crate) fn new(link: &Link, hooks: Hooks) -> Self {
        Self {
            addresses: addresses(link).collect(),
            hooks,
        }
    }
}

/// The addresses of the endpoint that a link leads to.
pub(crate) fn addresses(link: &Link) -> impl Iterator<Item = Address> + use<> {
    let both = [link.v4, link.v6].into_iter();
    both.filter(|address| *address != Address::NONE)
}

const HOOKS: [(&str, TcAttachType); 2] = [
    (FROM_ENDPOINT, TcAttachType::Ingress),
    (TO_ENDPOINT, TcAttachType::Egress),
];

/// Puts both programs on an interface of the calling thread's namespace.
pub(crate) fn attach(
    object: &mut Ebpf,
    at: AttachPoint,
    interface: &str,
) -> Result<Hooks, AgentError> {
    if at == AttachPoint::Clsact {
        qdisc_add_clsact(interface).map_err(in_program("clsact"))?;
    }
    let mut links = Vec::new();
    for (name, direction) in HOOKS {
        let program = program(object, name)?;
        let options = match at {
            AttachPoint::Tcx => TcAttachOptions::TcxOrder(LinkOrder::default()),
            AttachPoint::Clsact => TcAttachOptions::Netlink(NlOptions::default()),
        };
        let link = program
            .attach_with_options(interface, direction, options)
            .map_err(in_program(name))?;
        match at {
            AttachPoint::Tcx => links.push((name, link)),
            // Dropping the link would remove a filter by interface index, in whatever namespace the thread is then.
            AttachPoint::Clsact => mem::forget(program.take_link(link).map_err(in_program(name))?),
        }
    }
    Ok(match at {
        AttachPoint::Tcx => Hooks::Links(links),
        AttachPoint::Clsact => Hooks::Filters,
    })
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
pub(crate) fn take_over(object: &mut Ebpf, link: &LinkPin) -> Result<bool, AgentError> {
    let Some((name, _)) = HOOKS.iter().find(|(name, _)| *name == link.hook) else {
        return Ok(false);
    };
    let pinned = PinnedLink::from_pin(&link.path).map_err(in_link(name))?;
    let held: SchedClassifierLink = FdLink::from(pinned).try_into().map_err(in_link(name))?;
    let program = program(object, name)?;
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
