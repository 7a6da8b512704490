//! The virtual node: links with the program at their ends, and a stack between them.

use super::super::evidence::Answer;
use super::super::question::Question;
use super::super::wire;
use super::frame;
use super::message::Message;
use abi::{Address, Link, LocalEndpoint, Mac};
use anyhow::Context as _;
use manifest::{Addresses, Cluster, ContainerPort, ObjectName, Protocol};
use program::memory::Memory;
use program::{Action, Scratch};
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::net::IpAddr;

/// The link-layer address of the node's end of every link, and of whatever is not a pod.
pub(super) const GATEWAY: Mac = Mac([0xee; 6]);

/// Where a packet is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Place {
    /// In the pod behind this interface of the node.
    Pod(u32),
    /// On the node; pods on its network are there too, and all nodes of the cluster are one.
    Node,
    /// At the outside host with this number.
    Outside(u32),
}

/// One address.
#[derive(Debug)]
struct Site {
    place: Place,
    services: BTreeSet<(Protocol, u16)>,
}

/// Who has which address, and the maps that the program sees.
#[derive(Debug, Default)]
pub(super) struct Network {
    /// What the program knows and remembers.
    pub(super) memory: Memory,
    sites: HashMap<IpAddr, Site>,
    /// Who has which address on a link of its own.
    linked: BTreeMap<Address, ObjectName>,
}

impl Network {
    /// Plugs in the pods, nodes and outside hosts of `cluster` in place of those before. The connections of pods that
    /// are gone are forgotten.
    pub(super) fn plug(&mut self, cluster: &Cluster) {
        let before = std::mem::take(&mut self.linked);
        self.sites.clear();
        self.memory.links.clear();
        self.memory.locals.clear();
        for node in cluster.nodes.values() {
            self.settle(node.addresses, Place::Node, &[]);
        }
        for (ifindex, (name, pod)) in (1..).zip(&cluster.pods) {
            if pod.host_network {
                self.settle(pod.addresses, Place::Node, &pod.ports);
            } else {
                self.settle(pod.addresses, Place::Pod(ifindex), &pod.ports);
                self.link(pod.addresses, ifindex);
                let addresses = pod.addresses.iter().map(Address::from);
                self.linked
                    .extend(addresses.map(|address| (address, name.clone())));
            }
        }
        for (number, host) in (0..).zip(cluster.externals.values()) {
            self.settle(host.addresses, Place::Outside(number), &host.ports);
        }
        let has_left = |(address, name): (Address, ObjectName)| {
            (self.linked.get(&address) != Some(&name)).then_some(address)
        };
        let left = before.into_iter().filter_map(has_left).collect();
        self.memory.forget_connections_of(&left);
    }

    fn settle(&mut self, addresses: Addresses, place: Place, ports: &[ContainerPort]) {
        for address in addresses.iter() {
            let site = self.sites.entry(address).or_insert_with(|| Site {
                place,
                services: BTreeSet::new(),
            });
            let services = ports.iter().map(|port| (port.protocol, port.port));
            site.services.extend(services);
        }
    }

    fn link(&mut self, addresses: Addresses, ifindex: u32) {
        let link = Link {
            v4: addresses.v4.map_or(Address::NONE, Address::from),
            v6: addresses.v6.map_or(Address::NONE, Address::from),
            mac: mac(Place::Pod(ifindex)),
            ..Link::default()
        };
        self.memory.links.insert(ifindex, link);
        for address in addresses.iter() {
            let local = LocalEndpoint {
                ifindex,
                mac: link.mac,
                gateway_mac: GATEWAY,
            };
            self.memory.locals.insert(address.into(), local);
        }
    }

    /// Puts a question and carries the answer back. `number` is its source port, or the identifier of an echo.
    pub(super) fn ask(&self, question: &Question, number: u16) -> anyhow::Result<Option<Answer>> {
        let from = self.site(question.source)?.place;
        let to = self.site(question.destination)?.place;
        let request = Message::request(question, number);
        self.exchange(&request, from, to)
    }

