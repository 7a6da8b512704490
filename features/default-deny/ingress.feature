Feature: A policy without ingress rules closes a pod to everybody
  Isolation begins with the first policy that selects a pod in a direction, and covers every protocol.

  Background:
    Given the pods:
      | pod      | labels  | ports                    |
      | shop/web | app=web | 80                       |
      | shop/db  | app=db  | 5432, 53/UDP, 7777/SCTP  |
      | other/x  |         | 80                       |
    And the outside hosts:
      | host   | address                    |
      | office | 198.51.100.7, 2001:db8::7  |

  Scenario: Without a policy everybody gets in
    Then everybody reaches shop/db on TCP 5432
    And shop/db is not isolated for ingress

  Scenario: With one nobody gets in, and the policy is named
    Given the policy:
      """
      apiVersion: networking.k8s.io/v1
      kind: NetworkPolicy
      metadata: {name: default-deny, namespace: shop}
      spec: {podSelector: {}, policyTypes: [Ingress]}
      """
    Then nobody reaches shop/db on TCP 5432
    And nobody reaches shop/db on UDP 53
    And nobody reaches shop/db on SCTP 7777
    And nobody reaches shop/db on ICMP
    When the policy shop/default-deny is deleted
    Then everybody reaches shop/db on TCP 5432

  Scenario: It says nothing about what the pod may open itself
    Given the policy:
      """
      apiVersion: networking.k8s.io/v1
      kind: NetworkPolicy
      metadata: {name: default-deny, namespace: shop}
      spec: {podSelector: {matchLabels: {app: db}}, policyTypes: [Ingress]}
      """
    Then shop/db reaches everybody on TCP 80
    And shop/db is isolated for ingress
    And shop/db is not isolated for egress
    And shop/web cannot connect to shop/db on TCP 5432
    And it is denied at ingress by shop/default-deny
    And no policy decides at egress

  Scenario: A policy that speaks of one protocol closes the others too
    Given the policy:
      """
      apiVersion: networking.k8s.io/v1
      kind: NetworkPolicy
      metadata: {name: dns-only, namespace: shop}
      spec:
        podSelector: {matchLabels: {app: db}}
        ingress:
          - ports: [{protocol: UDP, port: 53}]
      """
    Then everybody reaches shop/db on UDP 53
    And nobody reaches shop/db on TCP 53
    And nobody reaches shop/db on TCP 5432
    And nobody reaches shop/db on ICMP
