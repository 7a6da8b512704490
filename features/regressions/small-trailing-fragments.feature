@datapath
Feature: Trailing fragments of one to three bytes were dropped
  Scenario Outline: <over>, <behind> bytes behind what fits, from <from>
    Given the pods:
      | pod      | labels |
      | shop/web |        |
      | shop/db  | app=db |
    And the outside hosts:
      | host   | address                   |
      | office | 198.51.100.7, 2001:db8::7 |
    And the policy:
      """
      apiVersion: networking.k8s.io/v1
      kind: NetworkPolicy
      metadata: {name: dns, namespace: shop}
      spec: {podSelector: {matchLabels: {app: db}}, ingress: [{ports: [{port: 53, protocol: UDP}]}]}
      """
    When the packets are sent:
      | from   | to      | over   | protocol | from port | to port | length   | fragment | bytes  |
      | <from> | shop/db | <over> | UDP      | 40000     | 53      | <length> | 7        | 0-1399 |
      | <from> | shop/db | <over> | UDP      | 40000     | 53      | <length> | 7        | 1400-  |
    Then it arrives
    And 2 packets arrive at shop/db
    When the packets are sent:
      | from   | to      | over   | protocol | from port | to port | length   | fragment | bytes  |
      | <from> | shop/db | <over> | UDP      | 40000     | 54      | <length> | 8        | 0-1399 |
      | <from> | shop/db | <over> | UDP      | 40000     | 54      | <length> | 8        | 1400-  |
    Then nothing arrives

    Examples:
      | from            | over | behind | length |
      | shop/web        | IPv4 | 1      | 1393   |
      | shop/web        | IPv4 | 2      | 1394   |
      | shop/web        | IPv4 | 3      | 1395   |
      | shop/web        | IPv6 | 1      | 1393   |
      | shop/web        | IPv6 | 2      | 1394   |
      | shop/web        | IPv6 | 3      | 1395   |
      | external/office | IPv4 | 1      | 1393   |
      | external/office | IPv6 | 1      | 1393   |
