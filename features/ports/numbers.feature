Feature: Port numbers and ranges
  Background:
    Given the pods:
      | pod      | labels  | ports                                      |
      | shop/db  | app=db  | 79, 80, 81, 90, 91, 80/UDP, 80/SCTP, 65535 |
      | shop/web | app=web |                                            |

  Scenario: A port without a protocol is TCP
    Given the policy:
      """
      apiVersion: networking.k8s.io/v1
      kind: NetworkPolicy
      metadata: {name: eighty, namespace: shop}
      spec: {podSelector: {matchLabels: {app: db}}, ingress: [{ports: [{port: 80}]}]}
      """
    Then shop/web can connect to shop/db on TCP 80
    And shop/web cannot connect to shop/db on UDP 80
    And shop/web cannot connect to shop/db on SCTP 80
    And shop/web cannot connect to shop/db on TCP 81

  Scenario: endPort is the last port that is meant
    Given the policy:
      """
      apiVersion: networking.k8s.io/v1
      kind: NetworkPolicy
      metadata: {name: range, namespace: shop}
      spec: {podSelector: {matchLabels: {app: db}}, ingress: [{ports: [{port: 80, endPort: 90}]}]}
      """
    Then shop/web cannot connect to shop/db on TCP 79
    And shop/web can connect to shop/db on TCP 80
    And shop/web can connect to shop/db on TCP 81
    And shop/web can connect to shop/db on TCP 90
    And shop/web cannot connect to shop/db on TCP 91
    And shop/web cannot connect to shop/db on UDP 80

  Scenario: A range may be one port wide, or end with the last port there is
    Given the policy:
      """
      apiVersion: networking.k8s.io/v1
      kind: NetworkPolicy
      metadata: {name: edges, namespace: shop}
      spec:
        podSelector: {matchLabels: {app: db}}
        ingress: [{ports: [{port: 80, endPort: 80}, {port: 65000, endPort: 65535}]}]
      """
    Then shop/web can connect to shop/db on TCP 80
    And shop/web cannot connect to shop/db on TCP 81
    And shop/web can connect to shop/db on TCP 65535
    And shop/web is refused by shop/db on TCP 65000
    And shop/web cannot connect to shop/db on TCP 64999

  Scenario: A protocol without a port is all its ports
    Given the policy:
      """
      apiVersion: networking.k8s.io/v1
      kind: NetworkPolicy
      metadata: {name: all-of-udp, namespace: shop}
      spec: {podSelector: {matchLabels: {app: db}}, ingress: [{ports: [{protocol: UDP}]}]}
      """
    Then everybody reaches shop/db on UDP 80
    And everybody reaches shop/db on UDP 4444
    And nobody reaches shop/db on TCP 80

  Scenario: A policy lets through what nobody serves; the pod itself refuses it
    Given the policy:
      """
      apiVersion: networking.k8s.io/v1
      kind: NetworkPolicy
      metadata: {name: any-port, namespace: shop}
      spec: {podSelector: {matchLabels: {app: db}}, ingress: [{from: [{podSelector: {}}]}]}
      """
    Then shop/web is refused by shop/db on TCP 82
    And shop/web is refused by shop/db on UDP 82
    And it is allowed at ingress by shop/any-port
