Feature: Logs that are not as a scenario says

  Background:
    Given the pods:
      | pod      | labels  | ports |
      | shop/web | app=web | 80    |
      | shop/db  | app=db  | 80    |
    And the policy:
      """
      apiVersion: networking.k8s.io/v1
      kind: NetworkPolicy
      metadata: {name: db, namespace: shop}
      spec: {podSelector: {matchLabels: {app: db}}, ingress: [{}]}
      """
    And allowed connections are logged

  Scenario: A record that is nearly the one
    Then shop/web can connect to shop/db on TCP 80 over IPv4
    And these records are logged:
      | disposition | from     | to      | policies | count |
      | allow       | shop/web | shop/db | shop/web | 2     |

  Scenario: A record too many
    Then shop/web can connect to shop/db on TCP 80 over IPv4
    And nothing is logged

  Scenario: A record that is missing
    Then shop/db can connect to shop/web on TCP 80 over IPv4
    And these records are logged, among others:
      | from    | to       |
      | shop/db | shop/web |

  Scenario: Records in another order
    When shop/web sends UDP from port 40001 to shop/db port 80
    And shop/web sends UDP from port 40001 to shop/db port 81
    Then these records are logged, in this order:
      | to port |
      | 81      |
      | 80      |

  Scenario: A flow that nobody said would come
    Then shop/db can connect to shop/web on TCP 80 over IPv4
    And no flow is reported

  Scenario: A column that records do not have
    Then these records are logged:
      | verdict |
      | allowed |

  Scenario: A metric that is not so
    Then shop/db can connect to shop/web on TCP 80 over IPv4
    And these metrics are shown:
      | metric                          | labels            | value |
      | plumbline_flows_processed_total | verdict="DROPPED" | 1     |
      | plumbline_flow_total            |                   | 1     |
