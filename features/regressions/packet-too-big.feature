Feature: "Fragmentation needed" was lost, and large datagrams with it
  Scenario Outline: A router cannot carry a large datagram over <over>
    Given the pods:
      | pod      | labels  |
      | shop/web | app=web |
    And the outside hosts:
      | host   | address                   |
      | router | 198.51.100.1, 2001:db8::1 |
      | api    | 198.51.100.9, 2001:db8::9 |
    And the policy:
      """
      apiVersion: networking.k8s.io/v1
      kind: NetworkPolicy
      metadata: {name: only-out, namespace: shop}
      spec:
        podSelector: {}
        policyTypes: [Ingress, Egress]
        egress: [{ports: [{port: 443, protocol: UDP}]}]
      """
    When the packets are sent:
      | from     | to           | over   | protocol | from port | to port | length |
      | shop/web | external/api | <over> | UDP      | 40000     | 443     | 1400   |
    Then it arrives
    When external/router answers it with ICMP "packet too big"
    Then it arrives
    When external/router sends shop/web ICMP "packet too big" that quotes:
      | from     | to           | over   | protocol | from port | to port |
      | shop/web | external/api | <over> | UDP      | 40000     | 444     |
    Then it is dropped: unrelated_icmp_error

    Examples:
      | over |
      | IPv4 |
      | IPv6 |
