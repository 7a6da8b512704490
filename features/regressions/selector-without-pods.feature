Feature: A peer selector that matches nothing was taken for no restriction
  Background:
    Given the pods:
      | pod      | labels  | ports |
      | shop/web | app=web | 80    |
      | shop/db  | app=db  | 80    |
    And the outside hosts:
      | host   | address      | ports |
      | office | 198.51.100.7 | 80    |

  Scenario Outline: A rule whose selector selects no pod allows nothing: <peer>
    Given the policy:
      """
      apiVersion: networking.k8s.io/v1
      kind: NetworkPolicy
      metadata: {name: nobody, namespace: shop}
      spec:
        podSelector: {matchLabels: {app: db}}
        policyTypes: [Ingress, Egress]
        ingress: [{from: [<peer>]}]
        egress: [{to: [<peer>]}]
      """
    Then nobody reaches shop/db on TCP 80
    And shop/db reaches nobody on TCP 80
    When shop/web sends TCP ACK from port 40000 to shop/db port 80
    Then it is dropped: policy_denied_ingress
    And it is denied at ingress by shop/nobody

    Examples:
      | peer                                                                                       |
      | {podSelector: {matchLabels: {app: late}}}                                                  |
      | {podSelector: {matchExpressions: [{key: app, operator: In, values: [late, later]}]}}       |
      | {namespaceSelector: {matchLabels: {team: none}}}                                           |
      | {namespaceSelector: {matchLabels: {team: none}}, podSelector: {}}                          |
      | {namespaceSelector: {}, podSelector: {matchExpressions: [{key: app, operator: DoesNotExist}]}} |
