//! One node's datapath.

use crate::attachment::{self, Attachment, FROM_ENDPOINT, Hooks, Role, TO_ENDPOINT};
use crate::maps::Maps;
use crate::pin::Pins;
use crate::sockets::{self, Links};
use crate::{AgentError, BPF_OBJECT, Config};
use abi::{Address, DropReason, Event, EventLimit, Generation, Hook, Link, LocalEndpoint, Mac};
use aya::programs::{ProgramError, ProgramInfo};
use aya::{Ebpf, EbpfLoader};
use policy::{Planner, Rows};
use std::collections::{BTreeMap, BTreeSet};
use std::os::fd::BorrowedFd;
use std::sync::{Mutex, OnceLock, PoisonError};

/// What the kernel and the object say of one program.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ProgramStatistics {
    /// The program.
    pub name: &'static str,
    /// Instructions that the verifier looked at, all paths together; it gives up at one million.
    pub verified_instructions: u32,
    /// Size of the program as the kernel keeps it, in bytes (8 an instruction).
    pub translated_bytes: u32,
}

impl ProgramStatistics {
    fn of(name: &'static str, info: Result<ProgramInfo, ProgramError>) -> Result<Self, AgentError> {
        let info = info.map_err(attachment::in_program(name))?;
        Ok(Self {
            name,
            verified_instructions: info.verified_instruction_count().unwrap_or(0),
            translated_bytes: info.size_translated().unwrap_or(0),
        })
    }
}

/// The programs and maps of one node. Dropping it detaches everything, unless it was made by [`Agent::resume`].
pub struct Agent {
    pub(crate) maps: Maps,
    pub(crate) object: Ebpf,
    pub(crate) attached: BTreeMap<u32, Attachment>,
    /// Knows what the policy maps hold.
    pub(crate) planner: Planner,
    pub(crate) config: Config,
    pub(crate) refused: BTreeMap<&'static str, u64>,
    /// Where the programs at sockets hang, if they do.
    pub(crate) sockets: Links,
    /// Where maps, programs and links are pinned; without, they go with the agent.
    pub(crate) pins: Option<Pins>,
}

/// The loader, once a process: making one reads the kernel's whole BTF, which these programs do not need.
fn loader() -> &'static Mutex<EbpfLoader<'static>> {
    static LOADER: OnceLock<Mutex<EbpfLoader<'static>>> = OnceLock::new();
    LOADER.get_or_init(|| {
        let mut loader = EbpfLoader::new();
        loader.btf(None);
        Mutex::new(loader)
    })
}

impl Agent {
    /// Creates the maps and loads the programs of endpoints' links. Those of the uplink and the tunnel device are loaded
    /// when they are first attached. Needs `CAP_BPF` and `CAP_NET_ADMIN`.
    ///
    /// # Errors
    /// When the kernel refuses a map (size, permission) or a program (the verifier's words are in the error).
    pub fn load(config: &Config) -> Result<Self, AgentError> {
        let mut loader = loader().lock().unwrap_or_else(PoisonError::into_inner);
        for (name, entries) in config.sizes() {
            loader.map_max_entries(name, entries);
        }
        let object = loader.load(BPF_OBJECT)?;
        drop(loader);
        Self::of_object(object, config)
    }

    /// Loads the programs of an object whose maps are there.
    pub(crate) fn of_object(mut object: Ebpf, config: &Config) -> Result<Self, AgentError> {
        for name in [FROM_ENDPOINT, TO_ENDPOINT] {
            attachment::loaded(&mut object, name)?;
        }
        let mut maps = Maps::take_from(&mut object, config)?;
        maps.set_timeouts(&config.timeouts)?;
        maps.set_event_limit(&config.drop_events.map(EventLimit::from).unwrap_or_default())?;
        Ok(Self {
            maps,
            object,
            attached: BTreeMap::new(),
            planner: Planner::new(),
            config: *config,
            refused: BTreeMap::new(),
            sockets: Links::new(),
            pins: None,
        })
    }

