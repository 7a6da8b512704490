Feature: Options and extension headers change no verdict
  Background:
    Given the pods:
      | pod      | labels  | ports  |
      | shop/web | app=web |        |
      | shop/db  | app=db  | 80, 81 |
    And the outside hosts:
      | host | address                   |
      | api  | 198.51.100.9, 2001:db8::9 |
    And the policy:
      """
      apiVersion: networking.k8s.io/v1
      kind: NetworkPolicy
      metadata: {name: eighty, namespace: shop}
      spec: {podSelector: {matchLabels: {app: db}}, ingress: [{ports: [{port: 80}]}]}
      """

  Scenario Outline: IPv6 with <extensions> from <from>
    When the packets are sent:
      | from   | to      | over | protocol | from port | to port | flags | extensions   |
      | <from> | shop/db | IPv6 | TCP      | 40000     | 80      | SYN   | <extensions> |
    Then it arrives
    And it is allowed at ingress by shop/eighty
    When the packets are sent:
      | from   | to      | over | protocol | from port | to port | flags | extensions   |
      | <from> | shop/db | IPv6 | TCP      | 40000     | 81      | SYN   | <extensions> |
    Then it is dropped: policy_denied_ingress
    And it is denied at ingress by shop/eighty

    Examples:
      | from         | extensions                                              |
      | shop/web     | hop-by-hop                                              |
      | shop/web     | routing                                                 |
      | shop/web     | destination                                             |
      | shop/web     | authentication                                          |
      | shop/web     | hop-by-hop, routing, destination                        |
      | shop/web     | hop-by-hop, destination, routing, authentication, destination |
      | external/api | hop-by-hop                                              |
      | external/api | destination                                             |
      | external/api | authentication                                          |

  @datapath
  Scenario Outline: A chain too long hides what it carries, so it is dropped: to port <port>
    When the packets are sent:
      | from     | to      | over | protocol | from port | to port | flags | extensions |
      | shop/web | shop/db | IPv6 | TCP      | 40000     | <port>  | SYN   | destination, destination, destination, destination, destination, destination, destination, destination |
    Then it is dropped: extension_chain_too_long

    Examples:
      | port |
      | 80   |
      | 81   |

  Scenario: IPv4 options do not shift the ports
    When the packets are sent:
      | from     | to      | over | protocol | from port | to port | flags | options                 |
      | shop/web | shop/db | IPv4 | TCP      | 40000     | 80      | SYN   | 94 04 00 00             |
      | shop/web | shop/db | IPv4 | TCP      | 40001     | 80      | SYN   | 01 01 01 01 01 01 01 01 |
    Then it arrives
    When the packets are sent:
      | from     | to      | over | protocol | from port | to port | flags | options                 |
      | shop/web | shop/db | IPv4 | TCP      | 40002     | 81      | SYN   | 94 04 00 00             |
      | shop/web | shop/db | IPv4 | TCP      | 80        | 81      | SYN   | 01 01 01 01 01 01 01 01 |
    Then it is dropped: policy_denied_ingress

  Scenario Outline: Flags that no stack sends are judged like any others: <flags>
    When the packets are sent:
      | from     | to      | protocol | from port | to port | flags   |
      | shop/web | shop/db | TCP      | 40000     | 81      | <flags> |
    Then it is dropped: policy_denied_ingress

    Examples:
      | flags               |
      | none                |
      | FIN                 |
      | FIN/PSH/URG         |
      | SYN/FIN             |
      | SYN/RST             |
      | SYN/FIN/RST/PSH/ACK/URG/ECE/CWR |

  @datapath
  Scenario: Other IP protocols are judged too
    When the packets are sent:
      | from     | to      | over | protocol | length |
      | shop/web | shop/db | IPv4 | 47       | 20     |
      | shop/web | shop/db | IPv4 | 4        | 20     |
      | shop/web | shop/db | IPv6 | 41       | 40     |
      | shop/web | shop/db | IPv6 | 59       | 0      |
    Then it is dropped: policy_denied_ingress
    When the policy shop/eighty is deleted
    And the packets are sent:
      | from     | to      | over | protocol | length |
      | shop/web | shop/db | IPv4 | 47       | 20     |
      | shop/web | shop/db | IPv6 | 41       | 40     |
    Then it arrives

  Scenario: A hop limit of one is enough between pods of a node
    Given the pods:
      | pod        | labels | ports | node |
      | shop/front |        |       | n1   |
      | shop/store | app=db | 80    | n1   |
    When the packets are sent:
      | from       | to         | protocol | from port | to port | flags | ttl |
      | shop/front | shop/store | TCP      | 40000     | 80      | SYN   | 1   |
    Then it arrives
