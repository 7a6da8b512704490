Feature: Labels decide at the moment they are set
  Background:
    Given the pods:
      | pod      | labels  | ports |
      | shop/web |         |       |
      | shop/db  | app=db  | 80    |
      | ops/mon  |         |       |
    And the policy:
      """
      apiVersion: networking.k8s.io/v1
      kind: NetworkPolicy
      metadata: {name: db, namespace: shop}
      spec:
        podSelector: {matchLabels: {app: db}}
        ingress:
          - from:
              - podSelector: {matchLabels: {tier: front}}
              - namespaceSelector: {matchLabels: {team: ops}}
      """

  Scenario: A pod that gets the label gets in
    Then nobody reaches shop/db on TCP 80
    When the pod shop/web is labelled tier=front, app=web
    Then only shop/web reaches shop/db on TCP 80
    When the pod shop/web is labelled tier=back
    Then nobody reaches shop/db on TCP 80
    When the pod shop/web is labelled tier=front
    And the label tier is removed from the pod shop/web
    Then nobody reaches shop/db on TCP 80

  Scenario: A namespace that gets the label lets its pods in
    When the namespace ops is labelled team=ops
    Then only ops/mon reaches shop/db on TCP 80
    When the label team is removed from the namespace ops
    Then nobody reaches shop/db on TCP 80

  Scenario: A pod that loses the label is not isolated any more
    When the label app is removed from the pod shop/db
    Then everybody reaches shop/db on TCP 80
    When the pod shop/db is labelled app=db
    Then nobody reaches shop/db on TCP 80
