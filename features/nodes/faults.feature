Feature: A node that fails opens nothing, and comes back without help
  Background:
    Given the pods:
      | pod       | labels  | ports | node |
      | shop/web  | app=web | 80    | n1   |
      | shop/near | app=db  | 5432  | n1   |
      | shop/far  | app=db  | 5432  | n2   |
    And the outside hosts:
      | host   | address      | ports |
      | office | 198.51.100.7 | 443   |
    And the policy:
      """
      apiVersion: networking.k8s.io/v1
      kind: NetworkPolicy
      metadata: {name: db, namespace: shop}
      spec:
        podSelector: {matchLabels: {app: db}}
        ingress: [{from: [{podSelector: {matchLabels: {app: web}}}], ports: [{port: 5432}]}]
      """

  Scenario Outline: What is sent while <node> is cut off is lost, and what was open goes on
    Given shop/web has an open TCP connection to shop/far on port 5432 from port 40000
    When <node> is cut off
    And shop/web sends data on it
    Then nothing arrives
    When shop/far sends data on it
    Then nothing arrives
    When <node> is joined again
    And shop/web sends data on it
    Then it arrives
    When shop/far sends data on it
    Then it arrives

    Examples:
      | node    |
      | node/n1 |
      | node/n2 |

  Scenario: A node that is alone judges its own pods
    When node/n1 is cut off
    And shop/web sends TCP SYN from port 40000 to shop/near port 5432
    Then it arrives
    And it is allowed at ingress by shop/db
    When shop/near sends TCP SYN from port 40000 to shop/web port 80
    Then it arrives
    When shop/web sends TCP SYN from port 40000 to shop/near port 5433
    Then it is dropped: policy_denied_ingress
    When external/office sends TCP SYN from port 40000 to shop/web port 80
    Then nothing arrives

  Scenario: A policy that changes meanwhile is in force when the node is back
    When node/n2 is cut off
    And the policy shop/db is deleted
    And the policy is applied:
      """
      apiVersion: networking.k8s.io/v1
      kind: NetworkPolicy
      metadata: {name: closed, namespace: shop}
      spec: {podSelector: {matchLabels: {app: db}}, policyTypes: [Ingress]}
      """
    And node/n2 is joined again
    And shop/web sends TCP SYN from port 40000 to shop/far port 5432
    Then it is dropped: policy_denied_ingress
    And it is denied at ingress by shop/closed

  Scenario: Without its agent a node judges on by what it was told last
    Given shop/web has an open TCP connection to shop/far on port 5432 from port 40000
    When the agent of node/n2 stops
    And the policy shop/db is deleted
    And shop/web sends TCP SYN from port 40001 to shop/far port 5433
    Then it is dropped: policy_denied_ingress
    And it is denied at ingress by shop/db
    When shop/web sends TCP SYN from port 40001 to shop/near port 5433
    Then it arrives
    When shop/web sends TCP ACK from port 40000 to shop/far port 5432
    Then it arrives
    When the agent of node/n2 starts again
    And shop/web sends TCP SYN from port 40002 to shop/far port 5433
    Then it arrives
    When shop/web sends TCP ACK from port 40000 to shop/far port 5432
    Then it arrives
    And no policy decides at ingress

  Scenario: The node of the sender keeps what the other has not heard of
    When the agent of node/n2 stops
    And the policy is applied:
      """
      apiVersion: networking.k8s.io/v1
      kind: NetworkPolicy
      metadata: {name: stay, namespace: shop}
      spec: {podSelector: {matchLabels: {app: web}}, policyTypes: [Egress]}
      """
    And shop/web sends TCP SYN from port 40000 to shop/far port 5432
    Then it is dropped: policy_denied_egress
    When the agent of node/n2 starts again
    And the policy shop/stay is deleted
    And shop/web sends TCP SYN from port 40000 to shop/far port 5432
    Then it arrives

  Scenario Outline: What a link loses is lost, and denied to nobody
    When the link of <node> loses every 3rd packet
    And the packets are sent:
      | from     | to       | protocol | flags | from port | to port | count |
      | shop/web | shop/far | TCP      | SYN   | 40000     | 5432    | 9     |
    Then 6 packets arrive at shop/far
    And 3 packets are lost
    When the link of <node> is whole again
    And the packets are sent:
      | from     | to       | protocol | flags | from port | to port | count |
      | shop/web | shop/far | TCP      | SYN   | 40000     | 5432    | 9     |
    Then it arrives

    Examples:
      | node    |
      | node/n1 |
      | node/n2 |

  Scenario: What is lost is no way in
    When the link of node/n2 loses every 2nd packet
    And the packets are sent:
      | from            | to       | protocol | flags | from port | to port | count |
      | shop/web        | shop/far | TCP      | SYN   | 40000     | 5433    | 4     |
      | shop/web        | shop/far | TCP      | ACK   | 40000     | 5433    | 4     |
      | external/office | shop/far | TCP      | SYN   | 40000     | 5432    | 2     |
    Then 5 packets are dropped: policy_denied_ingress
    And 5 packets are lost
    And nothing arrives

  Scenario: What is denied before it leaves is not lost
    Given the policy:
      """
      apiVersion: networking.k8s.io/v1
      kind: NetworkPolicy
      metadata: {name: stay, namespace: shop}
      spec: {podSelector: {matchLabels: {app: web}}, policyTypes: [Egress]}
      """
    When the link of node/n1 loses every 2nd packet
    And the packets are sent:
      | from     | to       | protocol | flags | from port | to port | count |
      | shop/web | shop/far | TCP      | SYN   | 40000     | 5432    | 4     |
    Then it is dropped: policy_denied_egress

  Scenario: A connection goes on with what is sent again
    When the link of node/n2 loses every 2nd packet
    And shop/web sends TCP SYN from port 40000 to shop/far port 5432
    Then it arrives
    When shop/far sends TCP SYN/ACK from port 5432 to shop/web port 40000
    Then it arrives
    When shop/web sends TCP ACK from port 40000 to shop/far port 5432
    Then it is lost
    When shop/far sends TCP SYN/ACK from port 5432 to shop/web port 40000
    Then it is lost
    When shop/web sends TCP ACK from port 40000 to shop/far port 5432
    Then it arrives
    When shop/far sends TCP ACK from port 5432 to shop/web port 40000
    Then it arrives

  Scenario: Each direction of a link is counted for itself
    When the link of node/n2 loses every 2nd packet
    And the packets are sent:
      | from     | to       | protocol | flags   | from port | to port | count |
      | shop/web | shop/far | TCP      | SYN     | 40000     | 5432    | 1     |
      | shop/far | shop/web | TCP      | SYN/ACK | 5432      | 40000   | 1     |
    Then it arrives

  Scenario: The log tells of what was judged, once
    Given allowed connections are logged
    And denied connections are logged
    When the link of node/n2 loses every 2nd packet
    And the packets are sent:
      | from     | to       | protocol | flags | from port | to port | count |
      | shop/web | shop/far | TCP      | SYN   | 40000     | 5432    | 4     |
      | shop/web | shop/far | TCP      | SYN   | 40001     | 5433    | 6     |
    And 5 seconds pass
    Then these records are logged:
      | disposition | direction | from     | to       | from port | to port | policies | count | node |
      | allow       | ingress   | shop/web | shop/far | 40000     | 5432    | shop/db  | 1     | n2   |
      | deny        | ingress   | shop/web | shop/far | 40001     | 5433    | shop/db  | 3     | n2   |

  Scenario: The log is complete when a node is back
    Given shop/web has an open TCP connection to shop/far on port 5432 from port 40000
    And allowed connections are logged
    And denied connections are logged
    When node/n2 is cut off
    And shop/web sends TCP SYN from port 40001 to shop/far port 5432
    And shop/web sends TCP SYN from port 40002 to shop/far port 5433
    And 5 seconds pass
    Then nothing is logged
    When node/n2 is joined again
    And shop/web sends data on it
    And shop/web sends TCP SYN from port 40001 to shop/far port 5432
    And shop/web sends TCP SYN from port 40002 to shop/far port 5433
    And 5 seconds pass
    Then these records are logged:
      | disposition | direction | from     | to       | from port | to port | count | node |
      | allow       | ingress   | shop/web | shop/far | 40001     | 5432    | 1     | n2   |
      | deny        | ingress   | shop/web | shop/far | 40002     | 5433    | 1     | n2   |

  Scenario Outline: What is sent while the link of <pod> is down is lost, and what was open goes on
    Given shop/web has an open TCP connection to <other> on port 5432 from port 40000
    When the link of <pod> goes down
    And shop/web sends data on it
    Then it is lost
    When <other> sends data on it
    Then it is lost
    When the link of <pod> comes up
    And shop/web sends data on it
    Then it arrives
    When <other> sends data on it
    Then it arrives

    Examples:
      | pod       | other     |
      | shop/web  | shop/far  |
      | shop/far  | shop/far  |
      | shop/web  | shop/near |
      | shop/near | shop/near |

  Scenario: A policy that changes meanwhile is in force when the link of a pod is back
    Given shop/web has an open TCP connection to shop/far on port 5432 from port 40000
    When the link of shop/far goes down
    And the policy shop/db is deleted
    And the policy is applied:
      """
      apiVersion: networking.k8s.io/v1
      kind: NetworkPolicy
      metadata: {name: closed, namespace: shop}
      spec: {podSelector: {matchLabels: {app: db}}, policyTypes: [Ingress]}
      """
    And the link of shop/far comes up
    And shop/web sends data on it
    Then it is dropped: policy_denied_ingress
    When shop/web sends TCP SYN from port 40001 to shop/far port 5432
    Then it is dropped: policy_denied_ingress

  Scenario: A pod that comes anew has a link that is whole
    When the link of shop/far goes down
    And the pod shop/far is deleted
    And the pods are created:
      | pod      | labels | ports | node |
      | shop/far | app=db | 5432  | n1   |
    And shop/web sends TCP SYN from port 40000 to shop/far port 5432
    Then it arrives
