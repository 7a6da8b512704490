//! Taking objects away.

use super::{ObjectRef, read};
use crate::report::refuse_errors;
use crate::{Cluster, Diagnostic, Diagnostics, Location, Masquerade, ObjectName, Severity, Source};

impl Cluster {
    /// Removes the objects that `sources` name; what else is written in them does not matter. With a namespace goes
    /// all that is in it, with a node its pods, with a workload its pods. What changes nothing when it is applied can
    /// always be deleted.
    ///
    /// # Errors
    /// What is wrong with the input, and objects that are not there. Then the cluster is as it was.
    pub fn delete(&mut self, sources: &[Source]) -> Result<Vec<ObjectRef>, Diagnostics> {
        let (texts, intake) = read(sources)?;
        let mut next = self.clone();
        let missing = |(object, place): (&ObjectRef, &Location)| {
            let is_gone = next.remove(object) || intake.inert.contains(object);
            (!is_gone).then(|| not_there(object, place))
        };
        let missing: Vec<_> = intake.objects.iter().filter_map(missing).collect();
        refuse_errors(&texts, missing)?;
        *self = next;
        Ok(intake.objects.into_keys().collect())
    }

    /// Removes one object and what goes with it; tells whether it was there.
    ///
    /// ```
    /// # use manifest::{Cluster, ObjectRef, Source};
    /// # let mut cluster = Cluster::default();
    /// # cluster.apply(&[Source::text("", "{apiVersion: v1, kind: Pod, metadata: {name: web}}")])?;
    /// let namespace = ObjectRef { kind: "Namespace".into(), namespace: None, name: "default".into() };
    /// assert!(cluster.remove(&namespace));
    /// assert!(cluster.pods.is_empty());
    /// # Ok::<(), manifest::Diagnostics>(())
    /// ```
    pub fn remove(&mut self, object: &ObjectRef) -> bool {
        let namespace = object.namespace.as_deref().unwrap_or_default();
        let name = ObjectName::new(namespace, object.name.as_str());
        match object.kind.as_str() {
            "Namespace" => self.remove_namespace(&object.name),
            "Node" => self.remove_node(&object.name),
            "External" => self.externals.remove(&object.name).is_some(),
            "Pod" => self.pods.remove(&name).is_some(),
            "NetworkPolicy" => self.policies.remove(&name).is_some(),
            "ClusterNetworkPolicy" => self.cluster_network_policies.remove(&object.name).is_some(),
            "AdminNetworkPolicy" => self.admin_network_policies.remove(&object.name).is_some(),
            "BaselineAdminNetworkPolicy" => {
                let policies = &mut self.baseline_admin_network_policies;
                policies.remove(&object.name).is_some()
            }
            "CiliumClusterwideNetworkPolicy" => self.host_policies.remove(&object.name).is_some(),
            "NetworkLogging" => {
                let is_in_force = object.name == "default";
                is_in_force && self.network_logging.take().is_some()
            }
            "ConfigMap" => {
                let is_in_force = [namespace, &object.name] == Masquerade::CONFIG_MAP;
                is_in_force && self.masquerade.take().is_some()
            }
            "Service" => self.services.remove(&name).is_some(),
            "EndpointSlice" => self.endpoint_slices.remove(&name).is_some(),
            kind => self.remove_workload(kind, &name),
        }
    }

    fn remove_namespace(&mut self, namespace: &str) -> bool {
        let elsewhere = |name: &ObjectName| name.namespace != namespace;
        self.pods.retain(|name, _| elsewhere(name));
        self.policies.retain(|name, _| elsewhere(name));
        self.masquerade
            .take_if(|_| namespace == Masquerade::CONFIG_MAP[0]);
        self.services.retain(|name, _| elsewhere(name));
        self.endpoint_slices.retain(|name, _| elsewhere(name));
        self.namespaces.remove(namespace).is_some()
    }

    fn remove_node(&mut self, node: &str) -> bool {
        self.pods.retain(|_, pod| pod.node != node);
        self.nodes.remove(node).is_some()
    }

    fn remove_workload(&mut self, kind: &str, workload: &ObjectName) -> bool {
        let before = self.pods.len();
        self.pods.retain(|name, pod| {
            let owner = pod
                .workload
                .as_ref()
                .filter(|owner| owner.kind == kind && owner.name == workload.name);
            owner.is_none() || name.namespace != workload.namespace
        });
        self.pods.len() < before
    }
}

fn not_there(object: &ObjectRef, place: &Location) -> Diagnostic {
    Diagnostic {
        severity: Severity::Error,
        location: place.clone(),
        subject: object.to_string(),
        message: "cannot be deleted: it is not there".to_owned(),
        help: None,
        snippet: None,
    }
}
