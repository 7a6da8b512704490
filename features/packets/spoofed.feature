@datapath
Feature: A pod speaks for itself only
  Background:
    Given the pods:
      | pod      | address                 |
      | shop/web | 10.244.0.2, fd00::2     |
      | shop/db  | 10.244.0.3, fd00::3     |
    And the outside hosts:
      | host | address                   |
      | api  | 198.51.100.9, 2001:db8::9 |

  Scenario Outline: A source address that is not its own: <source> to <to>
    When the packets are sent:
      | from     | to   | over   | protocol | from port | to port | flags | source   |
      | shop/web | <to> | <over> | TCP      | 40000     | 80      | SYN   | <source> |
      | shop/web | <to> | <over> | UDP      | 40000     | 53      |       | <source> |
      | shop/web | <to> | <over> | ICMP     |           |         |       | <source> |
    Then it is dropped: spoofed_source
    And 3 packets are counted as spoofed_source

    Examples:
      | to           | over | source       |
      | shop/db      | IPv4 | 10.244.0.3   |
      | shop/db      | IPv4 | 10.244.0.99  |
      | shop/db      | IPv4 | 198.51.100.9 |
      | shop/db      | IPv4 | 169.254.1.1  |
      | shop/db      | IPv4 | 0.0.0.0      |
      | shop/db      | IPv4 | 127.0.0.1    |
      | external/api | IPv4 | 10.244.0.3   |
      | shop/db      | IPv6 | fd00::3      |
      | shop/db      | IPv6 | 2001:db8::9  |
      | shop/db      | IPv6 | fe80::1      |
      | shop/db      | IPv6 | ::           |
      | shop/db      | IPv6 | ::1          |
      | external/api | IPv6 | fd00::3      |

  Scenario: An IPv4 address inside an IPv6 one is nobody's: no network carries it (RFC 4291 section 2.5.5.2)
    When the packets are sent:
      | from         | to      | over | protocol | from port | to port | source              |
      | shop/web     | shop/db | IPv6 | UDP      | 40000     | 53      | ::ffff:10.244.0.2   |
      | shop/web     | shop/db | IPv6 | UDP      | 40000     | 53      | ::ffff:10.244.0.3   |
    Then it is dropped: malformed
    When shop/web sends the bytes:
      """
      86dd 6000 0000 0008 1140 fd00 0000 0000 0000 0000 0000 0000 0002
      0000 0000 0000 0000 0000 ffff 0af4 0003 9c40 0035 0008 0000
      """
    Then it is dropped: malformed

  Scenario: A link-layer address that is not its own
    When the packets are sent:
      | from     | to           | protocol | from port | to port | mac               |
      | shop/web | shop/db      | UDP      | 40000     | 53      | 02:00:00:00:00:99 |
      | shop/web | external/api | UDP      | 40000     | 53      | ee:ee:ee:ee:ee:ee |
    Then it is dropped: spoofed_mac

  Scenario: An outside host that claims a pod's address
    When the packets are sent:
      | from         | to      | protocol | from port | to port | flags | source     |
      | external/api | shop/db | TCP      | 40000     | 5432    | SYN   | 10.244.0.2 |
    Then it is dropped: spoofed_source

  Scenario: A tunnel of its own carries nothing out
    # VXLAN to a pod is UDP like any other, and what is inside is not looked at; outside addresses are the pod's own.
    When the packets are sent:
      | from     | to      | protocol | from port | to port | length | source     |
      | shop/web | shop/db | UDP      | 40000     | 8472    | 58     | 10.244.0.3 |
    Then it is dropped: spoofed_source
