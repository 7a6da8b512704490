Feature: Denials of the same kind are counted together for five seconds
  The same source, destination, destination port, protocol and direction; not the same source port. The window opens with
  the first and is not extended. The record is written when it closes, with the source port and time of the first.

  Background:
    Given the pods:
      | pod       | labels  | ports  | address    | node   |
      | shop/web  | app=web |        | 10.244.0.2 |        |
      | shop/db   | app=db  | 80, 81 | 10.244.0.3 | node-1 |
      | shop/tool | app=ops |        | 10.244.0.4 |        |
    And the policy:
      """
      apiVersion: networking.k8s.io/v1
      kind: NetworkPolicy
      metadata: {name: closed, namespace: shop}
      spec: {podSelector: {matchLabels: {app: db}}}
      """
    And denied connections are logged

  Scenario: The record comes when the window closes, and not before
    Then shop/web cannot connect to shop/db on TCP 80
    And nothing is logged
    When 5 seconds pass
    Then these records are logged:
      | disposition | direction | from     | to      | protocol | to port | policies    | count | node   |
      | deny        | ingress   | shop/web | shop/db | tcp      | 80      | shop/closed | 1     | node-1 |

  Scenario: Source ports do not matter, and the first is written
    When the packets are sent:
      | from     | to      | protocol | flags | from port | to port |
      | shop/web | shop/db | TCP      | SYN   | 40001     | 80      |
      | shop/web | shop/db | TCP      | SYN   | 40002     | 80      |
      | shop/web | shop/db | TCP      | SYN   | 40003     | 80      |
    And 5 seconds pass
    Then these records are logged:
      | from     | to      | from port | to port | count |
      | shop/web | shop/db | 40001     | 80      | 3     |

  Scenario: Everything else makes a window of its own
    When the packets are sent:
      | from      | to      | protocol | flags | from port | to port |
      | shop/web  | shop/db | TCP      | SYN   | 40001     | 80      |
      | shop/web  | shop/db | TCP      | SYN   | 40001     | 81      |
      | shop/web  | shop/db | UDP      |       | 40001     | 80      |
      | shop/tool | shop/db | TCP      | SYN   | 40001     | 80      |
    And 5 seconds pass
    Then these records are logged:
      | from      | protocol | to port | count |
      | shop/web  | tcp      | 80      | 1     |
      | shop/web  | tcp      | 81      | 1     |
      | shop/web  | udp      | 80      | 1     |
      | shop/tool | tcp      | 80      | 1     |

  Scenario: A window is not extended
    When shop/web sends TCP SYN from port 40001 to shop/db port 80
    And 4 seconds pass
    And shop/web sends TCP SYN from port 40002 to shop/db port 80
    And 1 second passes
    And shop/web sends TCP SYN from port 40003 to shop/db port 80
    And 5 seconds pass
    Then these records are logged, in this order:
      | from port | count |
      | 40001     | 2     |
      | 40003     | 1     |

  Scenario: Records come in the order in which windows close
    When shop/web sends TCP SYN from port 40001 to shop/db port 81
    And 1 second passes
    And shop/web sends TCP SYN from port 40001 to shop/db port 80
    And 1 minute passes
    Then these records are logged, in this order:
      | to port |
      | 81      |
      | 80      |

  Scenario: The window can be longer
    Given the policy log counts denials together for 10 seconds
    When shop/web sends TCP SYN from port 40001 to shop/db port 80
    And 9 seconds pass
    Then nothing is logged
    When 1 second passes
    Then 1 record is logged

  Scenario: Without a window each denial is written for itself, at once
    Given the policy log counts denials together for 0 seconds
    When shop/web sends TCP SYN from port 40001 to shop/db port 80
    And shop/web sends TCP SYN from port 40002 to shop/db port 80
    Then these records are logged, in this order:
      | from port | count |
      | 40001     | 1     |
      | 40002     | 1     |

  Scenario: A policy that is gone before the record is written is named all the same
    When shop/web sends TCP SYN from port 40001 to shop/db port 80
    And the policy shop/closed is deleted
    And 5 seconds pass
    Then these records are logged:
      | disposition | policies    |
      | deny        | shop/closed |

  Scenario: So is a pod that is gone
    When shop/web sends TCP SYN from port 40001 to shop/db port 80
    And the pod shop/web is deleted
    And 5 seconds pass
    Then these records are logged:
      | from     | to      |
      | shop/web | shop/db |

  Scenario: Within the window nothing, at its end the record
    When shop/web sends TCP SYN from port 40000 to shop/db port 80
    Then within 4 seconds nothing is logged
    When shop/web sends TCP SYN from port 40001 to shop/db port 80
    Then within 1 second these records are logged:
      | disposition | direction | from     | to      | from port | to port | count |
      | deny        | ingress   | shop/web | shop/db | 40000     | 80      | 2     |
    And within 1 hour nothing is logged
