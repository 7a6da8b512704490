Feature: An address that is used again belongs to the new pod from its first packet
  Background:
    Given the pods:
      | pod      | labels     | address               |
      | shop/web | tier=front | 10.244.7.30, fd00::30 |
      | shop/db  | app=db     | 10.244.7.20, fd00::20 |
    And the policies:
      """
      apiVersion: networking.k8s.io/v1
      kind: NetworkPolicy
      metadata: {name: front-only, namespace: shop}
      spec:
        podSelector: {matchLabels: {app: db}}
        ingress: [{from: [{podSelector: {matchLabels: {tier: front}}}]}]
      ---
      apiVersion: networking.k8s.io/v1
      kind: NetworkPolicy
      metadata: {name: silent, namespace: shop}
      spec: {podSelector: {matchLabels: {tier: back}}, policyTypes: [Egress]}
      """

  Scenario Outline: The new pod does not inherit connections, over <over>
    Given shop/web has an open TCP connection to shop/db on port 5432 from port 40000 over <over>
    When the pod shop/web is deleted
    And the pods are created:
      | pod      | labels    | address               |
      | shop/bat | tier=none | 10.244.7.30, fd00::30 |
    And shop/bat sends TCP ACK from port 40000 to shop/db port 5432 over <over>
    Then it is dropped: policy_denied_ingress
    And it is denied at ingress by shop/front-only

    Examples:
      | over |
      | IPv4 |
      | IPv6 |

  Scenario Outline: The new pod does not answer for the old one, over <over>
    Given shop/db has an open TCP connection to shop/web on port 80 from port 40000 over <over>
    When the pod shop/web is deleted
    And the pods are created:
      | pod      | labels    | address               |
      | shop/bat | tier=back | 10.244.7.30, fd00::30 |
    And shop/bat sends TCP ACK from port 80 to shop/db port 40000 over <over>
    Then it is dropped: policy_denied_egress
    And it is denied at egress by shop/silent

    Examples:
      | over |
      | IPv4 |
      | IPv6 |

  Scenario: Nor is it sent what was meant for the old one
    Given shop/web has an open UDP conversation with shop/db on port 53 from port 40000
    When the pod shop/web is deleted
    And the pods are created:
      | pod      | labels | address               |
      | shop/cat | app=db | 10.244.7.30, fd00::30 |
    And shop/db sends UDP from port 53 to shop/cat port 40000
    Then it is dropped: policy_denied_ingress

  Scenario: A pod that moves takes nothing with it
    Given shop/web has an open UDP conversation with shop/db on port 53 from port 40000
    When the pod shop/web is deleted
    And the pods are created:
      | pod      | labels     | address               |
      | shop/web | tier=front | 10.244.7.31, fd00::31 |
    And shop/web sends UDP from port 40000 to shop/db port 53
    Then it arrives
    And it is allowed at ingress by shop/front-only
