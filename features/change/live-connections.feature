Feature: A connection that is open when something changes
  Background:
    Given the pods:
      | pod      | labels             | ports |
      | shop/web | app=web, tier=front |       |
      | shop/db  | app=db             | 5432  |
    And the outside hosts:
      | host   | address                   | ports |
      | office | 198.51.100.7, 2001:db8::7 | 443   |
    And the policy:
      """
      apiVersion: networking.k8s.io/v1
      kind: NetworkPolicy
      metadata: {name: front-only, namespace: shop}
      spec:
        podSelector: {matchLabels: {app: db}}
        ingress:
          - from:
              - podSelector: {matchLabels: {tier: front}}
              - namespaceSelector: {matchLabels: {team: ops}}
      """

  Scenario: It is judged anew at the next packet of who opened it, and resumes when it may
    Given shop/web has an open TCP connection to shop/db on port 5432 from port 40000
    When the label tier is removed from the pod shop/web
    And shop/web sends data on it
    Then it is dropped: policy_denied_ingress
    And it is denied at ingress by shop/front-only
    When shop/db sends data on it
    Then it is dropped: connection_revoked
    When the pod shop/web is labelled tier=front
    And shop/web sends data on it
    Then it arrives
    And it is allowed at ingress by shop/front-only
    When shop/db sends data on it
    Then it arrives

  Scenario: Until then its answers pass
    Given shop/web has an open TCP connection to shop/db on port 5432 from port 40000
    When the label tier is removed from the pod shop/web
    And shop/db sends data on it
    Then it arrives

  Scenario: What was revoked stays so for a minute, then its answers are judged as new
    Given shop/web has an open TCP connection to shop/db on port 5432 from port 40000
    When the label tier is removed from the pod shop/web
    And shop/web sends data on it
    And 55 seconds pass
    And shop/db sends data on it
    Then it is dropped: connection_revoked
    When 6 seconds pass
    And shop/db sends data on it
    Then it arrives
    And no policy decides at ingress

  Scenario Outline: A <conversation> that both rule sets allow loses no packet
    Given shop/web has an open <conversation> <with> shop/db on port 5432 from port 40000
    When the policy is applied:
      """
      apiVersion: networking.k8s.io/v1
      kind: NetworkPolicy
      metadata: {name: open, namespace: shop}
      spec: {podSelector: {matchLabels: {app: db}}, ingress: [{}]}
      """
    And shop/web sends data on it
    Then it arrives
    When the policy shop/front-only is deleted
    And shop/web sends data on it
    Then it arrives
    When shop/db sends data on it
    Then it arrives
    When the policy shop/open is deleted
    And shop/db sends data on it
    Then it arrives
    When shop/web sends data on it
    Then it arrives

    Examples:
      | conversation     | with |
      | TCP connection   | to   |
      | UDP conversation | with |
      | SCTP association | with |

  Scenario: A policy that is created, changed and deleted decides at the next packet
    Given shop/web has an open UDP conversation with shop/db on port 5432 from port 40000
    When the policy is applied:
      """
      apiVersion: networking.k8s.io/v1
      kind: NetworkPolicy
      metadata: {name: front-only, namespace: shop}
      spec: {podSelector: {matchLabels: {app: db}}, ingress: [{ports: [{port: 53, protocol: UDP}]}]}
      """
    And shop/web sends data on it
    Then it is dropped: policy_denied_ingress
    When the policy is applied:
      """
      apiVersion: networking.k8s.io/v1
      kind: NetworkPolicy
      metadata: {name: front-only, namespace: shop}
      spec: {podSelector: {matchLabels: {app: db}}, ingress: [{ports: [{port: 5432, protocol: UDP}]}]}
      """
    And shop/web sends data on it
    Then it arrives
    And it is allowed at ingress by shop/front-only
    When the policy shop/front-only is deleted
    And shop/web sends data on it
    Then it arrives
    And no policy decides at ingress

  Scenario: A namespace that gets a label, and loses it
    Given the pods:
      | pod     |
      | ops/mon |
    When ops/mon sends TCP SYN from port 40000 to shop/db port 5432
    Then it is dropped: policy_denied_ingress
    Given the namespace ops is labelled team=ops
    And ops/mon has an open TCP connection to shop/db on port 5432 from port 40000
    When the label team is removed from the namespace ops
    And ops/mon sends data on it
    Then it is dropped: policy_denied_ingress
    When the namespace ops is labelled team=ops
    And ops/mon sends data on it
    Then it arrives

  Scenario: The isolated end loses its label
    Given the label tier is removed from the pod shop/web
    When shop/web sends UDP from port 40000 to shop/db port 53
    Then it is dropped: policy_denied_ingress
    When the label app is removed from the pod shop/db
    And shop/web sends UDP from port 40000 to shop/db port 53
    Then it arrives
    When the pod shop/db is labelled app=db
    And shop/web sends UDP from port 40000 to shop/db port 53
    Then it is dropped: policy_denied_ingress
    When shop/db sends UDP from port 53 to shop/web port 40000
    Then it is dropped: connection_revoked

  Scenario: A connection to outside whose way is closed
    Given shop/web has an open TCP connection to external/office on port 443 from port 40000
    When the policy is applied:
      """
      apiVersion: networking.k8s.io/v1
      kind: NetworkPolicy
      metadata: {name: stay-inside, namespace: shop}
      spec: {podSelector: {matchLabels: {app: web}}, policyTypes: [Egress]}
      """
    And shop/web sends data on it
    Then it is dropped: policy_denied_egress
    When external/office sends data on it
    Then it is dropped: connection_revoked
    When the policy shop/stay-inside is deleted
    And shop/web sends data on it
    Then it arrives
    When external/office sends data on it
    Then it arrives
