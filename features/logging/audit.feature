Feature: What audit mode lets through is logged as what it is

  Background:
    Given the pods:
      | pod      | labels  | ports |
      | shop/web | app=web |       |
      | shop/db  | app=db  | 80    |
    And the policy:
      """
      apiVersion: networking.k8s.io/v1
      kind: NetworkPolicy
      metadata: {name: closed, namespace: shop, annotations: {plumbline/audit: "true"}}
      spec: {podSelector: {matchLabels: {app: db}}}
      """
    And denied connections are logged

  Scenario: With the policies that would deny it
    Then shop/web is audited connecting to shop/db on TCP 80 over IPv4
    When 5 seconds pass
    Then these records are logged:
      | disposition | direction | from     | to      | policies    | count |
      | audit       | ingress   | shop/web | shop/db | shop/closed | 1     |

  Scenario: The exact shape knows no audit mode
    Given the policy log has the exact shape
    Then shop/web is audited connecting to shop/db on TCP 80
    When 5 seconds pass
    Then nothing is logged

  Scenario: A denial by a tier names the policy whose rule denies, and none in the exact shape
    Given the policy:
      """
      apiVersion: policy.networking.k8s.io/v1alpha2
      kind: ClusterNetworkPolicy
      metadata: {name: guard}
      spec:
        tier: Admin
        priority: 1
        subject: {namespaces: {}}
        ingress: [{action: Deny, from: [{namespaces: {}}]}]
      """
    Then shop/web cannot connect to shop/db on TCP 80 over IPv4
    When 5 seconds pass
    Then these records are logged:
      | disposition | policies                   |
      | deny        | ClusterNetworkPolicy/guard |
    Given the policy log has the exact shape
    Then shop/web cannot connect to shop/db on TCP 80 over IPv4
    When 5 seconds pass
    Then these records are logged:
      | disposition | policies |
      | deny        |          |
