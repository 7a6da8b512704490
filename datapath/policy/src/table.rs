//! One direction of one policy set becomes a verdict table.

use crate::decision::{Court, Decision};
use crate::population::Population;
use crate::ports::{NO_NAMED_PORTS, NamedPort, Segment, segments};
use crate::rule::{Peer, Policy, Rule};
use crate::{Direction, Entry, RuleReference, Table};
use abi::{Identity, RuleSet, Verdict};
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::iter;
use std::rc::Rc;

/// The class of every identity that has no class of its own.
const EVERYONE_ELSE: u32 = 0;

/// Looks peers up once: policies repeat them.
#[derive(Debug)]
pub(crate) struct Peers<'a> {
    population: &'a Population,
    selected: BTreeMap<&'a Peer, Rc<[Identity]>>,
}

impl<'a> Peers<'a> {
    /// Peers among this population.
    pub(crate) fn among(population: &'a Population) -> Self {
        Self {
            population,
            selected: BTreeMap::new(),
        }
    }

    fn select(&mut self, peer: &'a Peer) -> Rc<[Identity]> {
        let selected = self.selected.entry(peer);
        Rc::clone(selected.or_insert_with(|| self.population.select(peer).into()))
    }
}

/// Builds the table of one direction for endpoints to which `policies` (in the order in which they are asked) apply.
///
/// `served` are the named ports of the endpoints themselves: a name in an ingress rule is resolved there.
/// A name in an egress rule is resolved on each peer.
pub(crate) fn build<'a>(
    direction: Direction,
    policies: &[&'a Policy],
    served: &BTreeSet<NamedPort>,
    peers: &mut Peers<'a>,
) -> Table {
    let rules = NumberedRules::new(direction, policies);
    let population = peers.population;
    let destination = |peer| match direction {
        _ if !rules.use_names => &NO_NAMED_PORTS,
        Direction::Egress => population.named_ports(peer),
        Direction::Ingress => served,
    };
    let selected = rules.selected(peers);
    let mut alike: HashMap<_, Vec<Identity>> = HashMap::new();
    for (identity, selected) in &selected {
        let named = destination(*identity);
        alike.entry((selected, named)).or_default().push(*identity);
    }
    let mut classes: BTreeMap<Outcome, Vec<Identity>> = BTreeMap::new();
    for ((selected, named), identities) in alike {
        let outcome = rules.outcome(selected, named);
        classes.entry(outcome).or_default().extend(identities);
    }
    let everyone_else = rules.outcome(&[], destination(Identity::WORLD));
    classes.remove(&everyone_else);
    let outcomes = iter::once(&everyone_else).chain(classes.keys());
    let mut sets = RuleSets::new(&rules.references);
    Table {
        direction,
        isolated_by: rules.court.isolated_by(direction, policies),
        verdicts: verdicts(outcomes, &mut sets),
        rules: sets.sets,
        classes: numbered(classes.into_values()),
    }
}

/// The class of each identity. Classes are numbered by what is decided about them, from the one after
/// [`EVERYONE_ELSE`] on: who there is does not change the number of a class.
fn numbered(classes: impl Iterator<Item = Vec<Identity>>) -> BTreeMap<Identity, u32> {
    let numbers = EVERYONE_ELSE + 1..;
    let members = numbers.zip(classes).flat_map(|(class, identities)| {
        identities
            .into_iter()
            .map(move |identity| (identity, class))
    });
    members.collect()
}

/// What is decided about each class. The longest prefix wins, so an entry says all that holds for its ports.
fn verdicts<'o>(
    outcomes: impl Iterator<Item = &'o Outcome>,
    sets: &mut RuleSets,
) -> BTreeMap<Entry, Verdict> {
    let mut verdicts = BTreeMap::new();
    for (class, outcome) in (EVERYONE_ELSE..).zip(outcomes) {
        if outcome.otherwise != Decision::ISOLATED {
            let verdict = sets.verdict(&outcome.otherwise);
            verdicts.insert(Entry { class, ports: None }, verdict);
        }
        for segment in &outcome.segments {
            let verdict = sets.verdict(&segment.decision);
            for prefix in segment.ports.prefixes() {
                let ports = Some(prefix);
                verdicts.insert(Entry { class, ports }, verdict);
            }
        }
    }
    verdicts
}

