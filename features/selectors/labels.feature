Feature: Label selectors choose pods by every operator of the API
  Background:
    Given the pods:
      | pod         | labels                | ports |
      | shop/db     | app=db                | 80    |
      | shop/gold   | tier=gold             |       |
      | shop/silver | tier=silver           |       |
      | shop/old    | tier=gold, retired=   |       |
      | shop/plain  |                       |       |

  Scenario Outline: <operator>
    Given the policy:
      """
      apiVersion: networking.k8s.io/v1
      kind: NetworkPolicy
      metadata: {name: chosen, namespace: shop}
      spec:
        podSelector: {matchLabels: {app: db}}
        ingress: [{from: [{podSelector: <selector>}]}]
      """
    Then only <sources> reach shop/db on TCP 80

    Examples:
      | operator                                      | selector                                                                        | sources                                          |
      | matchLabels takes the pods with the label     | {matchLabels: {tier: gold}}                                                     | shop/gold, shop/old                              |
      | In takes the pods with one of the values      | {matchExpressions: [{key: tier, operator: In, values: [gold, silver]}]}         | shop/gold, shop/silver, shop/old                 |
      | NotIn takes the pods without the label, too   | {matchExpressions: [{key: tier, operator: NotIn, values: [gold]}]}              | shop/silver, shop/plain                          |
      | Exists takes every value, the empty one, too  | {matchExpressions: [{key: retired, operator: Exists}]}                          | shop/old                                         |
      | DoesNotExist takes the pods without the label | {matchExpressions: [{key: retired, operator: DoesNotExist}]}                    | shop/gold, shop/silver, shop/plain               |
      | An empty value is a value                     | {matchLabels: {retired: ""}}                                                    | shop/old                                         |
      | Labels and expressions hold together          | {matchLabels: {tier: gold}, matchExpressions: [{key: retired, operator: DoesNotExist}]} | shop/gold                                |
      | The empty selector takes all of the namespace | {}                                                                              | shop/gold, shop/silver, shop/old, shop/plain     |

  Scenario: A selector that takes nobody allows nobody
    Given the policy:
      """
      apiVersion: networking.k8s.io/v1
      kind: NetworkPolicy
      metadata: {name: nobody, namespace: shop}
      spec:
        podSelector: {matchLabels: {app: db}}
        ingress: [{from: [{podSelector: {matchLabels: {tier: platinum}}}]}]
      """
    Then nobody reaches shop/db on TCP 80

  Scenario: A policy applies to the pods it selects and to no others
    Given the policy:
      """
      apiVersion: networking.k8s.io/v1
      kind: NetworkPolicy
      metadata: {name: gold-closed, namespace: shop}
      spec:
        podSelector: {matchExpressions: [{key: tier, operator: In, values: [gold]}, {key: retired, operator: DoesNotExist}]}
      """
    Then shop/gold is isolated for ingress
    And shop/old is not isolated for ingress
    And shop/plain is not isolated for ingress
