Feature: ICMP errors pass with the connection they are about, and only with it
  Background:
    Given the pods:
      | pod      | labels  | ports |
      | shop/web | app=web | 80    |
      | shop/db  | app=db  | 5432  |
    And the outside hosts:
      | host   | address                     | ports |
      | router | 198.51.100.1, 2001:db8::1   |       |
      | api    | 198.51.100.9, 2001:db8::9   | 443   |
    And the policy:
      """
      apiVersion: networking.k8s.io/v1
      kind: NetworkPolicy
      metadata: {name: nobody-in, namespace: shop}
      spec: {podSelector: {matchLabels: {app: web}}}
      """

  Scenario Outline: "<error>" from a router on the way, about a packet over <family>
    Given shop/web has an open TCP connection to external/api on port 443 from port 40000 over <family>
    When shop/web sends data on it
    And external/router answers it with ICMP "<error>"
    Then it arrives

    Examples:
      | error                       | family |
      | port unreachable            | IPv4   |
      | port unreachable            | IPv6   |
      | host unreachable            | IPv4   |
      | host unreachable            | IPv6   |
      | administratively prohibited | IPv4   |
      | administratively prohibited | IPv6   |
      | packet too big              | IPv4   |
      | packet too big              | IPv6   |
      | time exceeded               | IPv4   |
      | time exceeded               | IPv6   |
      | parameter problem           | IPv4   |
      | parameter problem           | IPv6   |

  Scenario Outline: Eight bytes of the quoted packet are enough over <family>
    When shop/web sends UDP from port 40000 to external/api port 443 over <family>
    And external/router answers it with ICMP "host unreachable" that quotes 8 bytes
    Then it arrives

    Examples:
      | family |
      | IPv4   |
      | IPv6   |

  @datapath
  Scenario Outline: Seven are not, over <family>
    When shop/web sends UDP from port 40000 to external/api port 443 over <family>
    And external/router answers it with ICMP "host unreachable" that quotes 7 bytes
    Then it is dropped: malformed

    Examples:
      | family |
      | IPv4   |
      | IPv6   |

  Scenario: The receiver of a question complains
    When shop/web sends UDP from port 40000 to shop/db port 53
    And shop/db answers it with ICMP "port unreachable"
    Then it arrives

  Scenario: Somebody complains about a reply
    Given external/api has an open UDP conversation with shop/db on port 53 from port 40000
    When shop/db sends data on it
    And external/api answers it with ICMP "port unreachable"
    Then it arrives

  Scenario Outline: A forged quotation is dropped: <forged>
    Given shop/web has an open TCP connection to external/api on port 443 from port 40000
    When external/router sends shop/web ICMP "port unreachable" that quotes:
      | from   | to   | protocol   | from port | to port | flags |
      | <from> | <to> | <protocol> | <port>    | 443     | <flags> |
    Then it is dropped: unrelated_icmp_error

    Examples:
      | forged              | from     | to           | protocol | port  | flags |
      | another port        | shop/web | external/api | TCP      | 40001 | SYN   |
      | another protocol    | shop/web | external/api | UDP      | 40000 |       |
      | another destination | shop/web | shop/db      | TCP      | 40000 | SYN   |
      | another sender      | shop/db  | external/api | TCP      | 40000 | SYN   |

  Scenario: A pod quotes what was sent to itself, and nothing else
    Given external/api has an open UDP conversation with shop/db on port 53 from port 40000
    When shop/web sends external/api ICMP "port unreachable" that quotes:
      | from         | to      | protocol | from port | to port |
      | external/api | shop/db | UDP      | 40000     | 53      |
    Then it is dropped: unrelated_icmp_error

  Scenario: An error about a connection that is forgotten
    When shop/web sends UDP from port 40000 to external/api port 443
    And 31 seconds pass
    And external/router sends shop/web ICMP "host unreachable" that quotes:
      | from     | to           | protocol | from port | to port |
      | shop/web | external/api | UDP      | 40000     | 443     |
    Then it is dropped: unrelated_icmp_error
