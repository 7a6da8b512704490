Feature: NetworkLogging is an object like others
  It takes effect when it is applied and ends when it is deleted. One that is not valid changes nothing.

  Background:
    Given the pods:
      | pod      | labels  | ports |
      | shop/web | app=web | 80    |
      | shop/db  | app=db  | 80    |
    And the policy:
      """
      apiVersion: networking.k8s.io/v1
      kind: NetworkPolicy
      metadata: {name: db, namespace: shop}
      spec: {podSelector: {matchLabels: {app: db}}, ingress: [{ports: [{port: 80}]}]}
      """

  Scenario: It counts from when it is applied
    Then shop/web can connect to shop/db on TCP 80 over IPv4
    And nothing is logged
    When the manifests are applied:
      """
      apiVersion: networking.gke.io/v1alpha1
      kind: NetworkLogging
      metadata: {name: default}
      spec: {cluster: {allow: {log: true}}}
      """
    Then shop/web can connect to shop/db on TCP 80 over IPv4
    And these records are logged:
      | disposition | policies |
      | allow       | shop/db  |

  Scenario Outline: <what> changes nothing
    Given allowed connections are logged
    When the manifests are applied:
      """
      apiVersion: networking.gke.io/v1alpha1
      kind: NetworkLogging
      metadata: {name: <name>}
      spec: {cluster: {allow: <allow>}}
      """
    Then shop/web can connect to shop/db on TCP 80 over IPv4
    And 1 record is logged

    Examples:
      | what                                 | name    | allow                        |
      | An object of another name            | other   | {log: false}                 |
      | One that delegates what it turns off | default | {log: false, delegate: true} |

  Scenario: A valid one takes the place of the one before
    Given allowed connections are logged
    When the manifests are applied:
      """
      apiVersion: networking.gke.io/v1alpha1
      kind: NetworkLogging
      metadata: {name: default}
      spec: {cluster: {deny: {log: true}}}
      """
    Then shop/web can connect to shop/db on TCP 80
    And nothing is logged
