Feature: Pods on the host network are their node
  Policies neither select them nor name them as peers; from their node's pods they are always let in.

  Background:
    Given the pods:
      | pod         | labels  | ports | node | network |
      | shop/web    | app=web | 80    | n1   |         |
      | shop/agent  | app=db  | 9100  | n1   | host    |

  Scenario: No policy closes them
    Given the policy:
      """
      apiVersion: networking.k8s.io/v1
      kind: NetworkPolicy
      metadata: {name: default-deny, namespace: shop}
      spec: {podSelector: {}, policyTypes: [Ingress]}
      """
    Then shop/web can connect to shop/agent on TCP 9100
    And no policy decides at ingress
    And shop/web can connect to node/n1 on TCP 9100

  Scenario: They get into the pods of their node like the node itself
    Given the policy:
      """
      apiVersion: networking.k8s.io/v1
      kind: NetworkPolicy
      metadata: {name: default-deny, namespace: shop}
      spec: {podSelector: {matchLabels: {app: web}}, policyTypes: [Ingress]}
      """
    Then shop/agent can connect to shop/web on TCP 80
    And no policy decides at ingress

  Scenario: A selector that would match them does not let anybody reach them
    Given the policy:
      """
      apiVersion: networking.k8s.io/v1
      kind: NetworkPolicy
      metadata: {name: to-db, namespace: shop}
      spec:
        podSelector: {matchLabels: {app: web}}
        policyTypes: [Egress]
        egress: [{to: [{podSelector: {matchLabels: {app: db}}}]}]
      """
    Then shop/web cannot connect to shop/agent on TCP 9100
    And it is denied at egress by shop/to-db
