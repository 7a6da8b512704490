Feature: A TCP connection is judged once, and passes both ways until it ends
  Background:
    Given the pods:
      | pod      | labels  | ports |
      | shop/web | app=web | 80    |
      | shop/db  | app=db  | 5432  |
    And the policies:
      """
      apiVersion: networking.k8s.io/v1
      kind: NetworkPolicy
      metadata: {name: default-deny, namespace: shop}
      spec: {podSelector: {}, policyTypes: [Ingress, Egress]}
      ---
      apiVersion: networking.k8s.io/v1
      kind: NetworkPolicy
      metadata: {name: web-to-db, namespace: shop}
      spec:
        podSelector: {matchLabels: {app: web}}
        policyTypes: [Egress]
        egress: [{to: [{podSelector: {matchLabels: {app: db}}}], ports: [{port: 5432}]}]
      ---
      apiVersion: networking.k8s.io/v1
      kind: NetworkPolicy
      metadata: {name: db-from-web, namespace: shop}
      spec:
        podSelector: {matchLabels: {app: db}}
        policyTypes: [Ingress]
        ingress: [{from: [{podSelector: {matchLabels: {app: web}}}], ports: [{port: 5432}]}]
      """

  Scenario: The first packet is judged
    When shop/web sends TCP SYN from port 40000 to shop/db port 5432
    Then it arrives
    And it is allowed at egress by shop/web-to-db
    And it is allowed at ingress by shop/db-from-web

  Scenario: A denied packet is dropped and named
    When shop/db sends TCP SYN from port 40000 to shop/web port 80
    Then it is dropped: policy_denied_egress
    And it is denied at egress by shop/default-deny

  Scenario: Replies need no policy
    Given shop/web has an open TCP connection to shop/db on port 5432 from port 40000
    When shop/db sends data on it
    Then it arrives
    When shop/web sends data on it
    Then it arrives
    When 2 hours pass
    And shop/db sends data on it
    Then it arrives

  Scenario: Over IPv6 too
    Given shop/web has an open TCP connection to shop/db on port 5432 from port 40000 over IPv6
    When shop/db sends data on it
    Then it arrives

  @datapath
  Scenario Outline: A connection that is open makes one event on each node that it crosses: <events>
    Given the pods:
      | pod        | labels  | ports | node |
      | shop/front | app=web |       | n1   |
      | shop/store | app=db  | 5432  | n1   |
      | shop/far   | app=db  | 5432  | n2   |
    When shop/front sends TCP SYN from port 40000 to <to> port 5432
    Then <events> events are written
    When <to> sends TCP SYN/ACK from port 5432 to shop/front port 40000
    Then it arrives
    And no event is written
    When shop/front sends TCP ACK from port 40000 to <to> port 5432
    Then it arrives
    And no event is written

    Examples:
      | to         | events |
      | shop/store | 1      |
      | shop/far   | 2      |

  Scenario: A packet in the middle of a stream that nobody remembers is judged as new
    When shop/web sends TCP ACK from port 40000 to shop/db port 5432
    Then it arrives
    And it is allowed at ingress by shop/db-from-web
    When shop/db sends TCP ACK from port 5432 to shop/web port 40001
    Then it is dropped: policy_denied_egress

  Scenario: The other side's SYN is no answer
    Given shop/web has an open TCP connection to shop/db on port 5432 from port 40000
    When shop/db sends TCP SYN on it
    Then it is dropped: policy_denied_egress
    When shop/db sends data on it
    Then it arrives

  Scenario Outline: A silent connection is forgotten when its time has come: <opened by>
    When the packets are sent:
      | from     | to      | protocol | from port | to port | flags   |
      | shop/web | shop/db | TCP      | 40000     | 5432    | SYN     |
    And <before> pass
    And shop/db sends TCP SYN/ACK from port 5432 to shop/web port 40000
    Then it arrives
    When shop/web sends TCP ACK from port 40000 to shop/db port 5432
    And <after> pass
    And shop/db sends TCP ACK from port 5432 to shop/web port 40000
    Then it is dropped: policy_denied_egress

    Examples:
      | opened by        | before     | after        |
      | soon answered    | 1 second   | 8001 seconds |
      | late answered    | 55 seconds | 3 hours      |

  Scenario: Nobody waits longer than a minute for the first answer
    When shop/web sends TCP SYN from port 40000 to shop/db port 5432
    And 61 seconds pass
    And shop/db sends TCP SYN/ACK from port 5432 to shop/web port 40000
    Then it is dropped: policy_denied_egress

  Scenario: A half-closed connection carries data the other way
    Given shop/web has an open TCP connection to shop/db on port 5432 from port 40000
    When shop/web half-closes it
    Then it arrives
    When shop/db sends data on it
    Then it arrives
    When 3 minutes pass
    And shop/db sends data on it
    Then it arrives
    When 5 minutes pass
    And shop/db sends data on it
    Then it is dropped: policy_denied_egress

  Scenario: A closed connection still takes the last packets
    Given shop/web has an open TCP connection to shop/db on port 5432 from port 40000
    When shop/db closes it
    Then it arrives
    When shop/db sends TCP ACK on it
    Then it arrives
    When 130 seconds pass
    And shop/db sends TCP ACK on it
    Then it is dropped: policy_denied_egress

  Scenario: A reset connection is soon forgotten
    Given shop/web has an open TCP connection to shop/db on port 5432 from port 40000
    When shop/db resets it
    Then it arrives
    When 11 seconds pass
    And shop/db sends data on it
    Then it is dropped: policy_denied_egress

  Scenario Outline: A SYN on a connection that <ended> opens a new one, judged and logged anew
    Given shop/web has an open TCP connection to shop/db on port 5432 from port 40000
    When shop/web <ends> it
    And shop/web sends TCP SYN on it
    Then it arrives
    And it is allowed at ingress by shop/db-from-web
    When the policy shop/db-from-web is deleted
    And shop/web resets it
    And shop/web sends TCP SYN on it
    Then it is dropped: policy_denied_ingress

    Examples:
      | ended          | ends        |
      | has closed     | closes      |
      | is half-closed | half-closes |
      | was reset      | resets      |

  @datapath
  Scenario: A repeated SYN is no new connection
    Given shop/web has an open TCP connection to shop/db on port 5432 from port 40000
    When shop/web sends TCP SYN on it
    Then it arrives
    And no event is written
