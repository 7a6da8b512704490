Feature: A policy without egress rules keeps a pod from opening anything
  Background:
    Given the pods:
      | pod      | labels  | ports  |
      | shop/web | app=web | 80     |
      | shop/db  | app=db  | 5432   |
      | dns/core |         | 53/UDP |
    And the outside hosts:
      | host   | address                   | ports |
      | office | 198.51.100.7, 2001:db8::7 | 443   |

  Scenario: Nothing gets out, and the policy is named
    Given the policy:
      """
      apiVersion: networking.k8s.io/v1
      kind: NetworkPolicy
      metadata: {name: no-way-out, namespace: shop}
      spec: {podSelector: {matchLabels: {app: web}}, policyTypes: [Egress]}
      """
    Then shop/web reaches nobody on TCP 443
    And shop/web reaches nobody on UDP 53
    And shop/web reaches nobody on ICMP
    And shop/web cannot connect to shop/db on TCP 5432
    And it is denied at egress by shop/no-way-out
    And shop/web is isolated for egress
    And everybody reaches shop/web on TCP 80

  Scenario: What is allowed out still has to be let in
    Given the policies:
      """
      apiVersion: networking.k8s.io/v1
      kind: NetworkPolicy
      metadata: {name: out-to-db, namespace: shop}
      spec:
        podSelector: {matchLabels: {app: web}}
        policyTypes: [Egress]
        egress: [{to: [{podSelector: {matchLabels: {app: db}}}]}]
      ---
      apiVersion: networking.k8s.io/v1
      kind: NetworkPolicy
      metadata: {name: db-closed, namespace: shop}
      spec: {podSelector: {matchLabels: {app: db}}, policyTypes: [Ingress]}
      """
    Then shop/web cannot connect to shop/db on TCP 5432
    And it is allowed at egress by shop/out-to-db
    And it is denied at ingress by shop/db-closed
    When the policy shop/db-closed is deleted
    Then shop/web can connect to shop/db on TCP 5432
    And it is allowed at egress by shop/out-to-db
    And no policy decides at ingress

  Scenario: Name resolution has to be allowed by name, too
    Given the policy:
      """
      apiVersion: networking.k8s.io/v1
      kind: NetworkPolicy
      metadata: {name: dns, namespace: shop}
      spec:
        podSelector: {}
        policyTypes: [Egress]
        egress:
          - to: [{namespaceSelector: {matchLabels: {kubernetes.io/metadata.name: dns}}}]
            ports: [{protocol: UDP, port: 53}]
      """
    Then shop/web reaches only dns/core on UDP 53
    And shop/web reaches nobody on TCP 443
