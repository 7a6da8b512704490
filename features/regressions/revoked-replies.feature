Feature: Deleting policies killed connections that nothing forbade, or let those go on that something did
  Background:
    Given the pods:
      | pod      | labels  | ports |
      | shop/web | app=web |       |
      | shop/db  | app=db  | 5432  |
    And the policy:
      """
      apiVersion: networking.k8s.io/v1
      kind: NetworkPolicy
      metadata: {name: from-web, namespace: shop}
      spec:
        podSelector: {matchLabels: {app: db}}
        policyTypes: [Ingress, Egress]
        ingress: [{from: [{podSelector: {matchLabels: {app: web}}}]}]
      """

  Scenario Outline: Without the only policy every packet passes, <first> first
    Given shop/web has an open TCP connection to shop/db on port 5432 from port 40000
    When the policy shop/from-web is deleted
    And <first> sends data on it
    Then it arrives
    When <second> sends data on it
    Then it arrives
    When shop/web closes it
    Then it arrives

    Examples:
      | first    | second   |
      | shop/web | shop/db  |
      | shop/db  | shop/web |

  @datapath
  Scenario: Without the rule that allowed it the next packet is denied, and with it again it resumes
    Given shop/web has an open TCP connection to shop/db on port 5432 from port 40000
    When the policy is applied:
      """
      apiVersion: networking.k8s.io/v1
      kind: NetworkPolicy
      metadata: {name: from-web, namespace: shop}
      spec: {podSelector: {matchLabels: {app: db}}, policyTypes: [Ingress, Egress]}
      """
    And shop/web sends data on it
    Then it is dropped: policy_denied_ingress
    And 1 packet is counted as policy_denied_ingress
    When shop/db sends data on it
    Then it is dropped: connection_revoked
    When the policy is applied:
      """
      apiVersion: networking.k8s.io/v1
      kind: NetworkPolicy
      metadata: {name: from-web, namespace: shop}
      spec:
        podSelector: {matchLabels: {app: db}}
        policyTypes: [Ingress, Egress]
        ingress: [{from: [{podSelector: {matchLabels: {app: web}}}]}]
      """
    And shop/web sends data on it
    Then it arrives
    When shop/db sends data on it
    Then it arrives
