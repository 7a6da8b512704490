Feature: Denying everything, allowing everything
  Background:
    Given the pods:
      | pod      | labels  | ports |
      | shop/web | app=web | 80    |
      | shop/db  | app=db  | 80    |
      | other/x  |         | 80    |

  Scenario: Both directions closed
    Given the policy:
      """
      apiVersion: networking.k8s.io/v1
      kind: NetworkPolicy
      metadata: {name: default-deny, namespace: shop}
      spec: {podSelector: {}, policyTypes: [Ingress, Egress]}
      """
    Then the reachability on TCP 80 is:
      |          | shop/web | shop/db | other/x |
      | shop/web | .        | x       | x       |
      | shop/db  | x        | .       | x       |
      | other/x  | x        | x       | .       |

  Scenario: One empty rule allows every source, the outside included
    Given the outside hosts:
      | host   | address      |
      | office | 198.51.100.7 |
    And the policies:
      """
      apiVersion: networking.k8s.io/v1
      kind: NetworkPolicy
      metadata: {name: default-deny, namespace: shop}
      spec: {podSelector: {}, policyTypes: [Ingress]}
      ---
      apiVersion: networking.k8s.io/v1
      kind: NetworkPolicy
      metadata: {name: allow-all, namespace: shop}
      spec: {podSelector: {matchLabels: {app: web}}, ingress: [{}]}
      """
    Then everybody reaches shop/web on TCP 80
    And other/x can connect to shop/web on TCP 80
    And it is allowed at ingress by shop/allow-all
    And nobody reaches shop/db on TCP 80

  Scenario: One empty rule allows every destination
    Given the policies:
      """
      apiVersion: networking.k8s.io/v1
      kind: NetworkPolicy
      metadata: {name: default-deny, namespace: shop}
      spec: {podSelector: {}, policyTypes: [Egress]}
      ---
      apiVersion: networking.k8s.io/v1
      kind: NetworkPolicy
      metadata: {name: allow-all, namespace: shop}
      spec: {podSelector: {matchLabels: {app: web}}, policyTypes: [Egress], egress: [{}]}
      """
    Then shop/web reaches everybody on TCP 80
    And shop/db reaches nobody on TCP 80

  Scenario: A rule with an empty list of peers allows every peer
    Given the policy:
      """
      apiVersion: networking.k8s.io/v1
      kind: NetworkPolicy
      metadata: {name: any-source, namespace: shop}
      spec:
        podSelector: {matchLabels: {app: web}}
        ingress: [{from: [], ports: [{port: 80}]}]
      """
    Then everybody reaches shop/web on TCP 80
    And nobody reaches shop/web on TCP 81
