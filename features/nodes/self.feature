Feature: A pod always reaches itself
  What a pod sends to its own address does not leave it.

  Scenario: Even with everything denied
    Given the pods:
      | pod      | labels  | ports              |
      | shop/web | app=web | 80, 80/UDP         |
      | shop/db  | app=db  | 80                 |
    And the policy:
      """
      apiVersion: networking.k8s.io/v1
      kind: NetworkPolicy
      metadata: {name: default-deny, namespace: shop}
      spec: {podSelector: {}, policyTypes: [Ingress, Egress]}
      """
    Then shop/web can connect to shop/web on TCP 80
    And shop/web can connect to shop/web on UDP 80
    And shop/web can ping shop/web
    But shop/web cannot connect to shop/db on TCP 80
