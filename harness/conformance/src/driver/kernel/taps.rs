//! The taps of all ends: where frames are put on links and seen on them.

use super::super::labelling::{Seen, Way};
use super::super::wire;
use super::barrier;
use super::topology::{Location, Topology};
use flow::Clock;
use lab::{Lab, NodeLink, NodeTap, Tap};
use std::collections::BTreeMap;
use std::io;
use std::time::{Duration, SystemTime};

/// Taps, opened when the first frame is sent or captured.
#[derive(Default)]
pub(super) struct Taps {
    endpoints: BTreeMap<String, Tap>,
    nodes: BTreeMap<String, NodeTap>,
    /// Where frames pass between nodes; tapped only while what is seen is kept.
    uplinks: BTreeMap<String, Tap>,
    /// Everything that was seen, while that is asked for.
    kept: Option<Vec<Kept>>,
}

/// A frame at an end's interface.
struct Kept {
    at: String,
    seen: lab::Seen,
    /// Whether it was put there by the taps.
    is_sent: bool,
    /// Whether it was seen between nodes.
    is_between_nodes: bool,
}

impl Taps {
    /// Taps what is not tapped yet.
    pub(super) fn open(&mut self, lab: &Lab) -> anyhow::Result<()> {
        for endpoint in lab.endpoints() {
            if endpoint.name() != barrier::NAME && !self.endpoints.contains_key(endpoint.name()) {
                self.endpoints
                    .insert(endpoint.name().to_owned(), endpoint.tap()?);
            }
        }
        for (name, node) in lab.nodes() {
            if !self.nodes.contains_key(name) {
                self.nodes.insert(name.to_owned(), node.tap()?);
            }
            let is_new = node.uplink().is_some() && !self.uplinks.contains_key(name);
            if self.kept.is_some() && is_new {
                self.uplinks.insert(name.to_owned(), node.tap_uplink()?);
            }
        }
        Ok(())
    }

    /// Closes the taps of these endpoints.
    pub(super) fn close_at<'a>(&mut self, endpoints: impl Iterator<Item = &'a str>) {
        let taps: Vec<Tap> = endpoints
            .filter_map(|name| self.endpoints.remove(name))
            .collect();
        lab::close_all(taps, []);
    }

    /// Closes the taps of nodes that do not stay.
    pub(super) fn leave_nodes(&mut self, stays: impl Fn(&str) -> bool) {
        let uplinks = self.uplinks.extract_if(.., |name, _| !stays(name));
        let uplinks: Vec<Tap> = uplinks.map(|(_, tap)| tap).collect();
        let nodes = self.nodes.extract_if(.., |name, _| !stays(name));
        let nodes: Vec<NodeTap> = nodes.map(|(_, tap)| tap).collect();
        lab::close_all(uplinks, nodes);
    }

    /// Closes all taps.
    pub(super) fn close(self) {
        let ends = self.endpoints.into_values();
        lab::close_all(
            ends.chain(self.uplinks.into_values()),
            self.nodes.into_values(),
        );
    }

    /// Sends a frame as an endpoint would.
    pub(super) fn send(&mut self, from: &str, frame: &[u8]) -> io::Result<()> {
        self.keep_sent(from, frame);
        let tap = self.endpoints.get(from);
        tap.ok_or(io::ErrorKind::NotFound)?.send(frame)
    }

    /// Sends a frame as a node would; `from` is the end that it is.
    pub(super) fn send_from_node(
        &mut self,
        node: &str,
        from: &str,
        link: NodeLink,
        frame: &[u8],
    ) -> io::Result<()> {
        self.keep_sent(from, frame);
        let tap = self.nodes.get(node);
        tap.ok_or(io::ErrorKind::NotFound)?.send(link, frame)
    }

    /// Takes what waits at every tap; `each` is given what came in, and where.
    pub(super) fn drain(&mut self, mut each: impl FnMut(&Location, Vec<u8>)) -> anyhow::Result<()> {
        for (name, tap) in &self.endpoints {
            let at = Location::Endpoint(name.clone());
            while let Some(seen) = tap.see()? {
                if let Some(kept) = &mut self.kept {
                    kept.push(Kept {
                        at: name.clone(),
                        seen: seen.clone(),
                        is_sent: false,
                        is_between_nodes: false,
                    });
                }
                if seen.is_inbound {
                    each(&at, seen.frame);
                }
            }
        }
        for (name, tap) in &self.uplinks {
            while let Some(seen) = tap.see()? {
                if let Some(kept) = &mut self.kept {
                    kept.push(Kept {
                        at: format!("node/{name}"),
                        seen,
                        is_sent: false,
                        is_between_nodes: true,
                    });
                }
            }
        }
        for (name, tap) in &self.nodes {
            let at = Location::Node(name.clone());
            while let Some(frame) = tap.receive()? {
                each(&at, frame);
            }
        }
        Ok(())
    }

    /// From now on keeps what is seen.
    pub(super) fn keep(&mut self) {
        self.kept.get_or_insert_default();
    }

    /// Whether what is seen is kept.
    pub(super) const fn are_kept(&self) -> bool {
        self.kept.is_some()
    }

    /// What was kept since the last time, told by a clock that is ahead of the machine's by `ahead`.
    pub(super) fn kept(
        &mut self,
        ahead: Duration,
        topology: &Topology,
    ) -> anyhow::Result<Vec<Seen>> {
        self.drain(|_, _| ())?;
        let kept = self.kept.as_mut().map(std::mem::take).unwrap_or_default();
        let read = |kept: Kept| {
            let seen = kept.seen;
            let since_epoch = Clock::default().ahead_by(seen.time + ahead);
            Seen {
                at: kept.at,
                time: since_epoch.at(0),
                is_inbound: seen.is_inbound,
                is_alone: kept.is_sent,
                on: if kept.is_between_nodes {
                    Way::BetweenNodes
                } else {
                    way(&seen.frame, topology)
                },
                frame: seen.frame,
            }
        };
        Ok(kept.into_iter().map(read).collect())
    }

    /// A tap does not see what it sends itself. Call it before, so that nobody sees the frame earlier.
    fn keep_sent(&mut self, from: &str, frame: &[u8]) {
        let Some(kept) = &mut self.kept else {
            return;
        };
        let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
        let seen = lab::Seen {
            frame: frame.to_vec(),
            is_inbound: false,
            time: now.unwrap_or_default(),
        };
        kept.push(Kept {
            at: from.to_owned(),
            seen,
            is_sent: true,
            is_between_nodes: false,
        });
    }
}

/// Whether a frame of an end crosses a link that the datapath guards. What is no IP packet does: only pods' links carry it.
fn way(frame: &[u8], topology: &Topology) -> Way {
    let is_guarded =
        wire::tuple(frame).is_none_or(|tuple| topology.guards(tuple.source, tuple.destination));
    if is_guarded { Way::Guarded } else { Way::Open }
}
