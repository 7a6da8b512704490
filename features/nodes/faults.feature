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
