//! How the programs hang on an interface.

use crate::AgentError;
use abi::Address;
use aya::Ebpf;
use aya::programs::tc::{
    NlOptions, SchedClassifierLinkId, TcAttachOptions, TcAttachType, qdisc_add_clsact,
};
use aya::programs::{LinkOrder, ProgramError, SchedClassifier};
use std::mem;

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

/// What [`detach`] must take away; nothing for [`AttachPoint::Clsact`].
pub(crate) type Hooks = Vec<(&'static str, SchedClassifierLinkId)>;

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
    let mut hooks = Hooks::new();
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
            AttachPoint::Tcx => hooks.push((name, link)),
            // Dropping the link would remove a filter by interface index, in whatever namespace the thread is then.
            AttachPoint::Clsact => mem::forget(program.take_link(link).map_err(in_program(name))?),
        }
    }
    Ok(hooks)
}

/// Takes the programs off again.
pub(crate) fn detach(object: &mut Ebpf, hooks: Hooks) -> Result<(), AgentError> {
    hooks.into_iter().try_for_each(|(name, link)| {
        let program = program(object, name)?;
        program.detach(link).map_err(in_program(name))
    })
}

/// One of the programs.
pub(crate) fn program<'a>(
    object: &'a mut Ebpf,
    name: &'static str,
) -> Result<&'a mut SchedClassifier, AgentError> {
    let program = object.program_mut(name).ok_or(AgentError::Missing(name))?;
    program.try_into().map_err(in_program(name))
}

/// Names the program in an error.
pub(crate) fn in_program<E: Into<ProgramError>>(name: &'static str) -> impl Fn(E) -> AgentError {
    move |source| AgentError::Program {
        name,
        source: source.into(),
    }
}
