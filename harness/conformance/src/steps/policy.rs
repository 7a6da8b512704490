//! Steps that say which policies are in force.

use super::{Arguments, Step};
use crate::edit;
use crate::world::World;
use anyhow::bail;
use manifest::{Applied, PolicyKind};

/// The steps of this file.
pub(super) const STEPS: &[Step] = &[
    Step {
        expression: "the policy:",
        meaning: "A policy as it is written for `kubectl apply`: a NetworkPolicy, or one of the tiers of policy.networking.k8s.io.",
        example: r#"Given the policy:
      """
      apiVersion: networking.k8s.io/v1
      kind: NetworkPolicy
      metadata: {name: default-deny, namespace: shop}
      spec: {podSelector: {}, policyTypes: [Ingress, Egress]}
      """"#,
        run: from_doc_string,
    },
    Step {
        expression: "the policies:",
        meaning: "Several policies of any kind, with `---` between them.",
        example: r#"Given the policies:
      """
      apiVersion: networking.k8s.io/v1
      kind: NetworkPolicy
      metadata: {name: deny-in, namespace: shop}
      spec: {podSelector: {}}
      ---
      apiVersion: networking.k8s.io/v1
      kind: NetworkPolicy
      metadata: {name: deny-out, namespace: shop}
      spec: {podSelector: {}, policyTypes: [Egress]}
      """"#,
        run: from_doc_string,
    },
    Step {
        expression: "the policies in {file}",
        meaning: "The policies in a file or folder.",
        example: r#"Given the policies in "policies.yaml""#,
        run: from_file,
    },
    Step {
        expression: "the policy is applied:",
        meaning: "Creates the policy, or replaces the one of that name, while the cluster runs.",
        example: r#"When the policy is applied:
      """
      apiVersion: networking.k8s.io/v1
      kind: NetworkPolicy
      metadata: {name: allow-all, namespace: shop}
      spec: {podSelector: {}, ingress: [{}]}
      """"#,
        run: from_doc_string,
    },
    Step {
        expression: "the policies in {file} are applied",
        meaning: "Creates or replaces the policies in a file or folder while the cluster runs.",
        example: r#"When the policies in "policies.yaml" are applied"#,
        run: from_file,
    },
    Step {
        expression: "the policy {policy} is deleted",
        meaning: "Deletes the policy while the cluster runs.",
        example: "When the policy shop/default-deny is deleted",
        run: delete,
    },
];

fn from_doc_string(world: &mut World, arguments: &Arguments<'_>) -> anyhow::Result<()> {
    only_policies(&arguments.apply_doc_string(&mut world.cluster)?)
}

fn from_file(world: &mut World, arguments: &Arguments<'_>) -> anyhow::Result<()> {
    only_policies(&arguments.apply_file(0, &mut world.cluster)?)
}

/// A misspelt `kind` must not pass for a policy.
fn only_policies(applied: &Applied) -> anyhow::Result<()> {
    let kinds = applied.objects.iter().map(|object| object.kind.as_str());
    let mut kinds = kinds.chain(applied.skipped.keys().map(String::as_str));
    match kinds.find(|&kind| PolicyKind::from_name(kind).is_none()) {
        Some(kind) => bail!(
            "this is a {kind}: the step takes policies: {}",
            PolicyKind::ALL.map(PolicyKind::name).join(", ")
        ),
        None => Ok(()),
    }
}

fn delete(world: &mut World, arguments: &Arguments<'_>) -> anyhow::Result<()> {
    edit::delete_policy(&mut world.cluster, &arguments.policy(0)?)
}