    /// Whether the datapath has a say: the packet leaves its place, and one of the ends is a pod.
    pub(super) fn is_judged(&self, question: &Question) -> bool {
        let [from, to] = [question.source, question.destination]
            .map(|address| self.sites.get(&address).map(|site| site.place));
        let is_pod = |place| matches!(place, Some(Place::Pod(_)));
        from != to && (is_pod(from) || is_pod(to))
    }

    /// Where an address is; `None` if nobody has it.
    pub(super) fn place_at(&self, address: IpAddr) -> Option<Place> {
        self.sites.get(&address).map(|site| site.place)
    }

    fn site(&self, address: IpAddr) -> anyhow::Result<&Site> {
        let site = self.sites.get(&address);
        site.with_context(|| format!("{address} is nobody's address"))
    }

    /// One packet there, one back. `None` when one of them is lost.
    fn exchange(
        &self,
        request: &Message,
        from: Place,
        to: Place,
    ) -> anyhow::Result<Option<Answer>> {
        let sent = frame::write(request, mac(from).0, GATEWAY.0)?;
        let Some(arrived) = self.carry(sent.clone(), from, to) else {
            return Ok(None);
        };
        let Some(answer) = self.answer(&arrived)? else {
            return Ok(None);
        };
        let back = frame::write(&answer, mac(to).0, GATEWAY.0)?;
        let returned = self
            .carry(back, to, from)
            .and_then(|bytes| frame::read(&bytes));
        Ok(returned.and_then(|answer| answer.as_answer_to(request, &sent)))
    }

    /// What the host that this frame reached says to it.
    fn answer(&self, arrived: &[u8]) -> anyhow::Result<Option<Message>> {
        let Some(message) = frame::read(arrived) else {
            return Ok(None);
        };
        let services = &self.site(message.destination)?.services;
        let serves = |protocol, port| services.contains(&(protocol, port));
        Ok(message.answer(arrived, serves))
    }

    /// Carries a frame from one place to another, past the hooks on its way. `None` if it is dropped or goes astray.
    fn carry(&self, mut bytes: Vec<u8>, from: Place, to: Place) -> Option<Vec<u8>> {
        let arrived = match from {
            _ if from == to => to,
            Place::Pod(ifindex) => match self.leave(&mut bytes, ifindex) {
                Action::Redirect { ifindex } => Place::Pod(ifindex),
                Action::Pass => self.route(&mut bytes)?,
                Action::Drop(_) | Action::Encapsulate(_) => return None,
            },
            Place::Node | Place::Outside(_) => self.route(&mut bytes)?,
        };
        (arrived == to).then_some(bytes)
    }

    /// What the node's stack does: it finds the link by the destination address.
    fn route(&self, bytes: &mut [u8]) -> Option<Place> {
        let place = self.sites.get(&wire::destination(bytes)?)?.place;
        match place {
            Place::Pod(ifindex) if self.enter(bytes, ifindex) != Action::Pass => None,
            _ => Some(place),
        }
    }

    pub(super) fn leave(&self, mut bytes: &mut [u8], ifindex: u32) -> Action {
        program::from_endpoint(&self.memory, &mut bytes, &mut Scratch::default(), ifindex)
    }

    pub(super) fn enter(&self, bytes: &mut [u8], ifindex: u32) -> Action {
        program::to_endpoint(&self.memory, &bytes, &mut Scratch::default(), ifindex)
    }
}

/// The link-layer address at a place: of a pod's end of its link, or of the node's.
pub(super) fn mac(place: Place) -> Mac {
    match place {
        Place::Pod(ifindex) => {
            let [a, b, c, d] = ifindex.to_be_bytes();
            Mac([2, 0, a, b, c, d])
        }
        Place::Node | Place::Outside(_) => GATEWAY,
    }
}
