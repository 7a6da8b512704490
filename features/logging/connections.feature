Feature: A connection is logged when it is opened, and when it is denied

  Background:
    Given the pods:
      | pod      | labels  | ports |
      | shop/web | app=web |       |
      | shop/db  | app=db  | 80    |
    And the policy:
      """
      apiVersion: networking.k8s.io/v1
      kind: NetworkPolicy
      metadata: {name: db, namespace: shop}
      spec: {podSelector: {matchLabels: {app: db}}, ingress: [{ports: [{port: 80}]}]}
      """
    And allowed connections are logged
    And denied connections are logged

  Scenario: Once, whatever is said on it
    Given shop/web has an open TCP connection to shop/db on port 80 from port 40000 over IPv4
    Then 1 record is logged
    When shop/web sends data on it
    And shop/db sends data on it
    And shop/web closes it
    Then nothing is logged

  Scenario: Policies that change and still allow it do not log it again
    Given shop/web has an open TCP connection to shop/db on port 80 from port 40000 over IPv4
    Then 1 record is logged
    When the policy is applied:
      """
      apiVersion: networking.k8s.io/v1
      kind: NetworkPolicy
      metadata: {name: more, namespace: shop}
      spec: {podSelector: {matchLabels: {app: db}}, ingress: [{}]}
      """
    And shop/web sends data on it
    Then nothing is logged

  Scenario: A connection that a change denies is logged as denied, packet by packet in its window
    Given shop/web has an open TCP connection to shop/db on port 80 from port 40000 over IPv4
    Then 1 record is logged
    When the policy is applied:
      """
      apiVersion: networking.k8s.io/v1
      kind: NetworkPolicy
      metadata: {name: db, namespace: shop}
      spec: {podSelector: {matchLabels: {app: db}}}
      """
    And shop/web sends data on it
    And shop/web sends data on it
    And 5 seconds pass
    Then these records are logged:
      | disposition | direction | from     | to      | from port | to port | policies | count |
      | deny        | ingress   | shop/web | shop/db | 40000     | 80      | shop/db  | 2     |

  Scenario: A port that is used again is a new connection
    Given shop/web has an open TCP connection to shop/db on port 80 from port 40000 over IPv4
    When shop/web closes it
    And shop/web sends TCP SYN from port 40000 to shop/db port 80 over IPv4
    Then these records are logged:
      | disposition | from port |
      | allow       | 40000     |
      | allow       | 40000     |

  Scenario: The policies of the generation that judged it are named, not later ones
    Then shop/web can connect to shop/db on TCP 80 over IPv4
    When the policy shop/db is deleted
    Then these records are logged:
      | disposition | policies |
      | allow       | shop/db  |
    And shop/web can connect to shop/db on TCP 80 over IPv4
    And nothing is logged
