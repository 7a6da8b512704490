Feature: The log is limited, and what is beyond its limits is counted

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
      spec: {podSelector: {matchLabels: {app: db}}, ingress: [{ports: [{port: 80, protocol: UDP}]}]}
      """
    And allowed connections are logged
    And denied connections are logged

  Scenario: No more windows than there may be; the packets beyond are counted
    Given the policy log has at most 2 windows open
    When the packets are sent:
      | from     | to      | protocol | flags | from port | to port |
      | shop/web | shop/db | TCP      | SYN   | 40001     | 81      |
      | shop/web | shop/db | TCP      | SYN   | 40001     | 82      |
      | shop/web | shop/db | TCP      | SYN   | 40001     | 83      |
      | shop/web | shop/db | TCP      | SYN   | 40001     | 82      |
    And 5 seconds pass
    Then these records are logged:
      | to port | count |
      | 81      | 1     |
      | 82      | 2     |
    And 1 denied packet is lost to the window limit

  Scenario: A closed window makes room
    Given the policy log has at most 1 window open
    When shop/web sends TCP SYN from port 40001 to shop/db port 81
    And 5 seconds pass
    And shop/web sends TCP SYN from port 40001 to shop/db port 82
    And 5 seconds pass
    Then 2 records are logged
    And 0 denied packets are lost to the window limit

  Scenario: No more records than the rate; allowed and denied ones together
    Given the policy log writes at most 2 records a second
    And the policy log counts denials together for 0 seconds
    When the packets are sent:
      | from     | to      | protocol | flags | from port | to port |
      | shop/web | shop/db | UDP      |       | 40001     | 80      |
      | shop/web | shop/db | TCP      | SYN   | 40001     | 81      |
      | shop/web | shop/db | UDP      |       | 40002     | 80      |
      | shop/web | shop/db | TCP      | SYN   | 40002     | 81      |
    Then these records are logged:
      | disposition | from port |
      | allow       | 40001     |
      | deny        | 40001     |
    And 2 records are lost to the rate limit

  Scenario: A second later there is room again
    Given the policy log writes at most 1 record a second
    When shop/web sends UDP from port 40001 to shop/db port 80
    And shop/web sends UDP from port 40002 to shop/db port 80
    And 1 second passes
    And shop/web sends UDP from port 40003 to shop/db port 80
    Then these records are logged:
      | from port |
      | 40001     |
      | 40003     |
    And 1 record is lost to the rate limit

  Scenario: Windows that open together close together
    When the packets are sent:
      | from     | to      | protocol | flags | from port | to port |
      | shop/web | shop/db | TCP      | SYN   | 40001     | 81      |
      | shop/web | shop/db | TCP      | SYN   | 40001     | 82      |
      | shop/web | shop/db | TCP      | SYN   | 40001     | 83      |
    And 5 seconds pass
    Then these records are logged, among others:
      | to port | count |
      | 83      | 1     |
      | 81      | 1     |
