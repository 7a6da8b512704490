Feature: Each node writes what it decides, within limits of its own

  Background:
    Given the nodes:
      | node   |
      | node-1 |
      | node-2 |
    And the pods:
      | pod       | labels   | ports | node   |
      | shop/web  | app=web  |       | node-1 |
      | shop/near | tier=db  | 80    | node-1 |
      | shop/far  | tier=db  | 80    | node-2 |
    And the policy:
      """
      apiVersion: networking.k8s.io/v1
      kind: NetworkPolicy
      metadata: {name: web, namespace: shop}
      spec:
        podSelector: {matchLabels: {app: web}}
        policyTypes: [Egress]
        egress: [{to: [{podSelector: {matchLabels: {tier: db}}}]}]
      """
    And the policy:
      """
      apiVersion: networking.k8s.io/v1
      kind: NetworkPolicy
      metadata: {name: db, namespace: shop}
      spec: {podSelector: {matchLabels: {tier: db}}, ingress: [{ports: [{port: 80}]}]}
      """
    And allowed connections are logged
    And denied connections are logged

  Scenario: What one end allows and the other denies is a record of each, on one node or two
    When shop/web sends TCP SYN from port 40000 to shop/near port 81 over IPv4
    And shop/web sends TCP SYN from port 40000 to shop/far port 81 over IPv4
    And 5 seconds pass
    Then these records are logged:
      | disposition | direction | from     | to        | node   | policies |
      | allow       | egress    | shop/web | shop/near | node-1 | shop/web |
      | allow       | egress    | shop/web | shop/far  | node-1 | shop/web |
      | deny        | ingress   | shop/web | shop/near | node-1 | shop/db  |
      | deny        | ingress   | shop/web | shop/far  | node-2 | shop/db  |

  Scenario: Once for a connection, however often its first packet comes again
    When shop/web sends TCP SYN from port 40000 to shop/near port 81 over IPv4
    And shop/web sends TCP SYN from port 40000 to shop/near port 81 over IPv4
    And shop/web sends TCP SYN from port 40000 to shop/far port 81 over IPv4
    And shop/web sends TCP SYN from port 40000 to shop/far port 81 over IPv4
    And 5 seconds pass
    Then these records are logged:
      | disposition | direction | to        | count |
      | allow       | egress    | shop/near | 1     |
      | allow       | egress    | shop/far  | 1     |
      | deny        | ingress   | shop/near | 2     |
      | deny        | ingress   | shop/far  | 2     |

  Scenario: A node that has written enough stops nobody else from writing
    Given the policy log writes at most 1 record a second
    When shop/web sends TCP SYN from port 40000 to shop/near port 80 over IPv4
    And shop/web sends TCP SYN from port 40000 to shop/far port 80 over IPv4
    Then these records are logged:
      | disposition | direction | to        | node   |
      | allow       | egress    | shop/near | node-1 |
      | allow       | ingress   | shop/far  | node-2 |
    And 2 records are lost to the rate limit
