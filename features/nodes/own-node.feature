Feature: A node always reaches the pods it runs
  The kubelet's probes must work whatever the policies say; other nodes are ordinary sources.

  Background:
    Given the nodes:
      | node | labels | address                 |
      | n1   |        | 172.18.0.11, fd00:18::1 |
    And the pods:
      | pod      | labels  | ports | node |
      | shop/web | app=web | 80    | n1   |
      | shop/db  | app=db  | 80    | n1   |
    And the policy:
      """
      apiVersion: networking.k8s.io/v1
      kind: NetworkPolicy
      metadata: {name: default-deny, namespace: shop}
      spec: {podSelector: {}, policyTypes: [Ingress, Egress]}
      """

  Scenario: Its own node gets in where nobody does
    Then nobody reaches shop/web on TCP 80
    But node/n1 can connect to shop/web on TCP 80
    And no policy decides at ingress
    And node/n1 can ping shop/web

  Scenario: A pod reaches its node only where egress allows it
    Then shop/web cannot connect to node/n1 on TCP 22
    And it is denied at egress by shop/default-deny
    When the policy is applied:
      """
      apiVersion: networking.k8s.io/v1
      kind: NetworkPolicy
      metadata: {name: to-node, namespace: shop}
      spec:
        podSelector: {}
        policyTypes: [Egress]
        egress: [{ports: [{port: 22}]}]
      """
    Then shop/web is refused by node/n1 on TCP 22
    And shop/web cannot ping node/n1