    /// Puts an endpoint's link under the programs. Call it on a thread inside the node's network namespace, with the
    /// host side's name and index; `gateway_mac` is the host side's own link-layer address.
    ///
    /// The endpoint can send and receive as soon as a generation that knows its addresses is in force. One that is
    /// attached already, as after [`Agent::resume`], stays as it is.
    ///
    /// # Errors
    /// When there is no such interface here or a table is full; then nothing is attached.
    pub fn attach(
        &mut self,
        interface: &str,
        ifindex: u32,
        link: Link,
        gateway_mac: Mac,
    ) -> Result<(), AgentError> {
        if self.attached.contains_key(&ifindex) {
            if self.maps.links()?.get(&ifindex) == Some(&link) {
                return Ok(());
            }
            self.detach([ifindex])?;
        }
        let local = LocalEndpoint {
            ifindex,
            mac: link.mac,
            gateway_mac,
        };
        // The rows first: a program that does not know its link drops whatever comes.
        let attachment = |hooks| Attachment::of_endpoint(&link, hooks);
        self.attached.insert(ifindex, attachment(Hooks::Filters));
        let hooks = self
            .write_endpoint_of_node(ifindex, &link, &local)
            .and_then(|()| self.attach_programs(interface, ifindex, Role::Endpoint));
        match hooks {
            Ok(hooks) => {
                self.attached.insert(ifindex, attachment(hooks));
                Ok(())
            }
            Err(error) => {
                self.detach([ifindex])?;
                Err(error)
            }
        }
    }

    /// Puts the programs of its role on an interface, pinned if this agent's links are.
    pub(crate) fn attach_programs(
        &mut self,
        interface: &str,
        ifindex: u32,
        role: Role,
    ) -> Result<Hooks, AgentError> {
        let at = self.config.attach_point;
        let hooks = attachment::attach(&mut self.object, at, interface, role)?;
        match &self.pins {
            Some(pins) => attachment::pin(&mut self.object, hooks, |hook| pins.link(ifindex, hook)),
            None => Ok(hooks),
        }
    }

    fn write_endpoint_of_node(
        &mut self,
        ifindex: u32,
        link: &Link,
        local: &LocalEndpoint,
    ) -> Result<(), AgentError> {
        let written = self.maps.put_link(ifindex, link);
        self.counting_refusals(written)?;
        attachment::addresses(link).try_for_each(|address| {
            let written = self.maps.put_local(&address, local);
            self.counting_refusals(written)
        })
    }

    /// Takes interfaces away from the programs. Whatever the links of endpoints still carry is dropped. Their connections
    /// are forgotten: whoever gets their addresses next starts without any. Unknown indices are ignored. What is pinned
    /// the kernel takes off a moment after this returns.
    ///
    /// # Errors
    /// When a map cannot be written or a program cannot be detached.
    pub fn detach(&mut self, ifindexes: impl IntoIterator<Item = u32>) -> Result<(), AgentError> {
        let mut left = BTreeSet::new();
        for ifindex in ifindexes {
            let Some(attachment) = self.attached.remove(&ifindex) else {
                continue;
            };
            if let Some(namespace) = attachment.namespace {
                self.maps.delete_namespace(namespace)?;
            }
            for address in &attachment.addresses {
                self.maps.delete_local_of(address, ifindex)?;
            }
            self.maps.delete_link(ifindex)?;
            left.extend(attachment.addresses);
            attachment::detach(&mut self.object, attachment.hooks)?;
        }
        self.maps.forget_connections_of(&left)
    }

    /// Detaches every interface and empties every table: back to what [`Agent::load`] returned.
    ///
    /// # Errors
    /// When a map cannot be written or a program cannot be detached.
    pub fn reset(&mut self) -> Result<(), AgentError> {
        let attached: Vec<u32> = self.attached.keys().copied().collect();
        self.detach(attached)?;
        self.detach_sockets()?;
        self.planner = Planner::new();
        self.refused.clear();
        self.maps.clear()
    }

    /// The generation in force.
    ///
    /// # Errors
    /// When the map cannot be read.
    pub fn generation(&self) -> Result<Generation, AgentError> {
        self.maps.generation()
    }

