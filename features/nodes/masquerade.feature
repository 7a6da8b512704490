Feature: What pods send out of the cluster leaves with their node's address
  As the ip-masq-agent does it. The node's address is on the wire only: policies and logs see the pod.

  Background:
    Given the nodes:
      | node | labels | address                 |
      | n1   |        | 172.18.0.11, fd00:18::1 |
      | n2   |        | 172.18.0.12, fd00:18::2 |
    And the pods:
      | pod        | labels  | ports          | node | network |
      | shop/web   | app=web | 80, 53/UDP     | n1   |         |
      | shop/db    | app=db  | 80             | n2   |         |
      | shop/agent |         | 9100           | n1   | host    |
    And the outside hosts:
      | host     | address                  | ports                |
      | internet | 203.0.113.10, 2001:db8::10 | 443, 53/UDP, 36/SCTP |
      | office   | 10.99.0.7, 2001:db8::7     | 443                  |

  @masquerade
  Scenario Outline: Outside hosts see the node over <family>, whatever is spoken
    Then shop/web can connect to external/internet on TCP 443 over <family>
    And external/internet sees it from node/n1
    And shop/db can connect to external/internet on UDP 53 over <family>
    And external/internet sees it from node/n2
    And shop/db can connect to external/internet on SCTP 36 over <family>
    And external/internet sees it from node/n2
    And shop/web can ping external/internet over <family>
    And external/internet sees it from node/n1

    Examples:
      | family |
      | IPv4   |
      | IPv6   |

  Scenario: Without masquerade they see the pod
    Then shop/web can connect to external/internet on TCP 443
    And external/internet sees it from shop/web
    And shop/web can ping external/internet
    And external/internet sees it from shop/web

  @masquerade
  Scenario: Private networks see the pod
    Then shop/web can connect to external/office on TCP 443 over IPv4
    And external/office sees it from shop/web

  @masquerade
  Scenario: Nobody in the cluster sees anybody but the pod
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
    And it is allowed at ingress by shop/from-web
    And shop/agent cannot connect to shop/db on TCP 80

  @masquerade
  Scenario: Pods on the host network and nodes have their node's address anyway
    Then shop/agent can connect to external/internet on TCP 443
    And external/internet sees it from node/n1
    And node/n2 can connect to external/internet on TCP 443
    And external/internet sees it from node/n2

  @masquerade
  Scenario: A refusal finds its way back to the pod
    Then shop/web is refused by external/internet on TCP 81
    And shop/web is refused by external/internet on UDP 81
    And shop/web is refused by external/internet on SCTP 81

  @masquerade
  Scenario: What is opened from outside to a pod's own address is answered from there
    Then external/internet can connect to shop/web on TCP 80
    And external/internet can connect to shop/web on UDP 53
    And external/internet can ping shop/web

  @masquerade
  Scenario: Policies see the pod
    Given the policy:
      """
      apiVersion: networking.k8s.io/v1
      kind: NetworkPolicy
      metadata: {name: to-internet, namespace: shop}
      spec:
        podSelector: {matchLabels: {app: web}}
        policyTypes: [Egress]
        egress: [{to: [{ipBlock: {cidr: 203.0.113.0/24}}], ports: [{port: 443}]}]
      """
    Then shop/web can connect to external/internet on TCP 443 over IPv4
    And it is allowed at egress by shop/to-internet
    And external/internet sees it from node/n1
    But shop/web cannot connect to external/internet on UDP 53 over IPv4
    And it is denied at egress by shop/to-internet

  Scenario: The ConfigMap of the ip-masq-agent says where, from the moment it is applied until it is deleted
    Then shop/web can connect to external/internet on TCP 443
    And external/internet sees it from shop/web
    When the manifests are applied:
      """
      apiVersion: v1
      kind: ConfigMap
      metadata: {name: ip-masq-agent, namespace: kube-system}
      data:
        config: |
          nonMasqueradeCIDRs: [198.51.100.0/24]
          masqLinkLocalIPv6: true
          resyncInterval: 60s
      """
    Then shop/web can connect to external/internet on TCP 443
    And external/internet sees it from node/n1
    And shop/web can connect to external/office on TCP 443
    And external/office sees it from node/n1
    When the manifests are applied:
      """
      apiVersion: v1
      kind: ConfigMap
      metadata: {name: ip-masq-agent, namespace: kube-system}
      data:
        config: '{"nonMasqueradeCIDRs": ["203.0.113.0/24", "2001:db8::/32"]}'
      """
    Then shop/web can connect to external/internet on TCP 443
    And external/internet sees it from shop/web
    When the manifests are deleted:
      """
      apiVersion: v1
      kind: ConfigMap
      metadata: {name: ip-masq-agent, namespace: kube-system}
      """
    Then shop/web can connect to external/internet on TCP 443
    And external/internet sees it from shop/web
    And shop/web can connect to external/office on TCP 443 over IPv4
    And external/office sees it from shop/web

  Scenario: A ConfigMap that leaves something out has the agent's defaults for it
    Given a cluster:
      """
      apiVersion: v1
      kind: ConfigMap
      metadata: {name: ip-masq-agent, namespace: kube-system}
      data: {config: 'masqLinkLocal: true'}
      """
    Then shop/web can connect to external/internet on TCP 443
    And external/internet sees it from node/n1
    And shop/web can connect to external/office on TCP 443 over IPv4
    And external/office sees it from shop/web
