//! Which endpoints a node's clients get: those on the node, in its zone, or any.

use crate::candidate::Candidate;

/// Whose clients are served.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Home<'a> {
    pub(crate) node: &'a str,
    pub(crate) zone: Option<&'a str>,
}

/// What a service asks for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Reach {
    /// Endpoints on the client's node alone.
    Node,
    /// Endpoints of the whole cluster, near ones first where this says so.
    Cluster(Preference),
}

/// Which endpoints come first (`spec.trafficDistribution`).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Preference {
    /// Those that hints of slices say, if they say it for all.
    Hints,
    /// Those that hints say, then those in the zone.
    Zone,
    /// Those on the node, then as for [`Preference::Zone`].
    Node,
}

impl Preference {
    pub(crate) fn of(distribution: Option<&str>) -> Self {
        match distribution {
            Some("PreferClose" | "PreferSameZone") => Self::Zone,
            Some("PreferSameNode") => Self::Node,
            _ => Self::Hints,
        }
    }
}

impl Reach {
    /// Whether each node gets endpoints of its own.
    pub(crate) fn depends_on_node(self, candidates: &[Candidate<'_>]) -> bool {
        match self {
            Self::Node | Self::Cluster(Preference::Zone | Preference::Node) => true,
            Self::Cluster(Preference::Hints) => candidates
                .iter()
                .any(|candidate| !candidate.hints.is_empty()),
        }
    }

    /// The endpoints that take new connections of clients at `home`; `None` is a home without a name and a zone.
    ///
    /// Without one that is ready, those that serve until they end take them.
    pub(crate) fn take_new<'c, 'a>(
        self,
        candidates: &[&'c Candidate<'a>],
        home: Option<Home<'_>>,
    ) -> Vec<&'c Candidate<'a>> {
        let node = home.map(|home| home.node);
        let is_near = |candidate: &&&Candidate<'_>| {
            self != Self::Node || candidate.place.node.is_some() && candidate.place.node == node
        };
        let near: Vec<_> = candidates
            .iter()
            .copied()
            .filter(|it| is_near(&it))
            .collect();
        let ready: Vec<_> = near
            .iter()
            .copied()
            .filter(|candidate| candidate.state.is_ready)
            .collect();
        match self {
            _ if ready.is_empty() => near
                .into_iter()
                .filter(|candidate| candidate.state.serves_to_the_end())
                .collect(),
            Self::Node => ready,
            Self::Cluster(preference) => preference.among(ready, home),
        }
    }
}

impl Preference {
    fn among<'c, 'a>(
        self,
        ready: Vec<&'c Candidate<'a>>,
        home: Option<Home<'_>>,
    ) -> Vec<&'c Candidate<'a>> {
        let Some(home) = home else { return ready };
        let on_node = |candidate: &&Candidate<'_>| candidate.place.node == Some(home.node);
        let in_zone =
            |candidate: &&Candidate<'_>| home.zone.is_some() && candidate.place.zone == home.zone;
        let hinted = |candidate: &&Candidate<'_>| {
            home.zone
                .is_some_and(|zone| candidate.hints.contains(&zone))
        };
        let all_are_hinted = ready.iter().all(|candidate| !candidate.hints.is_empty());
        let hinted = |candidate: &&Candidate<'_>| all_are_hinted && hinted(candidate);
        match self {
            Self::Hints => first_some(&ready, &[&hinted]),
            Self::Zone => first_some(&ready, &[&hinted, &in_zone]),
            Self::Node => first_some(&ready, &[&on_node, &hinted, &in_zone]),
        }
    }
}

/// Those that the first of the tests lets through that lets any through; all if none does.
fn first_some<'c, 'a>(
    candidates: &[&'c Candidate<'a>],
    tests: &[&dyn Fn(&&Candidate<'_>) -> bool],
) -> Vec<&'c Candidate<'a>> {
    let passed = tests.iter().map(|test| {
        let passed = candidates
            .iter()
            .copied()
            .filter(|candidate| test(candidate));
        passed.collect::<Vec<_>>()
    });
    let mut passed = passed.filter(|passed| !passed.is_empty());
    passed.next().unwrap_or_else(|| candidates.to_vec())
}
