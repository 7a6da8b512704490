Feature: What is logged is switched for the cluster, and can be left to policies and namespaces
  Allow: all policies that allow a connection are named; where that is delegated, those alone that carry the annotation.
  Deny: where that is delegated, the namespace of the pod whose policies deny decides.

  Background:
    Given a cluster:
      """
      apiVersion: v1
      kind: Namespace
      metadata: {name: shop, annotations: {policy.network.gke.io/enable-deny-logging: "true"}}
      ---
      apiVersion: v1
      kind: Namespace
      metadata: {name: ops}
      ---
      apiVersion: v1
      kind: Pod
      metadata: {name: web, namespace: shop, labels: {app: web}}
      spec: {containers: [{name: c, image: web, ports: [{containerPort: 80}]}]}
      ---
      apiVersion: v1
      kind: Pod
      metadata: {name: db, namespace: shop, labels: {app: db}}
      spec: {nodeName: node-1, containers: [{name: c, image: db, ports: [{containerPort: 80}, {containerPort: 81}]}]}
      ---
      apiVersion: v1
      kind: Pod
      metadata: {name: tool, namespace: ops}
      spec: {containers: [{name: c, image: tool, ports: [{containerPort: 80}]}]}
      ---
      apiVersion: networking.k8s.io/v1
      kind: NetworkPolicy
      metadata: {name: quiet, namespace: shop}
      spec: {podSelector: {matchLabels: {app: db}}, ingress: [{ports: [{port: 80}]}]}
      ---
      apiVersion: networking.k8s.io/v1
      kind: NetworkPolicy
      metadata: {name: loud, namespace: shop, annotations: {policy.network.gke.io/enable-logging: "true"}}
      spec: {podSelector: {matchLabels: {app: db}}, ingress: [{from: [{podSelector: {}}], ports: [{port: 80}]}]}
      ---
      apiVersion: networking.k8s.io/v1
      kind: NetworkPolicy
      metadata: {name: closed, namespace: ops}
      spec: {podSelector: {}, policyTypes: [Ingress]}
      """

  Scenario: Without NetworkLogging nothing is logged
    Then shop/web can connect to shop/db on TCP 80
    And shop/web cannot connect to shop/db on TCP 81
    When 5 seconds pass
    Then nothing is logged

  Scenario: All policies that allow a connection are named
    Given allowed connections are logged
    Then shop/web can connect to shop/db on TCP 80 over IPv4
    And these records are logged:
      | disposition | direction | from     | to      | protocol | to port | policies              | count | node   |
      | allow       | ingress   | shop/web | shop/db | tcp      | 80      | shop/loud, shop/quiet | 1     | node-1 |

  Scenario: Where it is delegated, the annotated ones alone
    Given allowed connections are logged where policies ask for it
    Then shop/web can connect to shop/db on TCP 80 over IPv4
    And these records are logged:
      | from     | to      | policies  |
      | shop/web | shop/db | shop/loud |

  Scenario: Where it is delegated, a connection that no annotated policy allows is not logged
    Given allowed connections are logged where policies ask for it
    Then ops/tool can connect to shop/db on TCP 80
    And nothing is logged

  Scenario: What policies do not speak about is not logged
    Given allowed connections are logged
    Then shop/db can connect to shop/web on TCP 80
    And nothing is logged

  Scenario: Denials are a switch of their own
    Given allowed connections are logged
    Then shop/web cannot connect to shop/db on TCP 81
    When 5 seconds pass
    Then nothing is logged

  Scenario Outline: Denials in <namespace>, delegated
    Given denied connections are logged where namespaces ask for it
    Then <from> cannot connect to <to> on TCP 81 over IPv4
    When 5 seconds pass
    Then <records> records are logged

    Examples:
      | namespace                     | from     | to       | records |
      | a namespace that asks for it  | ops/tool | shop/db  | 1       |
      | a namespace that does not ask | shop/web | ops/tool | 0       |

  Scenario: An annotation comes and goes with a policy, and counts from then on
    Given allowed connections are logged where policies ask for it
    Then shop/web can connect to shop/db on TCP 80 over IPv4
    And 1 record is logged
    When the policy is applied:
      """
      apiVersion: networking.k8s.io/v1
      kind: NetworkPolicy
      metadata: {name: loud, namespace: shop}
      spec: {podSelector: {matchLabels: {app: db}}, ingress: [{from: [{podSelector: {}}], ports: [{port: 80}]}]}
      """
    Then shop/web can connect to shop/db on TCP 80 over IPv4
    And nothing is logged
