//! Hears every event, and holds it against the state of the generation that it names.

use crate::flow::{FLOWS, Fate, Flow, address};
use crate::state::State;
use abi::{Address, Disposition, DropReason, Event, Generation, Half};
use agent::Agent;
use oracle::{Judgement, Side};
use policy::{Planner, Provenance};
use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::fmt::Write as _;

/// Contradictions that are told in full.
const TOLD: usize = 5;

/// Knows what each generation says, and what events said.
pub(crate) struct Witness<'a> {
    states: &'a [State],
    judgements: Vec<BTreeMap<Flow, Judgement>>,
    flows: HashMap<(Address, Address, u16), Flow>,
    /// Which state each generation is.
    states_of: HashMap<Generation, usize>,
    events: Vec<Event>,
    heard: u64,
    /// What events of one kind say is held against the state once.
    known: HashSet<Statement>,
    denied: BTreeMap<Flow, u64>,
    generations: BTreeSet<Generation>,
    contradictions: usize,
    told: String,
}

/// All that an event says about its packet's judgement.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
struct Statement {
    generation: Generation,
    flow: Flow,
    disposition: u8,
    reason: u8,
    egress: Half,
    ingress: Half,
}

impl<'a> Witness<'a> {
    /// Asks the oracle about every state, and holds its answers against the fates that the flows are to have.
    pub(crate) fn new(states: &'a [State]) -> Self {
        let judgements: Vec<_> = states.iter().map(State::judgements).collect();
        for (flow, judgement) in judgements.iter().flatten() {
            match flow.fate {
                Fate::Allowed => assert!(judgement.is_allowed(), "{flow:?}"),
                Fate::Denied => assert!(!judgement.is_allowed(), "{flow:?}"),
                Fate::Changes => {}
            }
        }
        let flows = FLOWS.into_iter().flatten().map(|flow| {
            let [from, to] = [flow.from, flow.to].map(|name| address(name).into());
            ((from, to, flow.port), *flow)
        });
        Self {
            states,
            judgements,
            flows: flows.collect(),
            states_of: HashMap::new(),
            events: Vec::new(),
            heard: 0,
            known: HashSet::new(),
            denied: BTreeMap::new(),
            generations: BTreeSet::new(),
            contradictions: 0,
            told: String::new(),
        }
    }

    /// This generation is this state.
    pub(crate) fn in_force(&mut self, generation: Generation, state: usize) {
        self.states_of.insert(generation, state);
    }

    /// Takes the events that wait.
    pub(crate) fn hear(&mut self, agent: &mut Agent) {
        let mut events = std::mem::take(&mut self.events);
        agent.events(|event| events.push(*event));
        for event in &events {
            self.check(event, agent.planner());
        }
        events.clear();
        self.events = events;
    }

    /// Holds one event against the state of its generation.
    pub(crate) fn check(&mut self, event: &Event, planner: &Planner) {
        if event.protocol != abi::protocol::UDP {
            return;
        }
        self.heard += 1;
        let port = event.destination_port.number();
        let Some(&flow) = self.flows.get(&(event.source, event.destination, port)) else {
            return self.contradict(event, "no flow of this test");
        };
        if event.disposition != Disposition::Allowed as u8 {
            *self.denied.entry(flow).or_default() += 1;
        }
        let statement = Statement {
            generation: event.generation,
            flow,
            disposition: event.disposition,
            reason: event.reason,
            egress: event.egress,
            ingress: event.ingress,
        };
        if self.known.insert(statement)
            && let Err(contradiction) = self.hold(&statement, planner)
        {
            self.contradict(event, &contradiction);
        }
    }

    /// Holds a statement against what the oracle says of its generation.
    fn hold(&mut self, said: &Statement, planner: &Planner) -> Result<(), String> {
        let state = self
            .states_of
            .get(&said.generation)
            .ok_or("a generation that never was in force")?;
        self.generations.insert(said.generation);
        let wanted = &self.judgements[*state][&said.flow];
        let is_denied = |side: &Side| matches!(side, Side::Denied(_));
        let (disposition, reason) = match wanted {
            judgement if is_denied(&judgement.egress) => {
                (Disposition::Denied, Some(DropReason::PolicyDeniedEgress))
            }
            judgement if is_denied(&judgement.ingress) => {
                (Disposition::Denied, Some(DropReason::PolicyDeniedIngress))
            }
            _ => (Disposition::Allowed, None),
        };
        let reason = reason.map_or(0, |reason| reason as u8);
        if (said.disposition, said.reason) != (disposition as u8, reason) {
            return Err(self.told_by(*state, "another verdict", wanted));
        }
        let sides = [
            (said.egress, &wanted.egress),
            (said.ingress, &wanted.ingress),
        ];
        for (half, side) in sides {
            let names = names(planner.provenance(half));
            if names.is_some_and(|names| names != policies(side)) {
                return Err(self.told_by(*state, "other policies", wanted));
            }
        }
        Ok(())
    }

    fn told_by(&self, state: usize, what: &str, wanted: &Judgement) -> String {
        let manifest = self.states[state].manifest();
        format!("{what} than {wanted:?} of this state:\n{manifest}")
    }

    fn contradict(&mut self, event: &Event, contradiction: &str) {
        self.contradictions += 1;
        if self.contradictions <= TOLD {
            let _ = writeln!(self.told, "{event:?}: {contradiction}");
        }
    }

    /// What events said that no state of the cluster says; empty if nothing.
    pub(crate) fn contradictions(&self) -> String {
        if self.contradictions == 0 {
            return String::new();
        }
        format!("{} contradictions\n{}", self.contradictions, self.told)
    }

    /// Datagrams of a flow that were not let through.
    pub(crate) fn denied(&self, flow: Flow) -> u64 {
        self.denied.get(&flow).copied().unwrap_or(0)
    }

    /// Events about flows.
    pub(crate) fn events(&self) -> u64 {
        self.heard
    }

    /// How many generations judged a packet.
    pub(crate) fn generations(&self) -> usize {
        self.generations.len()
    }
}

/// The policies that an event names; `None` where it does not say, because the other side had denied already.
fn names(provenance: Provenance) -> Option<BTreeSet<String>> {
    match provenance {
        Provenance::NotAsked => None,
        Provenance::NoPolicy => Some(BTreeSet::new()),
        Provenance::Rules { rules, .. } => {
            let policies = rules.iter().map(|rule| rule.policy.to_string());
            Some(policies.collect())
        }
        Provenance::Isolation { policies, .. } => {
            Some(policies.iter().map(ToString::to_string).collect())
        }
        Provenance::Forgotten => Some(BTreeSet::from(["forgotten".to_owned()])),
    }
}

fn policies(side: &Side) -> BTreeSet<String> {
    match side {
        Side::NotIsolated => BTreeSet::new(),
        Side::Allowed(policies) | Side::Denied(policies) | Side::Audited(policies) => {
            policies.iter().map(ToString::to_string).collect()
        }
    }
}
