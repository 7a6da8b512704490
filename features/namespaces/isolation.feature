Feature: Namespaces are a border only where a policy draws it
  Background:
    Given the namespaces:
      | namespace | labels          |
      | shop      | team=shop       |
      | ops       | team=ops, env=a |
      | guest     |                 |
    And the pods:
      | pod      | labels  | ports |
      | shop/web | app=web | 80    |
      | shop/db  | app=db  | 80    |
      | ops/mon  | app=mon | 80    |
      | guest/x  |         | 80    |
    And the outside hosts:
      | host   | address      |
      | office | 198.51.100.7 |

  Scenario: A pod selector alone means the policy's own namespace
    Given the policy:
      """
      apiVersion: networking.k8s.io/v1
      kind: NetworkPolicy
      metadata: {name: own-namespace, namespace: shop}
      spec: {podSelector: {}, ingress: [{from: [{podSelector: {}}]}]}
      """
    Then only shop/web reaches shop/db on TCP 80
    And only shop/db reaches shop/web on TCP 80
    And everybody reaches ops/mon on TCP 80

  Scenario: The empty namespace selector means every pod, and neither nodes nor the outside
    Given the policy:
      """
      apiVersion: networking.k8s.io/v1
      kind: NetworkPolicy
      metadata: {name: every-pod, namespace: shop}
      spec: {podSelector: {matchLabels: {app: db}}, ingress: [{from: [{namespaceSelector: {}}]}]}
      """
    Then only shop/web, ops/mon, guest/x reach shop/db on TCP 80
    And external/office cannot connect to shop/db on TCP 80

  Scenario: Namespaces are chosen by their labels
    Given the policy:
      """
      apiVersion: networking.k8s.io/v1
      kind: NetworkPolicy
      metadata: {name: from-ops, namespace: shop}
      spec:
        podSelector: {matchLabels: {app: db}}
        ingress: [{from: [{namespaceSelector: {matchExpressions: [{key: team, operator: In, values: [ops]}, {key: env, operator: Exists}]}}]}]
      """
    Then only ops/mon reaches shop/db on TCP 80

  Scenario: Every namespace has its own name as a label
    Given the policy:
      """
      apiVersion: networking.k8s.io/v1
      kind: NetworkPolicy
      metadata: {name: to-guest, namespace: shop}
      spec:
        podSelector: {matchLabels: {app: web}}
        policyTypes: [Egress]
        egress: [{to: [{namespaceSelector: {matchLabels: {kubernetes.io/metadata.name: guest}}}]}]
      """
    Then shop/web reaches only guest/x on TCP 80

  Scenario: A policy never reaches beyond its namespace
    Given the policy:
      """
      apiVersion: networking.k8s.io/v1
      kind: NetworkPolicy
      metadata: {name: closed, namespace: shop}
      spec: {podSelector: {}, policyTypes: [Ingress, Egress]}
      """
    Then guest/x can connect to ops/mon on TCP 80
    And no policy decides at ingress
    And guest/x cannot connect to shop/web on TCP 80
    And it is denied at ingress by shop/closed
