@datapath
Feature: A pod finds its gateway, and nobody takes its address
  Background:
    Given the nodes:
      | node | address               |
      | n1   | 172.18.0.2, fd00:1::2 |
    And the pods:
      | pod      | node | labels  | address             |
      | shop/web | n1   | app=web | 10.244.0.2, fd00::2 |
      | shop/db  | n1   | app=db  | 10.244.0.3, fd00::3 |
    And the policy:
      """
      apiVersion: networking.k8s.io/v1
      kind: NetworkPolicy
      metadata: {name: default-deny, namespace: shop}
      spec: {podSelector: {}, policyTypes: [Ingress, Egress]}
      """

  Scenario: The gateway answers, whatever the policies say
    When shop/web asks who has 169.254.1.1
    Then 1 packet arrives at node/n1
    And 1 packet arrives at shop/web
    And no event is written

  Scenario: Neighbour discovery reaches the gateway, whatever the policies say
    When shop/web asks who has fe80::1
    Then 1 packet arrives at node/n1
    And no event is written

  Scenario Outline: Duplicate address detection of its own address is never answered: <own>
    When shop/web probes whether <own> is free
    Then 0 packets arrive at shop/web
    And 1 packet arrives at node/n1
    And no event is written

    Examples:
      | own        |
      | 10.244.0.2 |
      | fd00::2    |

  Scenario Outline: The gateway answers for no other pod: <other>
    When shop/web asks who has <other>
    Then 0 packets arrive at shop/web
    And 0 packets arrive at shop/db

    Examples:
      | other      |
      | 10.244.0.3 |
      | fd00::3    |

  Scenario Outline: What a pod claims about others is dropped: <claimed>
    When shop/web claims to have <claimed>
    Then it is dropped: spoofed_neighbour
    And 1 packet is counted as spoofed_neighbour

    Examples:
      | claimed     |
      | 10.244.0.3  |
      | 169.254.1.1 |
      | fd00::3     |

  Scenario Outline: What a pod claims about itself is let through: <own>
    When shop/web claims to have <own>
    Then 1 packet arrives at node/n1
    And no event is written

    Examples:
      | own        |
      | 10.244.0.2 |
      | fd00::2    |

  Scenario: A pod is no router
    When shop/web claims to be a router
    Then it is dropped: spoofed_neighbour