/// What is decided about a peer.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
struct Outcome {
    /// On every port of every protocol, the segments aside.
    otherwise: Decision,
    segments: Vec<Segment<Decision>>,
}

/// The rules of a policy set, numbered.
struct NumberedRules<'a> {
    direction: Direction,
    rules: Vec<&'a Rule>,
    court: Court,
    references: Vec<RuleReference>,
    /// Those without peers: they hold for everyone.
    open: Vec<usize>,
    /// Whether what they say depends on the destination's named ports.
    use_names: bool,
}

impl<'a> NumberedRules<'a> {
    fn new(direction: Direction, policies: &[&'a Policy]) -> Self {
        let mut rules = Vec::new();
        let mut references = Vec::new();
        for policy in policies {
            let of_policy = policy.rules(direction).unwrap_or_default();
            rules.extend(of_policy);
            references.extend((0..of_policy.len()).map(|index| RuleReference {
                policy: policy.name.clone(),
                part: policy.part,
                index,
            }));
        }
        let open = (0..rules.len()).filter(|rule| rules[*rule].peers.is_none());
        Self {
            direction,
            open: open.collect(),
            use_names: policies.iter().any(|policy| policy.uses_names(direction)),
            court: Court::new(direction, policies),
            references,
            rules,
        }
    }

    /// The rules that select each identity by its peers, ascending. Whoever is missing is like everyone else.
    fn selected(&self, peers: &mut Peers<'a>) -> BTreeMap<Identity, Vec<usize>> {
        let mut selected: BTreeMap<Identity, Vec<usize>> = BTreeMap::new();
        if self.direction == Direction::Egress && self.use_names {
            let serving = peers.population.with_named_ports();
            selected.extend(serving.map(|identity| (identity, Vec::new())));
        }
        for (number, rule) in self.rules.iter().enumerate() {
            for peer in rule.peers.iter().flatten() {
                for identity in peers.select(peer).iter() {
                    let rules = selected.entry(*identity).or_default();
                    if rules.last() != Some(&number) {
                        rules.push(number);
                    }
                }
            }
        }
        selected
    }

    /// What is decided about a peer that these rules select, when the destination serves these named ports.
    fn outcome(&self, selected: &[usize], named: &BTreeSet<NamedPort>) -> Outcome {
        let holding: BTreeSet<usize> = self.open.iter().chain(selected).copied().collect();
        let mut everywhere = Vec::new();
        let mut ranges = Vec::new();
        for rule in holding {
            match &self.rules[rule].ports {
                None => everywhere.push(rule),
                Some(ports) => {
                    let resolved = ports.iter().flat_map(|port| port.resolve(named));
                    ranges.extend(resolved.map(|range| (rule, range)));
                }
            }
        }
        let decide = |rules: &[usize]| self.court.decide(rules);
        Outcome {
            otherwise: decide(&everywhere),
            segments: segments(&everywhere, &ranges, decide),
        }
    }
}

/// Numbers the sets of rules of one table.
struct RuleSets<'a> {
    references: &'a [RuleReference],
    numbers: HashMap<Vec<usize>, RuleSet>,
    sets: Vec<Vec<RuleReference>>,
}

impl<'a> RuleSets<'a> {
    fn new(references: &'a [RuleReference]) -> Self {
        Self {
            references,
            numbers: HashMap::from([(Vec::new(), RuleSet::NONE)]),
            sets: vec![Vec::new()],
        }
    }

    fn verdict(&mut self, decision: &Decision) -> Verdict {
        Verdict::new(decision.action, self.number(&decision.rules))
    }

    fn number(&mut self, rules: &[usize]) -> RuleSet {
        if let Some(number) = self.numbers.get(rules) {
            return *number;
        }
        let next = u32::try_from(self.sets.len()).expect("fewer rule sets than entries");
        let references = rules.iter().map(|rule| self.references[*rule].clone());
        self.sets.push(references.collect());
        self.numbers.insert(rules.to_vec(), RuleSet(next));
        RuleSet(next)
    }
}
