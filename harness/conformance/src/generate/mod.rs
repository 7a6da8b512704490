//! Random clusters, policies and questions, for tests that hold the witnesses against each other.
//!
//! Everything comes from small alphabets, so that selectors, blocks and ports hit about as often as they miss.
//! Strategies draw small numbers and look names up, and what chooses is drawn before what it chooses from: so a
//! failure shrinks to a few plain objects.

mod annotations;
mod blocks;
mod changes;
mod flows;
mod hosts;
mod labels;
mod policies;
mod probes;
mod sagas;
mod services;
mod tiers;
mod topology;

use changes::changes;
use manifest::Cluster;
use oracle::Probe;
use probes::probes;
use proptest::prelude::*;
pub use sagas::{Act, Saga, sagas};
pub use services::served_clusters;
use topology::clusters;

/// States of one cluster in the order they are applied, and what is asked in each.
#[derive(Clone, Debug)]
pub struct Story {
    /// At least one.
    pub rounds: Vec<Round>,
}

/// One state of a cluster and what is asked in it.
#[derive(Clone, Debug)]
pub struct Round {
    /// The state.
    pub cluster: Cluster,
    /// What is asked. One end of each probe is a pod on the pod network, or a node.
    pub probes: Vec<Probe>,
}

/// A cluster and questions about it.
pub fn still_stories() -> BoxedStrategy<Story> {
    (probes(), clusters())
        .prop_map(|(questions, cluster)| Story {
            rounds: vec![Round {
                probes: questions.about(&cluster),
                cluster,
            }],
        })
        .boxed()
}

/// A cluster and questions about it, then live changes, and questions again: the first ones, and more.
pub fn changing_stories() -> BoxedStrategy<Story> {
    (probes(), probes(), changes(), clusters())
        .prop_map(|(asked, more, changes, before)| {
            let after = changes
                .into_iter()
                .fold(before.clone(), |cluster, change| change.apply(cluster));
            let again = asked.about(&after).into_iter().chain(more.about(&after));
            Story {
                rounds: vec![
                    Round {
                        probes: asked.about(&before),
                        cluster: before,
                    },
                    Round {
                        probes: again.collect(),
                        cluster: after,
                    },
                ],
            }
        })
        .boxed()
}

/// One of `choices`, whatever the number drawn; none of none.
fn choose<T>(
    choices: impl IntoIterator<Item = T, IntoIter: ExactSizeIterator>,
    drawn: usize,
) -> Option<T> {
    let mut choices = choices.into_iter();
    let count = choices.len();
    choices.nth(drawn.checked_rem(count)?)
}

/// One of `choices`, sooner or later each; shrinks to the first.
fn one_of<T: Clone + std::fmt::Debug + 'static>(
    choices: &'static [T],
) -> impl Strategy<Value = T> + Clone {
    (0..choices.len()).prop_map(|drawn| choices[drawn].clone())
}

#[cfg(test)]
mod tests {
    use super::*;
    use manifest::{IpBlockMode, PolicyKind, PolicyName, Protocol, Source, TierPolicy};
    use oracle::{Side, judge};
    use proptest::strategy::ValueTree;
    use proptest::test_runner::TestRunner;
    use serde::Serialize;
    use serde_json::{Value, json};
    use std::collections::BTreeMap;

    const STORIES: usize = 400;

    /// The rounds of a fixed sequence of stories.
    fn rounds() -> impl Iterator<Item = Round> {
        let mut runner = TestRunner::deterministic();
        let stories = changing_stories();
        let story = move |_| stories.new_tree(&mut runner).unwrap().current();
        (0..STORIES).map(story).flat_map(|story| story.rounds)
    }

    /// How often each kind of answer comes.
    fn census() -> BTreeMap<String, usize> {
        let mut census = BTreeMap::new();
        for round in rounds() {
            for probe in &round.probes {
                for answer in answers(&round.cluster, probe) {
                    *census.entry(answer).or_default() += 1;
                }
            }
        }
        census
    }

    fn answers(cluster: &Cluster, probe: &Probe) -> Vec<String> {
        let any = judge(cluster, IpBlockMode::Any, probe).unwrap();
        let external = judge(cluster, IpBlockMode::External, probe).unwrap();
        let family = if probe.address.is_ipv4() {
            "IPv4"
        } else {
            "IPv6"
        };
        let mut answers = vec![
            format!("egress {}", word(&any.egress)),
            format!("ingress {}", word(&any.ingress)),
            format!("{} {family} allowed {}", probe.protocol, any.is_allowed()),
        ];
        if any != external {
            answers.push("the modes differ".to_owned());
        }
        answers
    }

    fn is_host(policies: &[PolicyName]) -> bool {
        let kind = PolicyKind::CiliumClusterwideNetworkPolicy;
        policies.iter().all(|policy| policy.kind == kind)
    }

