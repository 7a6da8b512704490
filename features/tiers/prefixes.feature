Feature: A narrow rule does not beat a wide one that is asked before it
  Elsewhere a narrow CIDR to allow beat a wide one to deny, whatever their priorities: the tables are searched by
  longest prefix. Here it is settled before, which rule decides.

  Background:
    Given the pods:
      | pod      | labels  | ports                 | address   |
      | shop/web | app=web | 80                    | 10.9.0.1  |
      | shop/db  | app=db  | 80, 8080, 5432, 53/UDP | 10.1.1.10 |
      | shop/api | app=api | 80, 8080, 5432, 53/UDP | 10.1.2.10 |

  Scenario Outline: <first> <first network> before <second> <second network>
    Given the policies:
      """
      apiVersion: policy.networking.k8s.io/v1alpha2
      kind: ClusterNetworkPolicy
      metadata: {name: first}
      spec:
        tier: Admin
        priority: 1
        subject: {namespaces: {}}
        egress: [{action: <first>, to: [{networks: [<first network>]}]}]
      ---
      apiVersion: policy.networking.k8s.io/v1alpha2
      kind: ClusterNetworkPolicy
      metadata: {name: second}
      spec:
        tier: Admin
        priority: 2
        subject: {namespaces: {}}
        egress: [{action: <second>, to: [{networks: [<second network>]}]}]
      """
    Then shop/web <db> connect to shop/db on TCP 80
    And shop/web <api> connect to shop/api on TCP 80

    Examples:
      | first  | first network | second | second network | db     | api    |
      | Deny   | 10.0.0.0/8    | Accept | 10.1.1.0/24    | cannot | cannot |
      | Deny   | 10.0.0.0/8    | Accept | 10.1.1.10/32   | cannot | cannot |
      | Accept | 10.1.1.0/24   | Deny   | 10.0.0.0/8     | can    | cannot |
      | Accept | 10.1.1.10/32  | Deny   | 10.0.0.0/8     | can    | cannot |
      | Accept | 10.0.0.0/8    | Deny   | 10.1.1.0/24    | can    | can    |
      | Deny   | 10.1.1.0/24   | Accept | 10.0.0.0/8     | cannot | can    |
      | Pass   | 10.1.1.10/32  | Deny   | 10.0.0.0/8     | can    | cannot |

  Scenario Outline: <first> <first ports> before <second> <second ports>
    Given the policies:
      """
      apiVersion: policy.networking.k8s.io/v1alpha2
      kind: ClusterNetworkPolicy
      metadata: {name: first}
      spec:
        tier: Admin
        priority: 1
        subject: {namespaces: {}}
        ingress: [{action: <first>, from: [{namespaces: {}}], protocols: [{tcp: {destinationPort: {<first ports>}}}]}]
      ---
      apiVersion: policy.networking.k8s.io/v1alpha2
      kind: ClusterNetworkPolicy
      metadata: {name: second}
      spec:
        tier: Admin
        priority: 2
        subject: {namespaces: {}}
        ingress: [{action: <second>, from: [{namespaces: {}}], protocols: [{tcp: {destinationPort: {<second ports>}}}]}]
      """
    Then shop/web <on 8080> connect to shop/db on TCP 8080
    And shop/web <on 5432> connect to shop/db on TCP 5432
    And shop/web can connect to shop/db on UDP 53

    Examples:
      | first  | first ports                     | second | second ports                    | on 8080 | on 5432 |
      | Deny   | range: {start: 1, end: 65535}   | Accept | number: 8080                    | cannot  | cannot  |
      | Deny   | range: {start: 8000, end: 8191} | Accept | number: 8080                    | cannot  | can     |
      | Accept | number: 8080                    | Deny   | range: {start: 1, end: 65535}   | can     | cannot  |
      | Accept | range: {start: 1, end: 65535}   | Deny   | number: 8080                    | can     | can     |
      | Deny   | number: 8080                    | Accept | range: {start: 1, end: 65535}   | cannot  | can     |
      | Pass   | number: 8080                    | Deny   | range: {start: 5000, end: 9000} | can     | cannot  |

  Scenario: A port that is passed on falls back to isolation, in the middle of a range that is accepted
    Given the policies:
      """
      apiVersion: policy.networking.k8s.io/v1alpha2
      kind: ClusterNetworkPolicy
      metadata: {name: guard}
      spec:
        tier: Admin
        priority: 1
        subject: {namespaces: {}}
        ingress:
        - {action: Pass, from: [{namespaces: {}}], protocols: [{tcp: {destinationPort: {number: 8080}}}]}
        - {action: Accept, from: [{namespaces: {}}]}
      ---
      apiVersion: networking.k8s.io/v1
      kind: NetworkPolicy
      metadata: {name: default-deny, namespace: shop}
      spec: {podSelector: {}}
      """
    Then shop/web can connect to shop/db on TCP 80
    And it is allowed at ingress by ClusterNetworkPolicy/guard
    And shop/web cannot connect to shop/db on TCP 8080
    And it is denied at ingress by shop/default-deny
    And shop/web can ping shop/db

  Scenario: A port of the Baseline tier does not beat a network policy for everything
    Given the policies:
      """
      apiVersion: policy.networking.k8s.io/v1alpha1
      kind: BaselineAdminNetworkPolicy
      metadata: {name: default}
      spec:
        subject: {namespaces: {}}
        ingress:
        - {action: Deny, from: [{namespaces: {}}], ports: [{portNumber: {port: 80}}]}
      ---
      apiVersion: networking.k8s.io/v1
      kind: NetworkPolicy
      metadata: {name: open, namespace: shop}
      spec: {podSelector: {matchLabels: {app: db}}, ingress: [{}]}
      """
    Then shop/web can connect to shop/db on TCP 80
    And it is allowed at ingress by shop/open
    And shop/web cannot connect to shop/api on TCP 80
    And it is denied at ingress by BaselineAdminNetworkPolicy/default
