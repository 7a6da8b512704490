@ip-block-any
Feature: By the API text an ipBlock matches pods, too
  Background:
    Given the pods:
      | pod       | labels  | ports | address     |
      | shop/web  | app=web | 80    | 10.244.7.10 |
      | shop/db   | app=db  | 80    | 10.244.7.20 |
      | shop/api  | app=api | 80    | 10.244.7.21 |

  Scenario: A block of pod addresses
    Given the policy:
      """
      apiVersion: networking.k8s.io/v1
      kind: NetworkPolicy
      metadata: {name: by-address, namespace: shop}
      spec:
        podSelector: {matchLabels: {app: web}}
        ingress: [{from: [{ipBlock: {cidr: 10.244.7.20/32}}]}]
      """
    Then only shop/db reaches shop/web on TCP 80

  Scenario: A block and a selector for the same pod
    Given the policies:
      """
      apiVersion: networking.k8s.io/v1
      kind: NetworkPolicy
      metadata: {name: by-address, namespace: shop}
      spec:
        podSelector: {matchLabels: {app: web}}
        ingress: [{from: [{ipBlock: {cidr: 10.244.7.20/31}}]}]
      ---
      apiVersion: networking.k8s.io/v1
      kind: NetworkPolicy
      metadata: {name: by-label, namespace: shop}
      spec:
        podSelector: {matchLabels: {app: web}}
        ingress: [{from: [{podSelector: {matchLabels: {app: db}}}]}]
      """
    Then shop/db can connect to shop/web on TCP 80
    And it is allowed at ingress by shop/by-address, shop/by-label
    And shop/api can connect to shop/web on TCP 80
    And it is allowed at ingress by shop/by-address
