Feature: Steps that cannot be understood or done
  Background:
    Given the pods:
      | pod      | labels  | ports |
      | shop/web | app=web | 80    |
      | shop/db  | app=db  | 80    |

  Scenario: A step that does not exist
    Then shop/web can conect to shop/db on TCP 80

  Scenario: An endpoint that does not exist
    Then shop/web can connect to shop/bd on TCP 80

  Scenario: A port that cannot be
    Then shop/web can connect to shop/db on TCP 70000

  Scenario: An address of somebody else
    Then shop/web can connect to shop/db on TCP 80 at address 192.0.2.1

  Scenario: A column that does not exist
    Given the pods:
      | pod     | label |
      | shop/db | a=b   |

  Scenario: A pod that is there already
    When the pods are created:
      | pod     |
      | shop/db |

  Scenario: A port nobody can read
    When the pods are created:
      | pod    | ports   |
      | shop/x | 80/TPC  |

  Scenario: Who decided, before anything was tried
    Then it is denied at ingress by shop/default-deny

  Scenario: A policy with a typo
    Given the policy:
      """
      apiVersion: networking.k8s.io/v1
      kind: NetworkPolicy
      metadata: {name: typo, namespace: shop}
      spec: {podSelecter: {}}
      """

  Scenario: A policy that is none
    Given the policy:
      """
      apiVersion: networking.k8s.io/v1
      kind: NetworkPolice
      metadata: {name: typo, namespace: shop}
      spec: {podSelector: {}}
      """

  Scenario: A policy without its text
    Given the policy:

  Scenario: A policy that is not there
    When the policy shop/gone is deleted

  Scenario: A file that is not there
    Given the policies in "gone.yaml"

  Scenario: The cluster of the command line, without one
    Given the cluster of the command line

  Scenario: A cell that says nothing
    Then the reachability on TCP 80 is:
      |          | shop/db |
      | shop/web | maybe   |

  Scenario: A statement about nothing
    Given the pods:
      | pod       | address     |
      | shop/four | 10.244.9.40 |
    Then nobody reaches shop/four on TCP 80 over IPv6

  Scenario: A flag that TCP does not have
    When shop/web sends TCP SNY from port 40000 to shop/db port 80

  Scenario: A chunk that SCTP does not have
    When shop/web sends SCTP INITACK from port 40000 to shop/db port 80

  Scenario: An ICMP error that nobody sends
    When shop/web sends UDP from port 40000 to shop/db port 53
    And shop/db answers it with ICMP "go away"

  Scenario: A reason for which nothing is dropped
    When shop/web sends UDP from port 40000 to shop/db port 53
    Then it is dropped: spoofed_sauce

  Scenario: A packet that cannot be
    When the packets are sent:
      | from     | to      | protocol | from port | to port |
      | shop/web | shop/db | UDP      | 40000     | 65536   |

  Scenario: A fragment of what is not there
    When the packets are sent:
      | from     | to      | protocol | from port | to port | fragment | bytes |
      | shop/web | shop/db | UDP      | 40000     | 53      | 1        | 0-8   |

  Scenario: An extension header that IPv6 does not have
    When the packets are sent:
      | from     | to      | over | protocol | from port | to port | extensions |
      | shop/web | shop/db | IPv6 | UDP      | 40000     | 53      | hop        |

  Scenario: Bytes that are none
    When shop/web sends the bytes:
      """
      0800 450
      """

  Scenario: A fate before anything was sent
    Then it arrives

  Scenario: A connection that is not open
    When shop/web sends data on it

  Scenario: Data of somebody else
    Given shop/web has an open TCP connection to shop/db on port 80 from port 40000
    When node/nowhere sends data on it

  Scenario: More time than there is
    When 99999999999999999999 hours pass

  Scenario: Something happens to what is no node
    When shop/web is cut off

  Scenario: A node that is not there
    When node/n2 is cut off

  Scenario: A pod comes where no agent is
    Given the pods:
      | pod        | labels | node |
      | shop/front |        | n1   |
    When the agent of node/n1 stops
    And the pods are created:
      | pod        | labels | node |
      | shop/store |        | n1   |
