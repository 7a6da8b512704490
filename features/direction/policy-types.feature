Feature: policyTypes says which directions a policy isolates
  Background:
    Given the pods:
      | pod      | labels  | ports |
      | shop/web | app=web | 80    |
      | shop/db  | app=db  | 80    |
      | ops/mon  |         |       |

  Scenario Outline: <case>
    Given the policy:
      """
      apiVersion: networking.k8s.io/v1
      kind: NetworkPolicy
      metadata: {name: typed, namespace: shop}
      spec: <spec>
      """
    Then shop/web is <ingress> for ingress
    And shop/web is <egress> for egress

    Examples:
      | case                                            | spec                                                       | ingress      | egress       |
      | Nothing said: ingress                           | {podSelector: {}}                                          | isolated     | not isolated |
      | Ingress rules: ingress                          | {podSelector: {}, ingress: [{}]}                           | isolated     | not isolated |
      | Egress rules: both                              | {podSelector: {}, egress: [{}]}                            | isolated     | isolated     |
      | An empty list of egress rules: ingress          | {podSelector: {}, egress: []}                              | isolated     | not isolated |
      | Egress named: egress                            | {podSelector: {}, policyTypes: [Egress]}                   | not isolated | isolated     |
      | Both named: both                                | {podSelector: {}, policyTypes: [Ingress, Egress]}          | isolated     | isolated     |

  Scenario: Rules of a direction that is not named do nothing
    Given the policy:
      """
      apiVersion: networking.k8s.io/v1
      kind: NetworkPolicy
      metadata: {name: half, namespace: shop}
      spec:
        podSelector: {matchLabels: {app: web}}
        policyTypes: [Ingress]
        ingress: [{}]
        egress: [{ports: [{port: 1}]}]
      """
    Then shop/web can connect to shop/db on TCP 80
    And no policy decides at egress
    And shop/db can connect to shop/web on TCP 80
    And it is allowed at ingress by shop/half
