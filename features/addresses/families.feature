Feature: IPv4 and IPv6 are judged alike
  Background:
    Given the pods:
      | pod       | labels  | ports | address                   |
      | shop/web  | app=web | 80    | 10.244.7.10, fd00:244::10 |
      | shop/db   | app=db  | 80    | 10.244.7.20, fd00:244::20 |
      | shop/four | v=4     | 80    | 10.244.7.40               |
      | shop/six  | v=6     | 80    | fd00:244::60              |

  Scenario: Selectors mean both families
    Given the policy:
      """
      apiVersion: networking.k8s.io/v1
      kind: NetworkPolicy
      metadata: {name: web-only, namespace: shop}
      spec:
        podSelector: {matchLabels: {app: db}}
        ingress: [{from: [{podSelector: {matchLabels: {app: web}}}]}]
      """
    Then only shop/web reaches shop/db on TCP 80 over IPv4
    And only shop/web reaches shop/db on TCP 80 over IPv6
    And shop/web can ping shop/db over IPv6
    And shop/six cannot ping shop/db

  Scenario: Pods of one family
    Then shop/web can connect to shop/four on TCP 80
    And shop/web can connect to shop/six on TCP 80
    When the policy is applied:
      """
      apiVersion: networking.k8s.io/v1
      kind: NetworkPolicy
      metadata: {name: closed, namespace: shop}
      spec: {podSelector: {matchExpressions: [{key: v, operator: Exists}]}}
      """
    Then shop/web cannot connect to shop/four on TCP 80
    And shop/web cannot connect to shop/six on TCP 80

  Scenario: A new pod with nothing but denials can still be spoken to by its neighbours' kernel
    Neighbour discovery is no traffic that a policy speaks of: isolation must not break it.

    Given the policy:
      """
      apiVersion: networking.k8s.io/v1
      kind: NetworkPolicy
      metadata: {name: closed, namespace: shop}
      spec: {podSelector: {matchLabels: {app: late}}, policyTypes: [Ingress, Egress], ingress: [{ports: [{port: 80}]}]}
      """
    When the pods are created:
      | pod       | labels   | ports | address      |
      | shop/late | app=late | 80    | fd00:244::99 |
    Then shop/six can connect to shop/late on TCP 80
    And shop/six cannot ping shop/late
