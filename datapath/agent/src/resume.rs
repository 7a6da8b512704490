//! Taking over from an agent that has ended, however it ended.

use crate::attachment::{self, Attachment, Hooks, Role};
use crate::maps::{self, PINNED};
use crate::pin::{self, LinkPin, Pins};
use crate::{Agent, AgentError, AttachPoint, BPF_OBJECT, Config};
use abi::{Hook, Link};
use aya::EbpfLoader;
use aya::maps::MapData;
use policy::Planner;
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

impl Agent {
    /// Loads the programs over the maps that are pinned in `dir`, a folder of a BPF file system, or pins new ones there.
    ///
    /// Programs, maps and links stay when this process ends: packets are judged on, by the generation in force. The
    /// next agent that is resumed here replaces the programs on every interface, one atomic step each, takes back what
    /// a broken-off change has left, and forgets the endpoints whose interfaces have gone. Connections go on. The next
    /// [`Agent::enforce`] brings the tables to what is desired then.
    ///
    /// # Errors
    /// When `dir` is in no BPF file system or another agent holds it, when its maps have another layout or other sizes
    /// (then nothing is touched), and as [`Agent::load`].
    pub fn resume(dir: &Path, config: &Config) -> Result<Self, AgentError> {
        if config.attach_point != AttachPoint::Tcx {
            return Err(AgentError::PinsNeedTcx);
        }
        let pins = Pins::open(dir)?;
        check_sizes(&pins, config)?;
        let mut loader = EbpfLoader::new();
        loader.btf(None);
        for name in PINNED {
            loader.map_pin_path(name, pins.map(name));
        }
        let mut agent = Self::loaded_with(&mut loader, config)?;
        for hook in Hook::ALL {
            pin::remove(&pins.program(hook.name()))?;
        }
        agent.take_over_links(&pins)?;
        agent.pins = Some(pins);
        let roles: BTreeSet<Role> = agent.attached.values().map(|its| its.role).collect();
        roles
            .into_iter()
            .chain([Role::Endpoint])
            .try_for_each(|role| agent.pin_programs(role))?;
        agent.take_over_tables()?;
        Ok(agent)
    }

    /// The endpoints that are attached, by interface index: after [`Agent::resume`], those that were and still are.
    ///
    /// # Errors
    /// When the map cannot be read.
    pub fn attached(&self) -> Result<BTreeMap<u32, Link>, AgentError> {
        self.maps.links()
    }

    /// Gives the programs of a role files, if this agent has a folder for them.
    pub(crate) fn pin_programs(&mut self, role: Role) -> Result<(), AgentError> {
        let Some(pins) = &self.pins else {
            return Ok(());
        };
        for (name, _) in role.programs() {
            let path = pins.program(name);
            pin::remove(&path)?;
            let program = attachment::loaded(&mut self.object, name)?;
            program.pin(&path).map_err(|source| AgentError::Pinning {
                path: path.clone(),
                source,
            })?;
        }
        Ok(())
    }

    /// Puts this object's programs into the links of interfaces that are still there, and forgets the others.
    fn take_over_links(&mut self, pins: &Pins) -> Result<(), AgentError> {
        let mut hooks: BTreeMap<u32, Vec<LinkPin>> = BTreeMap::new();
        for link in pins.links()? {
            hooks.entry(link.ifindex).or_default().push(link);
        }
        let rows = self.maps.links()?;
        for (ifindex, links) in hooks {
            match self.take_over(&links, rows.get(&ifindex))? {
                Some(attachment) => drop(self.attached.insert(ifindex, attachment)),
                None => links.iter().try_for_each(|link| pin::remove(&link.path))?,
            }
        }
        let is_here = |ifindex| {
            let attachment = self.attached.get(ifindex);
            attachment.is_some_and(|its| its.role == Role::Endpoint)
        };
        let gone = rows.iter().filter(|(ifindex, _)| !is_here(ifindex));
        let gone: Vec<(u32, Link)> = gone.map(|(ifindex, link)| (*ifindex, *link)).collect();
        self.forget(&gone)
    }

    /// Takes an interface over, with the endpoint behind it if there is one. `None` when the interface is gone or a part
    /// of what belongs to it is missing.
    fn take_over(
        &mut self,
        links: &[LinkPin],
        endpoint: Option<&Link>,
    ) -> Result<Option<Attachment>, AgentError> {
        let hooks = Hooks::Pinned(links.iter().map(|link| link.path.clone()).collect());
        let attachment = match (Role::with(links), endpoint) {
            (Some(Role::Endpoint), Some(link)) => Attachment::of_endpoint(link, hooks),
            (Some(Role::Endpoint), None) | (None, _) => return Ok(None),
            (Some(role), _) => Attachment::of_node(role, hooks),
        };
        for (name, _) in attachment.role.programs() {
            for link in links.iter().filter(|link| link.hook == *name) {
                if !attachment::take_over(&mut self.object, name, link)? {
                    return Ok(None);
                }
            }
        }
        Ok(Some(attachment))
    }

    fn forget(&mut self, gone: &[(u32, Link)]) -> Result<(), AgentError> {
        let mut left = BTreeSet::new();
        for (ifindex, link) in gone {
            for address in attachment::addresses(link) {
                self.maps.delete_local_of(&address, *ifindex)?;
                left.insert(address);
            }
            self.maps.delete_link(*ifindex)?;
        }
        self.maps.forget_connections_of(&left)
    }

    fn take_over_tables(&mut self) -> Result<(), AgentError> {
        let generation = self.maps.generation()?;
        let (planner, repairs) = Planner::resume(&self.maps.rows()?, generation);
        repairs
            .iter()
            .try_for_each(|write| self.maps.write(write))?;
        self.planner = planner;
        Ok(())
    }

    fn loaded_with(loader: &mut EbpfLoader<'_>, config: &Config) -> Result<Self, AgentError> {
        for (name, entries) in config.sizes() {
            loader.map_max_entries(name, entries);
        }
        Self::of_object(loader.load(BPF_OBJECT)?, config)
    }
}

/// The pinned maps have the sizes that the configuration asks for.
fn check_sizes(pins: &Pins, config: &Config) -> Result<(), AgentError> {
    for (table, configured) in config.sizes() {
        let path = pins.map(table);
        if !path.exists() {
            continue;
        }
        let info = MapData::from_pin(&path).and_then(|map| map.info());
        let pinned = info.map_err(maps::at(table))?.max_entries();
        if pinned != configured {
            return Err(AgentError::Size {
                table,
                pinned,
                configured,
            });
        }
    }
    Ok(())
}
