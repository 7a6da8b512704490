Feature: Policy changes take effect at once, there and back
  Background:
    Given the pods:
      | pod      | labels  | ports  |
      | shop/web | app=web | 80     |
      | shop/db  | app=db  | 80, 81 |

  Scenario: Created, changed, deleted
    Then shop/web can connect to shop/db on TCP 80
    When the policy is applied:
      """
      apiVersion: networking.k8s.io/v1
      kind: NetworkPolicy
      metadata: {name: db, namespace: shop}
      spec: {podSelector: {matchLabels: {app: db}}}
      """
    Then shop/web cannot connect to shop/db on TCP 80
    When the policy is applied:
      """
      apiVersion: networking.k8s.io/v1
      kind: NetworkPolicy
      metadata: {name: db, namespace: shop}
      spec: {podSelector: {matchLabels: {app: db}}, ingress: [{ports: [{port: 81}]}]}
      """
    Then shop/web cannot connect to shop/db on TCP 80
    And shop/web can connect to shop/db on TCP 81
    When the policy shop/db is deleted
    Then shop/web can connect to shop/db on TCP 80
    And no policy decides at ingress

  Scenario: Policies add up, whatever their order
    Given the policies:
      """
      apiVersion: networking.k8s.io/v1
      kind: NetworkPolicy
      metadata: {name: b-eighty, namespace: shop}
      spec: {podSelector: {matchLabels: {app: db}}, ingress: [{ports: [{port: 80}]}]}
      ---
      apiVersion: networking.k8s.io/v1
      kind: NetworkPolicy
      metadata: {name: a-deny, namespace: shop}
      spec: {podSelector: {}, policyTypes: [Ingress]}
      """
    Then shop/web can connect to shop/db on TCP 80
    And it is allowed at ingress by shop/b-eighty
    And shop/web cannot connect to shop/db on TCP 81
    And it is denied at ingress by shop/a-deny, shop/b-eighty
    When the policies in "policies/eighty-one.yaml" are applied
    Then shop/web can connect to shop/db on TCP 81
    And it is allowed at ingress by shop/eighty-one
    When the policy shop/b-eighty is deleted
    Then shop/web cannot connect to shop/db on TCP 80
    And it is denied at ingress by shop/a-deny, shop/eighty-one

  Scenario: Every policy that allows a connection is named
    Given the policies in "policies/eighty-one.yaml"
    And the policy:
      """
      apiVersion: networking.k8s.io/v1
      kind: NetworkPolicy
      metadata: {name: from-web, namespace: shop}
      spec:
        podSelector: {matchLabels: {app: db}}
        ingress: [{from: [{podSelector: {matchLabels: {app: web}}}]}]
      """
    Then shop/web can connect to shop/db on TCP 81
    And it is allowed at ingress by shop/eighty-one, shop/from-web
