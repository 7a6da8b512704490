Feature: Admin tier, then network policies, then Baseline tier
  The first rule that matches in a tier decides: to accept and to deny are final, to pass ends the tier. Nobody is
  isolated by a policy of a tier.

  Background:
    Given the namespaces:
      | namespace | labels |
      | shop      | team=a |
      | ops       | team=b |
    And the pods:
      | pod      | labels  | ports |
      | shop/web | app=web | 80    |
      | shop/db  | app=db  | 80    |
      | ops/tool | app=ops | 80    |

  Scenario: What no rule matches is allowed, and no policy decides
    Given the policy:
      """
      apiVersion: policy.networking.k8s.io/v1alpha2
      kind: ClusterNetworkPolicy
      metadata: {name: guard}
      spec:
        tier: Admin
        priority: 10
        subject: {namespaces: {matchLabels: {team: a}}}
        ingress: [{action: Deny, from: [{namespaces: {matchLabels: {team: b}}}]}]
      """
    Then ops/tool cannot connect to shop/db on TCP 80
    And it is denied at ingress by ClusterNetworkPolicy/guard
    But shop/web can connect to shop/db on TCP 80
    And no policy decides at ingress
    And shop/db can connect to ops/tool on TCP 80
    And no policy decides at egress

  Scenario: A network policy can close what the Admin tier leaves open, and not open what it denies
    Given the policies:
      """
      apiVersion: policy.networking.k8s.io/v1alpha2
      kind: ClusterNetworkPolicy
      metadata: {name: guard}
      spec:
        tier: Admin
        priority: 10
        subject: {namespaces: {matchLabels: {team: a}}}
        ingress: [{action: Deny, from: [{namespaces: {matchLabels: {team: b}}}]}]
      ---
      apiVersion: networking.k8s.io/v1
      kind: NetworkPolicy
      metadata: {name: from-ops, namespace: shop}
      spec: {podSelector: {}, ingress: [{from: [{namespaceSelector: {matchLabels: {team: b}}}]}]}
      """
    Then ops/tool cannot connect to shop/db on TCP 80
    And it is denied at ingress by ClusterNetworkPolicy/guard
    And shop/web cannot connect to shop/db on TCP 80
    And it is denied at ingress by shop/from-ops

  Scenario: What the Admin tier accepts no network policy denies
    Given the policies:
      """
      apiVersion: policy.networking.k8s.io/v1alpha2
      kind: ClusterNetworkPolicy
      metadata: {name: monitoring}
      spec:
        tier: Admin
        priority: 10
        subject: {namespaces: {}}
        ingress: [{action: Accept, from: [{namespaces: {matchLabels: {team: b}}}]}]
      ---
      apiVersion: networking.k8s.io/v1
      kind: NetworkPolicy
      metadata: {name: default-deny, namespace: shop}
      spec: {podSelector: {}}
      """
    Then only ops/tool reaches shop/db on TCP 80
    And ops/tool can connect to shop/db on TCP 80
    And it is allowed at ingress by ClusterNetworkPolicy/monitoring

  Scenario: To accept at one end is not to accept at the other
    Given the policies:
      """
      apiVersion: policy.networking.k8s.io/v1alpha2
      kind: ClusterNetworkPolicy
      metadata: {name: out}
      spec:
        tier: Admin
        priority: 10
        subject: {namespaces: {matchLabels: {team: b}}}
        egress: [{action: Accept, to: [{namespaces: {}}]}]
      ---
      apiVersion: networking.k8s.io/v1
      kind: NetworkPolicy
      metadata: {name: default-deny, namespace: shop}
      spec: {podSelector: {}}
      """
    Then ops/tool cannot connect to shop/db on TCP 80
    And it is allowed at egress by ClusterNetworkPolicy/out
    And it is denied at ingress by shop/default-deny

  Scenario: To pass leaves it to network policies and to the Baseline tier
    Given the policies:
      """
      apiVersion: policy.networking.k8s.io/v1alpha2
      kind: ClusterNetworkPolicy
      metadata: {name: delegate}
      spec:
        tier: Admin
        priority: 10
        subject: {namespaces: {}}
        ingress: [{action: Pass, from: [{namespaces: {}}]}]
      ---
      apiVersion: policy.networking.k8s.io/v1alpha2
      kind: ClusterNetworkPolicy
      metadata: {name: late}
      spec:
        tier: Admin
        priority: 11
        subject: {namespaces: {}}
        ingress: [{action: Accept, from: [{namespaces: {}}]}]
      ---
      apiVersion: policy.networking.k8s.io/v1alpha2
      kind: ClusterNetworkPolicy
      metadata: {name: base}
      spec:
        tier: Baseline
        priority: 0
        subject: {namespaces: {}}
        ingress: [{action: Deny, from: [{namespaces: {matchLabels: {team: b}}}]}]
      """
    Then ops/tool cannot connect to shop/db on TCP 80
    And it is denied at ingress by ClusterNetworkPolicy/base
    And shop/web can connect to shop/db on TCP 80
    And no policy decides at ingress
    When the policy is applied:
      """
      apiVersion: networking.k8s.io/v1
      kind: NetworkPolicy
      metadata: {name: from-ops, namespace: shop}
      spec: {podSelector: {}, ingress: [{from: [{namespaceSelector: {matchLabels: {team: b}}}]}]}
      """
    Then ops/tool can connect to shop/db on TCP 80
    And it is allowed at ingress by shop/from-ops
    And shop/web cannot connect to shop/db on TCP 80
    And it is denied at ingress by shop/from-ops

  Scenario: The Baseline tier is asked where no network policy isolates in that direction
    Given the policies:
      """
      apiVersion: policy.networking.k8s.io/v1alpha2
      kind: ClusterNetworkPolicy
      metadata: {name: base}
      spec:
        tier: Baseline
        priority: 0
        subject: {namespaces: {}}
        ingress: [{action: Deny, from: [{namespaces: {}}]}]
        egress: [{action: Deny, to: [{networks: [0.0.0.0/0, "::/0"]}]}]
      ---
      apiVersion: networking.k8s.io/v1
      kind: NetworkPolicy
      metadata: {name: open, namespace: shop}
      spec: {podSelector: {matchLabels: {app: db}}, ingress: [{}]}
      """
    Then shop/web cannot connect to shop/db on TCP 80
    And it is denied at egress by ClusterNetworkPolicy/base
    And node/node-1 can connect to shop/db on TCP 80
    When the policy is applied:
      """
      apiVersion: networking.k8s.io/v1
      kind: NetworkPolicy
      metadata: {name: out, namespace: shop}
      spec: {podSelector: {matchLabels: {app: web}}, policyTypes: [Egress], egress: [{}]}
      """
    Then shop/web can connect to shop/db on TCP 80
    And it is allowed at egress by shop/out
    And it is allowed at ingress by shop/open
    And shop/web cannot connect to ops/tool on TCP 80
    And it is denied at ingress by ClusterNetworkPolicy/base

  Scenario: To pass in the Baseline tier leaves nobody to decide
    Given the policies:
      """
      apiVersion: policy.networking.k8s.io/v1alpha2
      kind: ClusterNetworkPolicy
      metadata: {name: base}
      spec:
        tier: Baseline
        priority: 5
        subject: {namespaces: {}}
        ingress:
        - {action: Pass, from: [{namespaces: {matchLabels: {team: a}}}]}
        - {action: Deny, from: [{namespaces: {}}]}
      """
    Then shop/web can connect to shop/db on TCP 80
    And no policy decides at ingress
    And ops/tool cannot connect to shop/db on TCP 80

  Scenario: A pod to itself is no business of the tiers
    Given the policy:
      """
      apiVersion: policy.networking.k8s.io/v1alpha2
      kind: ClusterNetworkPolicy
      metadata: {name: closed}
      spec:
        tier: Admin
        priority: 0
        subject: {namespaces: {}}
        ingress: [{action: Deny, from: [{namespaces: {}}]}]
        egress: [{action: Deny, to: [{networks: [0.0.0.0/0, "::/0"]}]}]
      """
    Then shop/web can connect to shop/web on TCP 80
    And shop/web cannot connect to shop/db on TCP 80

  Scenario: A node reaches the pods it runs: no peer of a tier's ingress rule is a node
    Given the policy:
      """
      apiVersion: policy.networking.k8s.io/v1alpha2
      kind: ClusterNetworkPolicy
      metadata: {name: closed}
      spec:
        tier: Admin
        priority: 0
        subject: {namespaces: {}}
        ingress: [{action: Deny, from: [{namespaces: {}}]}]
      """
    Then node/node-1 can connect to shop/web on TCP 80
    And no policy decides at ingress
