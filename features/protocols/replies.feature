Feature: Replies are part of the connection they answer
  Scenario: A pod that may open nothing can still answer
    Given the pods:
      | pod      | labels  | ports                |
      | shop/web | app=web | 80                   |
      | shop/db  | app=db  | 80, 80/UDP, 80/SCTP  |
    And the policy:
      """
      apiVersion: networking.k8s.io/v1
      kind: NetworkPolicy
      metadata: {name: no-way-out, namespace: shop}
      spec: {podSelector: {matchLabels: {app: db}}, policyTypes: [Egress]}
      """
    Then shop/web can connect to shop/db on TCP 80
    And shop/web can connect to shop/db on UDP 80
    And shop/web can connect to shop/db on SCTP 80
    And shop/web can ping shop/db
    But shop/db cannot connect to shop/web on TCP 80
    And shop/db cannot ping shop/web

  Scenario: A pod that lets nobody in still gets its answers
    Given the pods:
      | pod      | labels  | ports      |
      | shop/web | app=web | 80         |
      | shop/db  | app=db  | 80, 80/UDP |
    And the policy:
      """
      apiVersion: networking.k8s.io/v1
      kind: NetworkPolicy
      metadata: {name: closed, namespace: shop}
      spec: {podSelector: {matchLabels: {app: web}}}
      """
    Then shop/web can connect to shop/db on TCP 80
    And shop/web can connect to shop/db on UDP 80
    And shop/web is refused by shop/db on TCP 81
    And shop/web is refused by shop/db on UDP 81
    And nobody reaches shop/web on TCP 80
