Feature: TCP, UDP, SCTP and ICMP
  Background:
    Given the pods:
      | pod      | labels  | ports                       |
      | shop/web | app=web |                             |
      | shop/db  | app=db  | 80, 80/UDP, 80/SCTP         |

  Scenario Outline: A rule for <protocol> opens <protocol> and nothing else
    Given the policy:
      """
      apiVersion: networking.k8s.io/v1
      kind: NetworkPolicy
      metadata: {name: one-protocol, namespace: shop}
      spec:
        podSelector: {matchLabels: {app: db}}
        ingress: [{ports: [{protocol: <protocol>, port: 80}]}]
      """
    Then everybody reaches shop/db on <protocol> 80
    And nobody reaches shop/db on <second> 80
    And nobody reaches shop/db on <third> 80
    And nobody reaches shop/db on ICMP

    Examples:
      | protocol | second | third |
      | TCP      | UDP    | SCTP  |
      | UDP      | SCTP   | TCP   |
      | SCTP     | TCP    | UDP   |

  Scenario: A rule without ports opens every protocol, ICMP among them
    Given the policy:
      """
      apiVersion: networking.k8s.io/v1
      kind: NetworkPolicy
      metadata: {name: from-web, namespace: shop}
      spec:
        podSelector: {matchLabels: {app: db}}
        ingress: [{from: [{podSelector: {matchLabels: {app: web}}}]}]
      """
    Then shop/web can connect to shop/db on TCP 80
    And shop/web can connect to shop/db on UDP 80
    And shop/web can connect to shop/db on SCTP 80
    And shop/web can ping shop/db

  Scenario: ICMP has no port to be allowed by
    Given the policy:
      """
      apiVersion: networking.k8s.io/v1
      kind: NetworkPolicy
      metadata: {name: all-transports, namespace: shop}
      spec:
        podSelector: {matchLabels: {app: db}}
        ingress: [{ports: [{protocol: TCP}, {protocol: UDP}, {protocol: SCTP}]}]
      """
    Then shop/web can connect to shop/db on TCP 80
    And shop/web cannot ping shop/db
    And it is denied at ingress by shop/all-transports

  Scenario: Egress by protocol
    Given the policy:
      """
      apiVersion: networking.k8s.io/v1
      kind: NetworkPolicy
      metadata: {name: udp-out, namespace: shop}
      spec:
        podSelector: {matchLabels: {app: web}}
        policyTypes: [Egress]
        egress: [{ports: [{protocol: UDP}]}]
      """
    Then shop/web reaches everybody on UDP 80
    And shop/web reaches nobody on TCP 80
    And shop/web reaches nobody on SCTP 80
    And shop/web cannot ping shop/db
