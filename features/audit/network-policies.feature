Feature: A network policy in audit mode lets through, and says what it would deny
  Background:
    Given the pods:
      | pod      | labels  | ports    |
      | shop/web | app=web | 80       |
      | shop/db  | app=db  | 80, 5432 |
      | shop/api | app=api | 80       |

  Scenario: What would be denied passes, and is reported
    Given the policy:
      """
      apiVersion: networking.k8s.io/v1
      kind: NetworkPolicy
      metadata: {name: db, namespace: shop, annotations: {plumbline/audit: "true"}}
      spec: {podSelector: {matchLabels: {app: db}}, ingress: [{from: [{podSelector: {matchLabels: {app: web}}}], ports: [{port: 5432}]}]}
      """
    Then shop/web can connect to shop/db on TCP 5432
    And it is allowed at ingress by shop/db
    And shop/api is audited connecting to shop/db on TCP 5432
    And it is audited at ingress by shop/db
    And shop/api is refused by shop/db on TCP 81
    And it is audited at ingress by shop/db
    And shop/web can connect to shop/api on TCP 80
    And no policy decides at ingress
    And the reachability on TCP 80 is:
      |          | shop/web | shop/db | shop/api |
      | shop/web | .        | ~       | ✓        |
      | shop/api | ✓        | ~       | .        |

  Scenario: It never opens what an enforced policy closes
    Given the policies:
      """
      apiVersion: networking.k8s.io/v1
      kind: NetworkPolicy
      metadata: {name: trial, namespace: shop, annotations: {plumbline/audit: "true"}}
      spec: {podSelector: {}, ingress: [{from: [{podSelector: {matchLabels: {app: api}}}]}]}
      ---
      apiVersion: networking.k8s.io/v1
      kind: NetworkPolicy
      metadata: {name: db, namespace: shop}
      spec: {podSelector: {matchLabels: {app: db}}, ingress: [{ports: [{port: 5432}]}]}
      """
    Then shop/web cannot connect to shop/db on TCP 80
    And it is denied at ingress by shop/db
    And shop/web can connect to shop/db on TCP 5432
    And it is allowed at ingress by shop/db
    And shop/api can connect to shop/db on TCP 80
    And it is allowed at ingress by shop/trial
    And shop/db is audited connecting to shop/web on TCP 80
    And it is audited at ingress by shop/trial

  Scenario: A side that enforces denies, whatever the other side audits
    Given the policies:
      """
      apiVersion: networking.k8s.io/v1
      kind: NetworkPolicy
      metadata: {name: out, namespace: shop, annotations: {plumbline/audit: "true"}}
      spec: {podSelector: {}, policyTypes: [Egress]}
      ---
      apiVersion: networking.k8s.io/v1
      kind: NetworkPolicy
      metadata: {name: in, namespace: shop}
      spec: {podSelector: {matchLabels: {app: db}}}
      """
    Then shop/web cannot connect to shop/db on TCP 80
    And it is audited at egress by shop/out
    And it is denied at ingress by shop/in
    And shop/web is audited connecting to shop/api on TCP 80
    And it is audited at egress by shop/out
    And no policy decides at ingress

  Scenario: Once it has shown what it does, it is enforced
    Given the policy:
      """
      apiVersion: networking.k8s.io/v1
      kind: NetworkPolicy
      metadata: {name: db, namespace: shop, annotations: {plumbline/audit: "true"}}
      spec: {podSelector: {matchLabels: {app: db}}}
      """
    Then shop/web is audited connecting to shop/db on TCP 80
    When the policy is applied:
      """
      apiVersion: networking.k8s.io/v1
      kind: NetworkPolicy
      metadata: {name: db, namespace: shop, annotations: {plumbline/audit: "false"}}
      spec: {podSelector: {matchLabels: {app: db}}}
      """
    Then shop/web cannot connect to shop/db on TCP 80
    And it is denied at ingress by shop/db
