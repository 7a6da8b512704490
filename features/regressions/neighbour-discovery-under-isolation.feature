@datapath
Feature: Isolation denied neighbour discovery, and a fresh IPv6 pod had no network
  Scenario: Deny-all on a pod that has sent nothing yet
    Given the nodes:
      | node | address               |
      | n1   | 172.18.0.2, fd00:1::2 |
    And the policy:
      """
      apiVersion: networking.k8s.io/v1
      kind: NetworkPolicy
      metadata: {name: default-deny, namespace: shop}
      spec: {podSelector: {}, policyTypes: [Ingress, Egress]}
      """
    When the pods are created:
      | pod      | node | address |
      | shop/web | n1   | fd00::2 |
    And shop/web probes whether fd00::2 is free
    Then 1 packet arrives at node/n1
    And no event is written
    When shop/web asks who has fe80::1
    Then 1 packet arrives at node/n1
    And no event is written
    When shop/web claims to have fd00::2
    Then 1 packet arrives at node/n1
    And no event is written
