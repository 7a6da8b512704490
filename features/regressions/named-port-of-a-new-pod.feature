Feature: A named port kept its old number after the pod had changed
  Scenario: A new pod serves the same name at another number
    Given the pods:
      | pod      | labels  | ports    | address    |
      | shop/web |         |          |            |
      | shop/db  | app=db  | sql=5432 | 10.244.0.9 |
    And the policy:
      """
      apiVersion: networking.k8s.io/v1
      kind: NetworkPolicy
      metadata: {name: sql, namespace: shop}
      spec: {podSelector: {matchLabels: {app: db}}, ingress: [{ports: [{port: sql}]}]}
      """
    Given shop/web has an open TCP connection to shop/db on port 5432 from port 40000
    When shop/web sends TCP SYN from port 40001 to shop/db port 6432
    Then it is dropped: policy_denied_ingress
    When the pod shop/db is deleted
    And the pods are created:
      | pod      | labels  | ports    | address    |
      | shop/db2 | app=db  | sql=6432 | 10.244.0.9 |
    And shop/web sends TCP SYN from port 40000 to shop/db2 port 5432
    Then it is dropped: policy_denied_ingress
    When shop/web sends TCP SYN from port 40001 to shop/db2 port 6432
    Then it arrives
    And it is allowed at ingress by shop/sql
