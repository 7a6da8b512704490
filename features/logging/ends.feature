Feature: Who is at the ends of a connection

  Background:
    Given the nodes:
      | node   |
      | node-1 |
      | node-2 |
    And the pods:
      | pod        | labels  | ports | node   | network |
      | shop/web   | app=web | 80    | node-1 |         |
      | shop/db    | app=db  | 80    | node-1 |         |
      | shop/agent | app=log | 9090  | node-2 | host    |
    And the outside hosts:
      | host | address      | ports |
      | api  | 203.0.113.10 | 443   |
    And the policy:
      """
      apiVersion: networking.k8s.io/v1
      kind: NetworkPolicy
      metadata: {name: db, namespace: shop}
      spec:
        podSelector: {matchLabels: {app: db}}
        policyTypes: [Ingress, Egress]
        ingress: [{ports: [{port: 80}]}]
        egress: [{to: [{ipBlock: {cidr: 203.0.113.0/24}}]}, {to: [{podSelector: {matchLabels: {app: web}}}]}]
      """
    And allowed connections are logged
    And denied connections are logged

  Scenario: An outside host is its address
    Then external/api can connect to shop/db on TCP 80
    And these records are logged:
      | disposition | direction | from         | to      | policies |
      | allow       | ingress   | external/api | shop/db | shop/db  |

  Scenario: So it is as a destination
    Then shop/db can connect to external/api on TCP 443
    And these records are logged:
      | disposition | direction | from    | to           | policies |
      | allow       | egress    | shop/db | external/api | shop/db  |

  Scenario: A pod's own node is let in by no policy, so nothing is logged
    Then node/node-1 can connect to shop/db on TCP 80
    And nothing is logged

  Scenario: Another node has a shape of its own, and no policies with it
    Then node/node-2 can connect to shop/db on TCP 80 over IPv4
    And these records are logged:
      | disposition | direction | from        | to      | policies |
      | allow       | ingress   | node/node-2 | shop/db |          |

  Scenario: A pod on a node's network is that node
    Then shop/agent can connect to shop/db on TCP 80 over IPv4
    And these records are logged:
      | from        | to      |
      | node/node-2 | shop/db |

  Scenario: Between two pods with policies there are two records
    Given the policy:
      """
      apiVersion: networking.k8s.io/v1
      kind: NetworkPolicy
      metadata: {name: web, namespace: shop}
      spec: {podSelector: {matchLabels: {app: web}}, ingress: [{}]}
      """
    Then shop/db can connect to shop/web on TCP 80 over IPv4
    And these records are logged, in this order:
      | disposition | direction | from    | to       | policies |
      | allow       | egress    | shop/db | shop/web | shop/db  |
      | allow       | ingress   | shop/db | shop/web | shop/web |

  Scenario: A denied egress is logged at the source, and nothing at the destination
    Then shop/db cannot connect to node/node-2 on TCP 80 over IPv4
    When 5 seconds pass
    Then these records are logged:
      | disposition | direction | from    | to          | policies |
      | deny        | egress    | shop/db | node/node-2 | shop/db  |
