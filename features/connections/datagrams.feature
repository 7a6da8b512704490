Feature: UDP, SCTP and echoes are connections too
  Background:
    Given the pods:
      | pod      | labels  | ports                      |
      | shop/web | app=web | 80                         |
      | shop/dns | app=dns | 53/UDP, 5000/SCTP          |
    And the policies:
      """
      apiVersion: networking.k8s.io/v1
      kind: NetworkPolicy
      metadata: {name: no-way-out, namespace: shop}
      spec: {podSelector: {matchLabels: {app: dns}}, policyTypes: [Egress]}
      ---
      apiVersion: networking.k8s.io/v1
      kind: NetworkPolicy
      metadata: {name: dns, namespace: shop}
      spec:
        podSelector: {matchLabels: {app: dns}}
        ingress: [{ports: [{port: 53, protocol: UDP}, {port: 5000, protocol: SCTP}]}]
      """

  Scenario: A UDP answer belongs to its question
    When shop/dns sends UDP from port 53 to shop/web port 40000
    Then it is dropped: policy_denied_egress
    Given shop/web has an open UDP conversation with shop/dns on port 53 from port 40000
    When shop/dns sends data on it
    Then it arrives

  Scenario: A question is answered within half a minute
    When shop/web sends UDP from port 40000 to shop/dns port 53
    And 25 seconds pass
    And shop/dns sends UDP from port 53 to shop/web port 40000
    Then it arrives
    When shop/web sends UDP from port 40001 to shop/dns port 53
    And 31 seconds pass
    And shop/dns sends UDP from port 53 to shop/web port 40001
    Then it is dropped: policy_denied_egress

  Scenario: A conversation lasts two minutes after its last word
    Given shop/web has an open UDP conversation with shop/dns on port 53 from port 40000
    When 115 seconds pass
    And shop/dns sends data on it
    Then it arrives
    When 115 seconds pass
    And shop/dns sends data on it
    Then it arrives
    When 121 seconds pass
    And shop/dns sends data on it
    Then it is dropped: policy_denied_egress

  Scenario: An answer to another port is none
    Given shop/web has an open UDP conversation with shop/dns on port 53 from port 40000
    When shop/dns sends UDP from port 53 to shop/web port 40001
    Then it is dropped: policy_denied_egress
    When shop/dns sends UDP from port 54 to shop/web port 40000
    Then it is dropped: policy_denied_egress

  Scenario: An SCTP association opens, speaks and ends
    Given shop/web has an open SCTP association with shop/dns on port 5000 from port 40000
    When shop/dns sends data on it
    Then it arrives
    When 2 hours pass
    And shop/dns sends SCTP DATA on it
    Then it arrives
    When shop/web closes it
    Then it arrives
    When 130 seconds pass
    And shop/dns sends data on it
    Then it is dropped: policy_denied_egress

  Scenario: An aborted association is soon forgotten, and INIT opens the next
    Given shop/web has an open SCTP association with shop/dns on port 5000 from port 40000
    When shop/dns resets it
    Then it arrives
    When shop/web sends SCTP INIT on it
    Then it arrives
    And it is allowed at ingress by shop/dns

  Scenario: An INIT against the direction of an association is judged
    Given shop/web has an open SCTP association with shop/dns on port 5000 from port 40000
    When shop/dns sends SCTP INIT on it
    Then it is dropped: policy_denied_egress

  Scenario Outline: An echo reply belongs to the request with its identifier over <family>
    Given the policy shop/dns is deleted
    When shop/web sends an echo request with identifier 7 to shop/dns over <family>
    Then it arrives
    When shop/dns sends an echo reply with identifier 8 to shop/web over <family>
    Then it is dropped: policy_denied_egress
    When shop/dns sends an echo reply with identifier 7 to shop/web over <family>
    Then it arrives
    When 61 seconds pass
    And shop/dns sends an echo reply with identifier 7 to shop/web over <family>
    Then it is dropped: policy_denied_egress

    Examples:
      | family |
      | IPv4   |
      | IPv6   |

  Scenario: A reply that nobody asked for opens nothing
    Given the policy shop/dns is deleted
    When shop/web sends an echo reply with identifier 7 to shop/dns
    Then it arrives
    When shop/dns sends an echo request with identifier 7 to shop/web
    Then it is dropped: policy_denied_egress
