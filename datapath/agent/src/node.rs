//! One node's datapath.

use crate::attachment::{self, AttachPoint, Attachment, FROM_ENDPOINT, TO_ENDPOINT};
use crate::maps::Maps;
use crate::{AgentError, BPF_OBJECT};
use abi::{Address, DropReason, Event, Generation, Link, LocalEndpoint, Mac, Timeouts};
use aya::{Ebpf, EbpfLoader};
use policy::{Plan, Rows};
use std::collections::BTreeMap;
use std::os::fd::BorrowedFd;
use std::sync::{Mutex, OnceLock, PoisonError};

/// Sizes of the tables, in entries unless said otherwise. A full table refuses new entries; nothing is evicted.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Config {
    /// Tracked connections.
    pub connections: u32,
    /// Endpoint addresses of the whole cluster.
    pub endpoints: u32,
    /// Prefixes that policies name.
    pub cidrs: u32,
    /// Peer classes, over all tables.
    pub classes: u32,
    /// Verdicts, over all tables.
    pub verdicts: u32,
    /// Ring buffer of events, in bytes: a power of two and a multiple of the page size.
    pub events: u32,
    /// How long connections and fragments are remembered.
    pub timeouts: Timeouts,
    /// Where the programs hang on an interface.
    pub attach_point: AttachPoint,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            connections: 1 << 16,
            endpoints: 1 << 16,
            cidrs: 1 << 16,
            classes: 1 << 16,
            verdicts: 1 << 20,
            events: 1 << 19,
            timeouts: Timeouts::default(),
            attach_point: AttachPoint::default(),
        }
    }
}

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

/// The programs and maps of one node. Dropping it detaches everything; nothing is pinned.
pub struct Agent {
    maps: Maps,
    object: Ebpf,
    attach_point: AttachPoint,
    attached: BTreeMap<u32, Attachment>,
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
    /// Creates the maps and loads both programs. Needs `CAP_BPF` and `CAP_NET_ADMIN`.
    ///
    /// # Errors
    /// When the kernel refuses a map (size, permission) or a program (the verifier's words are in the error).
    pub fn load(config: &Config) -> Result<Self, AgentError> {
        let mut object = load_object(config)?;
        for name in [FROM_ENDPOINT, TO_ENDPOINT] {
            attachment::program(&mut object, name)?
                .load()
                .map_err(attachment::in_program(name))?;
        }
        let mut maps = Maps::take_from(&mut object)?;
        maps.set_timeouts(&config.timeouts)?;
        Ok(Self {
            maps,
            object,
            attach_point: config.attach_point,
            attached: BTreeMap::new(),
        })
    }

    /// Puts an endpoint's link under the programs. Call it on a thread inside the node's network namespace, with the
    /// host side's name and index; `gateway_mac` is the host side's own link-layer address.
    ///
    /// The endpoint can send and receive as soon as a generation that knows its addresses is in force.
    ///
    /// # Errors
    /// When there is no such interface here or a table is full.
    pub fn attach(
        &mut self,
        interface: &str,
        ifindex: u32,
        link: Link,
        gateway_mac: Mac,
    ) -> Result<(), AgentError> {
        let hooks = attachment::attach(&mut self.object, self.attach_point, interface)?;
        let addresses = [link.v4, link.v6];
        let addresses = addresses
            .into_iter()
            .filter(|address| *address != Address::NONE);
        let attachment = Attachment {
            addresses: addresses.collect(),
            hooks,
        };
        let local = LocalEndpoint {
            ifindex,
            mac: link.mac,
            gateway_mac,
        };
        self.maps.put_link(ifindex, &link)?;
        for address in &attachment.addresses {
            self.maps.put_local(address, &local)?;
        }
        self.attached.insert(ifindex, attachment);
        Ok(())
    }

    /// Takes an endpoint's link away; whatever it still carries is dropped. Unknown indices are ignored.
    ///
    /// # Errors
    /// When a map cannot be written or a program cannot be detached.
    pub fn detach(&mut self, ifindex: u32) -> Result<(), AgentError> {
        let Some(attachment) = self.attached.remove(&ifindex) else {
            return Ok(());
        };
        for address in &attachment.addresses {
            self.maps.delete_local(address)?;
        }
        self.maps.delete_link(ifindex)?;
        attachment::detach(&mut self.object, attachment.hooks)
    }

    /// Detaches every endpoint and empties every table: back to what [`Agent::load`] returned.
    ///
    /// # Errors
    /// When a map cannot be written or a program cannot be detached.
    pub fn reset(&mut self) -> Result<(), AgentError> {
        let attached: Vec<u32> = self.attached.keys().copied().collect();
        for ifindex in attached {
            self.detach(ifindex)?;
        }
        self.maps.clear()
    }

    /// Writes a plan's rows and puts its generation in force; returns it.
    ///
    /// # Errors
    /// When a table is full. The generation in force stays, whole.
    pub fn apply(&mut self, plan: &Plan) -> Result<Generation, AgentError> {
        for write in &plan.writes {
            self.maps.write(write)?;
        }
        self.maps.activate(plan.generation)?;
        Ok(plan.generation)
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

    /// Connections in the table, dead ones included.
    #[must_use]
    pub fn connection_count(&self) -> usize {
        self.maps.connection_count()
    }

    /// Empties the connection table: the next packet of every connection is judged as new.
    ///
    /// # Errors
    /// When the map cannot be read or written.
    pub fn forget_connections(&mut self) -> Result<(), AgentError> {
        self.maps.forget_connections()
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

    /// Hands every waiting event to `each`, oldest first, and returns; it never waits.
    pub fn events(&mut self, each: impl FnMut(&Event)) {
        self.maps.events(each);
    }

    /// A descriptor that becomes readable when an event waits.
    #[must_use]
    pub fn events_descriptor(&self) -> BorrowedFd<'_> {
        self.maps.events_descriptor()
    }

    /// What the kernel says of the programs.
    ///
    /// # Errors
    /// When the kernel does not answer.
    pub fn statistics(&mut self) -> Result<Vec<ProgramStatistics>, AgentError> {
        [FROM_ENDPOINT, TO_ENDPOINT]
            .into_iter()
            .map(|name| {
                let info = attachment::program(&mut self.object, name)?
                    .info()
                    .map_err(attachment::in_program(name))?;
                Ok(ProgramStatistics {
                    name,
                    verified_instructions: info.verified_instruction_count().unwrap_or(0),
                    translated_bytes: info.size_translated().unwrap_or(0),
                })
            })
            .collect()
    }
}

fn load_object(config: &Config) -> Result<Ebpf, AgentError> {
    let mut loader = loader().lock().unwrap_or_else(PoisonError::into_inner);
    for (name, entries) in [
        ("CONNECTIONS", config.connections),
        ("ENDPOINTS", config.endpoints),
        ("CIDRS", config.cidrs),
        ("CLASSES", config.classes),
        ("VERDICTS", config.verdicts),
        ("EVENTS", config.events),
    ] {
        loader.map_max_entries(name, entries);
    }
    Ok(loader.load(BPF_OBJECT)?)
}
