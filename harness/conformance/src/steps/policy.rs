//! Steps that say which policies are in force.

use super::{Arguments, Step};
use crate::edit;
use crate::world::World;
use anyhow::bail;
use manifest::Applied;

/// The steps of this file.
pub(super) const STEPS: &[Step] = &[
    Step {
        expression: "the policy:",
        meaning: "A NetworkPolicy as it is written for `kubectl apply`.",
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
        meaning: "Several NetworkPolicies, with `---` between them.",
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
        meaning: "The NetworkPolicies in a file or folder.",
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
        expression: "the policy {object} is deleted",
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
    match kinds.find(|&kind| kind != "NetworkPolicy") {
        Some(kind) => bail!("this is a {kind}: the step takes NetworkPolicies"),
        None => Ok(()),
    }
}

fn delete(world: &mut World, arguments: &Arguments<'_>) -> anyhow::Result<()> {
    edit::delete_policy(&mut world.cluster, &arguments.object(0)?)
}
