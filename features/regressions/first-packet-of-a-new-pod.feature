Feature: The first packets of a new pod were denied, and policy was blamed
  Background:
    Given the pods:
      | pod     | labels | ports |
      | shop/db | app=db | 80    |
    And the outside hosts:
      | host   | address      |
      | office | 198.51.100.7 |
    And the policy:
      """
      apiVersion: networking.k8s.io/v1
      kind: NetworkPolicy
      metadata: {name: front-only, namespace: shop}
      spec:
        podSelector: {}
        ingress: [{from: [{podSelector: {matchLabels: {tier: front}}}]}]
      """

  Scenario Outline: Its very first packet over <over>
    When the pods are created:
      | pod      | labels     |
      | shop/web | tier=front |
    And shop/web sends TCP SYN from port 40000 to shop/db port 80 over <over>
    Then it arrives
    And it is allowed at ingress by shop/front-only

    Examples:
      | over |
      | IPv4 |
      | IPv6 |

  Scenario: The very first packet to it, from a pod that may and from a host that may not
    When the pods are created:
      | pod      | labels     |
      | shop/web | tier=front |
      | shop/new |            |
    And shop/web sends TCP SYN from port 40000 to shop/new port 80
    Then it arrives
    When external/office sends TCP SYN from port 40000 to shop/new port 80
    Then it is dropped: policy_denied_ingress
    And it is denied at ingress by shop/front-only
