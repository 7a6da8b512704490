Feature: Statements that do not hold
  Background:
    Given the pods:
      | pod      | labels  | ports |
      | shop/web | app=web | 80    |
      | shop/db  | app=db  | 80    |
      | ops/mon  |         |       |
    And the policies:
      """
      apiVersion: networking.k8s.io/v1
      kind: NetworkPolicy
      metadata: {name: default-deny, namespace: shop}
      spec: {podSelector: {}}
      ---
      apiVersion: networking.k8s.io/v1
      kind: NetworkPolicy
      metadata: {name: from-web, namespace: shop}
      spec:
        podSelector: {matchLabels: {app: db}}
        ingress:
          - ports: [{port: 81}]
            from: [{podSelector: {matchLabels: {app: web}}}]
          - ports: [{port: 82}]
            from: [{podSelector: {}}]
      """

  Scenario: A connection that is denied
    Then shop/web can connect to shop/db on TCP 80 over IPv4

  Scenario: A connection that is allowed
    Then shop/web cannot connect to shop/db on TCP 81 over IPv4

  Scenario: A port that nobody serves
    Then shop/web can connect to shop/db on TCP 81 over IPv6

  Scenario: Another policy decides
    Then shop/web cannot connect to shop/db on TCP 80 over IPv4
    And it is denied at ingress by shop/default-deny

  Scenario: A side that was not asked
    When the policy is applied:
      """
      apiVersion: networking.k8s.io/v1
      kind: NetworkPolicy
      metadata: {name: no-way-out, namespace: shop}
      spec: {podSelector: {matchLabels: {app: web}}, policyTypes: [Egress]}
      """
    Then shop/web cannot connect to shop/db on TCP 81
    And it is denied at ingress by shop/default-deny

  Scenario: More arrive than are meant to
    Then nobody reaches shop/db on TCP 82 over IPv4

  Scenario: A table with two wrong cells
    Then the reachability on TCP 80 over IPv4 is:
      |          | shop/web | shop/db | ops/mon |
      | shop/web | .        | ✓       | ✓       |
      | ops/mon  | ✓        | x       | .       |

  Scenario: Isolation
    Then ops/mon is isolated for ingress

  Scenario: A packet that arrives
    When shop/web sends TCP SYN from port 40000 to shop/db port 81 over IPv4
    Then it is dropped: policy_denied_ingress

  Scenario: A packet that does not arrive
    When shop/db sends TCP SYN from port 40000 to shop/web port 80
    Then it arrives

  Scenario: So many packets
    When the packets are sent:
      | from     | to      | protocol | from port | to port | count |
      | shop/web | shop/db | UDP      | 40000     | 53      | 3     |
    Then 4 packets arrive at shop/db

  Scenario: A connection that cannot be opened
    Given shop/db has an open TCP connection to shop/web on port 80 from port 40000
