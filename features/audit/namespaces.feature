Feature: A namespace in audit mode audits its network policies
  Scenario: Unless a policy says otherwise for itself
    Given a cluster:
      """
      apiVersion: v1
      kind: Namespace
      metadata: {name: shop, annotations: {plumbline/audit: "true"}}
      ---
      apiVersion: v1
      kind: Pod
      metadata: {name: web, namespace: shop, labels: {app: web}}
      spec: {containers: [{name: c, ports: [{containerPort: 80}]}]}
      ---
      apiVersion: v1
      kind: Pod
      metadata: {name: db, namespace: shop, labels: {app: db}}
      spec: {containers: [{name: c, ports: [{containerPort: 80}]}]}
      ---
      apiVersion: v1
      kind: Pod
      metadata: {name: tool, namespace: ops}
      spec: {containers: [{name: c, ports: [{containerPort: 80}]}]}
      """
    And the policies:
      """
      apiVersion: networking.k8s.io/v1
      kind: NetworkPolicy
      metadata: {name: web, namespace: shop}
      spec: {podSelector: {matchLabels: {app: web}}}
      ---
      apiVersion: networking.k8s.io/v1
      kind: NetworkPolicy
      metadata: {name: db, namespace: shop, annotations: {plumbline/audit: "false"}}
      spec: {podSelector: {matchLabels: {app: db}}}
      ---
      apiVersion: networking.k8s.io/v1
      kind: NetworkPolicy
      metadata: {name: tool, namespace: ops}
      spec: {podSelector: {}}
      ---
      apiVersion: policy.networking.k8s.io/v1alpha2
      kind: ClusterNetworkPolicy
      metadata: {name: guard}
      spec:
        tier: Admin
        priority: 1
        subject: {namespaces: {matchLabels: {kubernetes.io/metadata.name: shop}}}
        egress: [{action: Deny, to: [{namespaces: {matchLabels: {kubernetes.io/metadata.name: ops}}}]}]
      """
    Then ops/tool is audited connecting to shop/web on TCP 80
    And it is audited at ingress by shop/web
    And ops/tool cannot connect to shop/db on TCP 80
    And it is denied at ingress by shop/db
    And shop/db cannot connect to ops/tool on TCP 80
    And it is denied at egress by ClusterNetworkPolicy/guard
