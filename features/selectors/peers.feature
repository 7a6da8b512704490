Feature: Peers of a rule are alternatives, selectors of a peer hold together
  Background:
    Given the namespaces:
      | namespace | labels    |
      | shop      | team=shop |
      | ops       | team=ops  |
    And the pods:
      | pod         | labels   | ports |
      | shop/db     | app=db   | 80    |
      | shop/admin  | role=adm |       |
      | shop/web    | app=web  |       |
      | ops/admin   | role=adm |       |
      | ops/other   |          |       |

  Scenario: Both selectors in one peer: pods with the label, in namespaces with the label
    Given the policy:
      """
      apiVersion: networking.k8s.io/v1
      kind: NetworkPolicy
      metadata: {name: ops-admins, namespace: shop}
      spec:
        podSelector: {matchLabels: {app: db}}
        ingress:
          - from:
              - namespaceSelector: {matchLabels: {team: ops}}
                podSelector: {matchLabels: {role: adm}}
      """
    Then only ops/admin reaches shop/db on TCP 80

  Scenario: Two peers: all of the namespaces, or own pods with the label
    Given the policy:
      """
      apiVersion: networking.k8s.io/v1
      kind: NetworkPolicy
      metadata: {name: ops-or-admins, namespace: shop}
      spec:
        podSelector: {matchLabels: {app: db}}
        ingress:
          - from:
              - namespaceSelector: {matchLabels: {team: ops}}
              - podSelector: {matchLabels: {role: adm}}
      """
    Then only ops/admin, ops/other, shop/admin reach shop/db on TCP 80

  Scenario: Peers and ports of one rule hold together, rules are alternatives
    Given the pods:
      | pod       | labels  | ports      |
      | shop/api  | app=api | 80, 81     |
    And the policy:
      """
      apiVersion: networking.k8s.io/v1
      kind: NetworkPolicy
      metadata: {name: two-rules, namespace: shop}
      spec:
        podSelector: {matchLabels: {app: api}}
        ingress:
          - from: [{podSelector: {matchLabels: {app: web}}}]
            ports: [{port: 80}]
          - from: [{podSelector: {matchLabels: {role: adm}}}]
            ports: [{port: 81}]
      """
    Then only shop/web reaches shop/api on TCP 80
    And only shop/admin reaches shop/api on TCP 81