    /// What the policy maps hold now.
    ///
    /// # Errors
    /// When a map cannot be read.
    pub fn rows(&self) -> Result<Rows, AgentError> {
        self.maps.rows()
    }

    /// Moves the conntrack clock ahead of the kernel's, in nanoseconds.
    ///
    /// # Errors
    /// When the map cannot be written.
    pub fn set_clock_offset(&mut self, nanoseconds: u64) -> Result<(), AgentError> {
        self.maps.set_clock(nanoseconds)
    }

    /// Empties the connection table: the next packet of every connection is judged as new.
    ///
    /// # Errors
    /// When the map cannot be read or written.
    pub fn forget_connections(&mut self) -> Result<(), AgentError> {
        self.maps.forget_connections()
    }

    /// Deletes the connections that have one of these addresses at an end: whoever gets them next, here or on another
    /// node, starts without any.
    ///
    /// # Errors
    /// When the map cannot be read or written.
    pub fn forget_connections_of(
        &mut self,
        addresses: &BTreeSet<Address>,
    ) -> Result<(), AgentError> {
        self.maps.forget_connections_of(addresses)
    }

    /// Deletes the connections and fragments that are dead by the conntrack clock, and returns how many. A node does
    /// this from time to time: nothing else makes room in the connection table.
    ///
    /// A dead entry that a packet brings back to life between the look at it and its deletion, a matter of
    /// microseconds, is lost: its next packet is judged as new.
    ///
    /// # Errors
    /// When a map cannot be read or written.
    pub fn sweep(&mut self) -> Result<usize, AgentError> {
        let now = monotonic() + self.maps.clock()?;
        self.maps.sweep(now)
    }

    /// Drops by reason, zeros left out.
    ///
    /// # Errors
    /// When the counters cannot be read.
    pub fn drops(&self) -> Result<BTreeMap<DropReason, u64>, AgentError> {
        self.maps.drops()
    }

    /// Events that found no room in the ring buffer.
    ///
    /// # Errors
    /// When the counter cannot be read.
    pub fn lost_events(&self) -> Result<u64, AgentError> {
        self.maps.lost_events()
    }

    /// Drops that were over [`Config::drop_events`]: counted, not reported.
    ///
    /// # Errors
    /// When the counter cannot be read.
    pub fn suppressed_events(&self) -> Result<u64, AgentError> {
        self.maps.suppressed_events()
    }

    /// Hands every event that waits to `each`, oldest first, and returns; it never waits. Of those that come meanwhile
    /// it takes no more than [`Config::events_that_fit`] in all.
    pub fn events(&mut self, each: impl FnMut(&Event)) {
        self.maps.events(each);
    }

    /// A descriptor that becomes readable when an event waits.
    #[must_use]
    pub fn events_descriptor(&self) -> BorrowedFd<'_> {
        self.maps.events_descriptor()
    }

    /// What the kernel says of all programs; those that are not loaded yet are loaded.
    ///
    /// # Errors
    /// When the kernel does not answer, or refuses a program.
    pub fn statistics(&mut self) -> Result<Vec<ProgramStatistics>, AgentError> {
        let mut statistics = Vec::new();
        for hook in Hook::ALL {
            let name = hook.name();
            let program = attachment::loaded(&mut self.object, name)?;
            statistics.push(ProgramStatistics::of(name, program.info())?);
        }
        for name in sockets::PROGRAMS {
            let program = sockets::loaded(&mut self.object, name)?;
            statistics.push(ProgramStatistics::of(name, program.info())?);
        }
        Ok(statistics)
    }
}

/// The kernel's monotonic clock, nanoseconds: what the programs read too.
fn monotonic() -> u64 {
    let now = nix::time::clock_gettime(nix::time::ClockId::CLOCK_MONOTONIC_COARSE);
    now.map_or(0, |now| {
        u64::try_from(now.tv_sec()).unwrap_or(0) * 1_000_000_000
            + u64::try_from(now.tv_nsec()).unwrap_or(0)
    })
}
