Feature: Pods and namespaces come and go under policies that are there already
  Background:
    Given a cluster:
      """
      apiVersion: v1
      kind: Pod
      metadata: {name: db, namespace: shop, labels: {app: db}}
      spec: {containers: [{name: db, image: db, ports: [{containerPort: 80}]}]}
      status: {podIP: 10.244.7.20}
      ---
      apiVersion: networking.k8s.io/v1
      kind: NetworkPolicy
      metadata: {name: front-only, namespace: shop}
      spec:
        podSelector: {}
        ingress: [{from: [{podSelector: {matchLabels: {tier: front}}}]}]
      """

  Scenario: The first packet of a new pod is judged like any other
    When the pods are created:
      | pod      | labels     | ports |
      | shop/web | tier=front | 80    |
      | shop/bat | tier=back  | 80    |
    Then only shop/web reaches shop/db on TCP 80
    And only shop/web reaches shop/bat on TCP 80
    And shop/bat cannot connect to shop/web on TCP 80

  Scenario: An address that is used again belongs to the new pod
    When the pods are created:
      | pod      | labels     | address     |
      | shop/web | tier=front | 10.244.7.30 |
    Then shop/web can connect to shop/db on TCP 80
    When the pod shop/web is deleted
    And the pods are created:
      | pod      | labels    | address     |
      | shop/bat | tier=back | 10.244.7.30 |
    Then shop/bat cannot connect to shop/db on TCP 80
    And it is denied at ingress by shop/front-only

  Scenario: A namespace takes its policies with it
    When the manifests are applied:
      """
      apiVersion: v1
      kind: Pod
      metadata: {name: mon, namespace: ops}
      spec: {containers: [{name: mon, image: mon}]}
      """
    Then ops/mon cannot connect to shop/db on TCP 80
    When the namespace shop is deleted
    And the namespace shop is created
    And the pods are created:
      | pod     | labels | ports |
      | shop/db | app=db | 80    |
    Then ops/mon can connect to shop/db on TCP 80
    And no policy decides at ingress
