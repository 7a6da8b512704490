Feature: Some echo requests passed a policy that allows a port, because their identifier looked like it
  Scenario Outline: Only TCP 80 is allowed, so no echo request is: identifier <identifier>
    Given the pods:
      | pod      | labels |
      | shop/web |        |
      | shop/db  | app=db |
    And the policy:
      """
      apiVersion: networking.k8s.io/v1
      kind: NetworkPolicy
      metadata: {name: eighty, namespace: shop}
      spec: {podSelector: {matchLabels: {app: db}}, ingress: [{ports: [{port: 80}, {port: 80, protocol: UDP}]}]}
      """
    When the packets are sent:
      | from     | to      | over | protocol | flags   | identifier   |
      | shop/web | shop/db | IPv4 | ICMP     | request | <identifier> |
      | shop/web | shop/db | IPv6 | ICMP     | request | <identifier> |
      | shop/web | shop/db | IPv4 | ICMP     | reply   | <identifier> |
      | shop/web | shop/db | IPv6 | ICMP     | reply   | <identifier> |
    Then it is dropped: policy_denied_ingress
    And it is denied at ingress by shop/eighty

    Examples:
      | identifier |
      | 0          |
      | 80         |
      | 20480      |
      | 65535      |
