Feature: Every protocol, both families

  Background:
    Given the pods:
      | pod      | labels  | ports               |
      | shop/web | app=web |                     |
      | shop/db  | app=db  | 80, 80/UDP, 80/SCTP |
    And the policy:
      """
      apiVersion: networking.k8s.io/v1
      kind: NetworkPolicy
      metadata: {name: db, namespace: shop}
      spec: {podSelector: {matchLabels: {app: db}}, ingress: [{}]}
      """
    And allowed connections are logged

  Scenario Outline: <service> over <over>
    Then shop/web can connect to shop/db on <service> over <over>
    And these records are logged:
      | disposition | from     | to      | protocol   | to port |
      | allow       | shop/web | shop/db | <protocol> | <port>  |

    Examples:
      | service | over | protocol | port |
      | TCP 80  | IPv4 | tcp      | 80   |
      | TCP 80  | IPv6 | tcp      | 80   |
      | UDP 80  | IPv4 | udp      | 80   |
      | UDP 80  | IPv6 | udp      | 80   |
      | SCTP 80 | IPv4 | sctp     | 80   |
      | SCTP 80 | IPv6 | sctp     | 80   |
      | ICMP    | IPv4 | icmp     |      |
      | ICMP    | IPv6 | icmpv6   |      |

  Scenario Outline: In the exact shape <service> over <over> is <protocol>
    Given the policy log has the exact shape
    Then shop/web can connect to shop/db on <service> over <over>
    And these records are logged:
      | protocol   |
      | <protocol> |

    Examples:
      | service | over | protocol |
      | TCP 80  | IPv6 | tcp      |
      | SCTP 80 | IPv4 | unknown  |
      | ICMP    | IPv4 | icmp     |
      | ICMP    | IPv6 | unknown  |
