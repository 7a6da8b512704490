//! The names of policies, whatever kind they are of.

use crate::ObjectName;
use std::fmt;
use std::str::FromStr;

/// A kind of policy.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum PolicyKind {
    /// `networking.k8s.io/v1`, the only kind that has a namespace.
    NetworkPolicy,
    /// `policy.networking.k8s.io/v1alpha2`, of the Admin or the Baseline tier.
    ClusterNetworkPolicy,
    /// `policy.networking.k8s.io/v1alpha1`, of the Admin tier.
    AdminNetworkPolicy,
    /// `policy.networking.k8s.io/v1alpha1`, of the Baseline tier.
    BaselineAdminNetworkPolicy,
    /// `cilium.io/v2`, for nodes: a host policy.
    CiliumClusterwideNetworkPolicy,
}

impl PolicyKind {
    /// Every kind.
    pub const ALL: [Self; 5] = [
        Self::NetworkPolicy,
        Self::ClusterNetworkPolicy,
        Self::AdminNetworkPolicy,
        Self::BaselineAdminNetworkPolicy,
        Self::CiliumClusterwideNetworkPolicy,
    ];

    /// The kind as it is written in a manifest.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::NetworkPolicy => "NetworkPolicy",
            Self::ClusterNetworkPolicy => "ClusterNetworkPolicy",
            Self::AdminNetworkPolicy => "AdminNetworkPolicy",
            Self::BaselineAdminNetworkPolicy => "BaselineAdminNetworkPolicy",
            Self::CiliumClusterwideNetworkPolicy => "CiliumClusterwideNetworkPolicy",
        }
    }

    /// Whether rules of this kind only allow, and what none of them allows is denied because there is the policy. Rules
    /// of the other kinds deny for themselves.
    #[must_use]
    pub const fn isolates(self) -> bool {
        matches!(
            self,
            Self::NetworkPolicy | Self::CiliumClusterwideNetworkPolicy
        )
    }

    /// The kind with this name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.name() == name)
    }
}

impl fmt::Display for PolicyKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// A policy: `namespace/name` for a `NetworkPolicy`, `KIND/name` for the others.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct PolicyName {
    /// The kind.
    pub kind: PolicyKind,
    /// The namespace of a `NetworkPolicy`.
    pub namespace: Option<String>,
    /// The name.
    pub name: String,
}

impl PolicyName {
    /// The policy of a kind without namespaces.
    pub fn cluster(kind: PolicyKind, name: impl Into<String>) -> Self {
        Self {
            kind,
            namespace: None,
            name: name.into(),
        }
    }

    /// The name within a namespace, if it is a `NetworkPolicy`.
    #[must_use]
    pub fn namespaced(&self) -> Option<ObjectName> {
        let namespace = self.namespace.as_deref()?;
        Some(ObjectName::new(namespace, self.name.as_str()))
    }
}

/// The `NetworkPolicy` of this name.
impl From<ObjectName> for PolicyName {
    fn from(name: ObjectName) -> Self {
        Self {
            kind: PolicyKind::NetworkPolicy,
            namespace: Some(name.namespace),
            name: name.name,
        }
    }
}

impl fmt::Display for PolicyName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let first = self.namespace.as_deref().unwrap_or(self.kind.name());
        f.pad(&format!("{first}/{}", self.name))
    }
}

/// A text that is no name of a policy.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[error(
    "`{0}` is not a policy: write namespace/name for a NetworkPolicy, or ClusterNetworkPolicy/NAME, \
     AdminNetworkPolicy/NAME, BaselineAdminNetworkPolicy/default, CiliumClusterwideNetworkPolicy/NAME"
)]
pub struct ParsePolicyNameError(String);

impl FromStr for PolicyName {
    type Err = ParsePolicyNameError;

    /// No namespace is called like a kind: its name would begin with a lower case letter.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let parts = text.split_once('/');
        let parts = parts
            .filter(|(first, name)| !first.is_empty() && !name.is_empty() && !name.contains('/'));
        let (first, name) = parts.ok_or_else(|| ParsePolicyNameError(text.to_owned()))?;
        Ok(match PolicyKind::from_name(first) {
            Some(PolicyKind::NetworkPolicy) => return Err(ParsePolicyNameError(text.to_owned())),
            Some(kind) => Self::cluster(kind, name),
            None => ObjectName::new(first, name).into(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_read_as_they_are_written() {
        for text in [
            "shop/web",
            "ClusterNetworkPolicy/guard",
            "AdminNetworkPolicy/guard",
            "BaselineAdminNetworkPolicy/default",
            "CiliumClusterwideNetworkPolicy/lock-down",
        ] {
            assert_eq!(text.parse::<PolicyName>().unwrap().to_string(), text);
        }
        let policy: PolicyName = "shop/web".parse().unwrap();
        assert_eq!(policy.namespaced(), Some(ObjectName::new("shop", "web")));
        for text in ["web", "/web", "shop/", "a/b/c", "NetworkPolicy/web"] {
            assert!(text.parse::<PolicyName>().is_err(), "{text}");
        }
    }
}
