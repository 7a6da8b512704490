@datapath
Feature: Later fragments share the fate of the first
  Background:
    Given the pods:
      | pod      | labels  | ports          |
      | shop/web | app=web |                |
      | shop/db  | app=db  | 53/UDP, 54/UDP |
    And the outside hosts:
      | host | address                   |
      | api  | 198.51.100.9, 2001:db8::9 |
    And the policy:
      """
      apiVersion: networking.k8s.io/v1
      kind: NetworkPolicy
      metadata: {name: dns, namespace: shop}
      spec: {podSelector: {matchLabels: {app: db}}, ingress: [{ports: [{port: 53, protocol: UDP}]}]}
      """

  Scenario Outline: In order, from <from> over <over>
    When the packets are sent:
      | from   | to      | over   | protocol | from port | to port | length | fragment | bytes     |
      | <from> | shop/db | <over> | UDP      | 40000     | 53      | 3000   | 7        | 0-1399    |
      | <from> | shop/db | <over> | UDP      | 40000     | 53      | 3000   | 7        | 1400-2799 |
      | <from> | shop/db | <over> | UDP      | 40000     | 53      | 3000   | 7        | 2800-     |
    Then it arrives
    When the packets are sent:
      | from   | to      | over   | protocol | from port | to port | length | fragment | bytes     |
      | <from> | shop/db | <over> | UDP      | 40000     | 54      | 3000   | 8        | 0-1399    |
      | <from> | shop/db | <over> | UDP      | 40000     | 54      | 3000   | 8        | 1400-2799 |
      | <from> | shop/db | <over> | UDP      | 40000     | 54      | 3000   | 8        | 2800-     |
    Then nothing arrives
    And 3 packets are counted as policy_denied_ingress

    Examples:
      | from         | over |
      | shop/web     | IPv4 |
      | shop/web     | IPv6 |
      | external/api | IPv4 |
      | external/api | IPv6 |

  Scenario Outline: The last one before the first, from <from> over <over>: never let through unjudged
    When the packets are sent:
      | from   | to      | over   | protocol | from port | to port | length | fragment | bytes  |
      | <from> | shop/db | <over> | UDP      | 40000     | 53      | 2000   | 7        | 1400-  |
    Then it is dropped: fragment_without_first
    When the packets are sent:
      | from   | to      | over   | protocol | from port | to port | length | fragment | bytes  |
      | <from> | shop/db | <over> | UDP      | 40000     | 53      | 2000   | 7        | 0-1399 |
      | <from> | shop/db | <over> | UDP      | 40000     | 53      | 2000   | 7        | 1400-  |
    Then it arrives

    Examples:
      | from         | over |
      | shop/web     | IPv4 |
      | shop/web     | IPv6 |
      | external/api | IPv4 |
      | external/api | IPv6 |

  Scenario: A lost first fragment drops the rest with a reason of its own
    When the packets are sent:
      | from     | to      | protocol | from port | to port | length | fragment | bytes     |
      | shop/web | shop/db | UDP      | 40000     | 53      | 3000   | 7        | 1400-2799 |
      | shop/web | shop/db | UDP      | 40000     | 53      | 3000   | 7        | 2800-     |
    Then it is dropped: fragment_without_first
    And 2 packets are dropped: fragment_without_first
    And 2 packets are counted as fragment_without_first

  Scenario: The first fragment of another datagram does not help
    When the packets are sent:
      | from     | to      | protocol | from port | to port | length | fragment | bytes  |
      | shop/web | shop/db | UDP      | 40000     | 53      | 2000   | 7        | 0-1399 |
    Then it arrives
    When the packets are sent:
      | from         | to      | protocol | flags | from port | to port | length | fragment | bytes  |
      | shop/web     | shop/db | UDP      |       | 40000     | 53      | 2000   | 8        | 1400-  |
      | shop/web     | shop/db | TCP      | ACK   | 40000     | 53      | 2000   | 7        | 1400-  |
      | external/api | shop/db | UDP      |       | 40000     | 53      | 2000   | 7        | 1400-  |
    Then it is dropped: fragment_without_first

  Scenario: A first fragment is forgotten after half a minute
    When the packets are sent:
      | from     | to      | protocol | from port | to port | length | fragment | bytes  |
      | shop/web | shop/db | UDP      | 40000     | 53      | 2000   | 7        | 0-1399 |
    And 31 seconds pass
    And the packets are sent:
      | from     | to      | protocol | from port | to port | length | fragment | bytes  |
      | shop/web | shop/db | UDP      | 40000     | 53      | 2000   | 7        | 1400-  |
    Then it is dropped: fragment_without_first

  Scenario Outline: A first fragment too small for its ports is dropped: <bytes>
    When the packets are sent:
      | from     | to      | protocol | from port | to port | flags | length | fragment | bytes   |
      | shop/web | shop/db | TCP      | 40000     | 80      | SYN   | 100    | 7        | <bytes> |
    Then it is dropped: malformed

    Examples:
      | bytes |
      | 0-7   |
      | 0-15  |