    fn is_tier(policies: &[PolicyName]) -> bool {
        policies.iter().all(|policy| policy.namespace.is_none())
    }

    fn word(side: &Side) -> &'static str {
        match side {
            Side::NotIsolated => "not isolated",
            Side::Allowed(policies) if is_host(policies) => "allowed by a host policy",
            Side::Denied(policies) if is_host(policies) => "denied by a host policy",
            Side::Audited(policies) if is_host(policies) => "audited by a host policy",
            Side::Allowed(policies) if is_tier(policies) => "allowed in a tier",
            Side::Allowed(policies) if policies.len() > 1 => "allowed by several",
            Side::Allowed(_) => "allowed",
            Side::Denied(policies) if is_tier(policies) => "denied in a tier",
            Side::Denied(_) => "denied",
            Side::Audited(policies) if is_tier(policies) => "audited in a tier",
            Side::Audited(_) => "audited",
        }
    }

    #[test]
    fn every_kind_of_answer_comes_up_often() {
        let census = census();
        let mut wanted = vec!["the modes differ".to_owned()];
        for side in ["egress", "ingress"] {
            for word in [
                "not isolated",
                "allowed",
                "allowed by several",
                "denied",
                "audited",
                "allowed in a tier",
                "denied in a tier",
                "audited in a tier",
                "allowed by a host policy",
                "denied by a host policy",
                "audited by a host policy",
            ] {
                wanted.push(format!("{side} {word}"));
            }
        }
        for protocol in Protocol::ALL {
            for family in ["IPv4", "IPv6"] {
                wanted.push(format!("{protocol} {family} allowed true"));
                wanted.push(format!("{protocol} {family} allowed false"));
            }
        }
        for answer in wanted {
            let count = census.get(&answer).copied().unwrap_or(0);
            assert!(count >= STORIES / 20, "{answer}: {count} of {census:#?}");
        }
    }

    fn tiers<Spec: Serialize>(
        policies: &BTreeMap<String, TierPolicy<Spec>>,
        version: &str,
        kind: &str,
    ) -> Vec<Value> {
        let object = |(name, policy): (&String, &TierPolicy<Spec>)| {
            json!({
                "apiVersion": format!("policy.networking.k8s.io/{version}"),
                "kind": kind,
                "metadata": {"name": name},
                "spec": policy.spec,
            })
        };
        policies.iter().map(object).collect()
    }

    #[test]
    fn an_api_server_would_take_every_policy() {
        for round in rounds().take(100) {
            let policies = round.cluster.policies.iter().map(|(name, policy)| {
                json!({
                    "apiVersion": "networking.k8s.io/v1",
                    "kind": "NetworkPolicy",
                    "metadata": {"namespace": name.namespace, "name": name.name},
                    "spec": policy.spec,
                })
            });
            let namespace =
                json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "ns-0"}});
            let cluster = &round.cluster;
            let cluster_wide = &cluster.cluster_network_policies;
            let cluster_wide = tiers(cluster_wide, "v1alpha2", "ClusterNetworkPolicy");
            let admin = &cluster.admin_network_policies;
            let admin = tiers(admin, "v1alpha1", "AdminNetworkPolicy");
            let baseline = &cluster.baseline_admin_network_policies;
            let baseline = tiers(baseline, "v1alpha1", "BaselineAdminNetworkPolicy");
            let host = cluster.host_policies.iter().map(|(name, policy)| {
                json!({
                    "apiVersion": "cilium.io/v2",
                    "kind": "CiliumClusterwideNetworkPolicy",
                    "metadata": {"name": name},
                    "specs": policy.specs,
                })
            });
            let items: Vec<_> = policies
                .chain([namespace])
                .chain(cluster_wide)
                .chain(admin)
                .chain(baseline)
                .chain(host)
                .collect();
            let list = json!({"apiVersion": "v1", "kind": "List", "items": items}).to_string();
            let mut loaded = Cluster::default();
            loaded
                .apply(&[Source::text("generated", &list)])
                .unwrap_or_else(|errors| {
                    panic!("{errors}\n{list}");
                });
            for (name, policy) in &round.cluster.policies {
                assert_eq!(loaded.policies[name].spec, policy.spec);
            }
            for (name, policy) in &cluster.cluster_network_policies {
                assert_eq!(loaded.cluster_network_policies[name].spec, policy.spec);
            }
            for (name, policy) in &cluster.host_policies {
                assert_eq!(loaded.host_policies[name].specs, policy.specs);
            }
            for (name, policy) in &cluster.admin_network_policies {
                assert_eq!(loaded.admin_network_policies[name].spec, policy.spec);
            }
        }
    }
}
