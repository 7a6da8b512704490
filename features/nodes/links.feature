@links
Feature: What is on a link is what the datapath says it is
  Read from the wire: who sends, through which tunnel, under whose identity.

  Background:
    Given the pods:
      | pod       | labels  | ports | node |
      | shop/web  | app=web | 80    | n1   |
      | shop/near | app=db  | 5432  | n1   |
      | shop/far  | app=db  | 5432  | n2   |
      | shop/last | app=ops |       | n3   |
    And the outside hosts:
      | host   | address      |
      | office | 198.51.100.7 |
    And the policy:
      """
      apiVersion: networking.k8s.io/v1
      kind: NetworkPolicy
      metadata: {name: stay, namespace: shop}
      spec:
        podSelector: {matchLabels: {app: web}}
        policyTypes: [Egress]
        egress: [{ports: [{port: 5432}]}]
      """

  @vxlan
  Scenario: Between nodes pods speak through tunnels only, each under its own identity
    When shop/web sends TCP SYN from port 40000 to shop/far port 5432 over IPv4
    Then it arrives
    And the link of shop/web carries:
      | direction | from     | to       | protocol | from port | to port | tunnel |
      | out       | shop/web | shop/far | TCP      | 40000     | 5432    |        |
    And the link of node/n1 carries:
      | direction | from     | to       | protocol | from port | to port | tunnel             | identity |
      | out       | shop/web | shop/far | TCP      | 40000     | 5432    | node/n1 to node/n2 | shop/web |
    And the link of node/n2 carries:
      | direction | from     | to       | protocol | from port | to port | tunnel             | identity |
      | in        | shop/web | shop/far | TCP      | 40000     | 5432    | node/n1 to node/n2 | shop/web |
    And the link of shop/far carries:
      | direction | from     | to       | protocol | from port | to port | tunnel |
      | in        | shop/web | shop/far | TCP      | 40000     | 5432    |        |
    And the link of node/n3 carries nothing

  @vxlan
  Scenario: An answer has the identity of who answers
    When shop/last sends an echo request with identifier 80 to shop/far over IPv6
    And shop/far sends an echo reply with identifier 80 to shop/last over IPv6
    Then the link of node/n2 carries:
      | direction | from      | to        | tunnel             | identity  |
      | in        | shop/last | shop/far  | node/n3 to node/n2 | shop/last |
      | out       | shop/far  | shop/last | node/n2 to node/n3 | shop/far  |

  @native
  Scenario: With native routing a packet is what it is
    When shop/web sends TCP SYN from port 40000 to shop/far port 5432 over IPv6
    Then it arrives
    And the link of node/n1 carries:
      | direction | from     | to       | to port | tunnel |
      | out       | shop/web | shop/far | 5432    |        |
    And the link of node/n2 carries:
      | direction | from     | to       | to port | tunnel |
      | in        | shop/web | shop/far | 5432    |        |

  Scenario: What is denied where it is sent, or stays on its node, is on no link between nodes
    When shop/web sends TCP SYN from port 40000 to shop/far port 80
    Then it is dropped: policy_denied_egress
    And the link of shop/web carries:
      | direction | from     | to       | to port |
      | out       | shop/web | shop/far | 80      |
    And the link of node/n1 carries nothing
    And the link of shop/far carries nothing
    When shop/web sends TCP SYN from port 40000 to shop/near port 5432
    Then it arrives
    And the link of node/n1 carries nothing

  Scenario: What a link loses was on one side of it
    When the link of node/n2 loses every 1st packet
    And shop/near sends UDP from port 40000 to shop/far port 5432
    Then it is lost
    And the link of node/n1 carries:
      | direction | from      | to       | to port |
      | out       | shop/near | shop/far | 5432    |
    And the link of node/n2 carries nothing
    And the link of shop/far carries nothing

  Scenario: The outside gets no tunnels
    When shop/near sends UDP from port 40000 to external/office port 53
    Then it arrives
    And the link of node/n1 carries:
      | direction | from      | to              | to port | tunnel |
      | out       | shop/near | external/office | 53      |        |
    And the link of external/office carries:
      | direction | from      | to              | to port |
      | in        | shop/near | external/office | 53      |
