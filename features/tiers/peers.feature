Feature: Subjects and peers of the tiers
  Background:
    Given the namespaces:
      | namespace | labels |
      | shop      | team=a |
      | ops       | team=b |
    And the nodes:
      | node | labels    | address                 |
      | n1   | zone=near | 172.18.0.11, fd00:18::1 |
      | n2   | zone=far  | 172.18.0.12, fd00:18::2 |
    And the pods:
      | pod       | labels  | ports | node | address     | network |
      | shop/web  | app=web | 80    | n1   | 10.244.7.10 |         |
      | shop/db   | app=db  | 80    | n1   | 10.244.7.20 |         |
      | ops/tool  | app=ops | 80    | n2   | 10.244.8.10 |         |
      | ops/agent | app=ops | 90    | n2   |             | host    |
    And the outside hosts:
      | host | address     | ports |
      | api  | 203.0.113.7 | 443   |

  Scenario: Pods by namespace and label
    Given the policy:
      """
      apiVersion: policy.networking.k8s.io/v1alpha2
      kind: ClusterNetworkPolicy
      metadata: {name: guard}
      spec:
        tier: Admin
        priority: 1
        subject: {pods: {namespaceSelector: {matchLabels: {team: a}}, podSelector: {matchLabels: {app: db}}}}
        ingress:
        - {action: Accept, from: [{pods: {podSelector: {matchLabels: {app: web}}}}]}
        - {action: Deny, from: [{namespaces: {}}]}
      """
    Then shop/web can connect to shop/db on TCP 80
    And it is allowed at ingress by ClusterNetworkPolicy/guard
    And ops/tool cannot connect to shop/db on TCP 80
    And ops/tool can connect to shop/web on TCP 80
    And no policy decides at ingress

  Scenario: A peer that selects nobody matches nobody
    Given the policy:
      """
      apiVersion: policy.networking.k8s.io/v1alpha1
      kind: AdminNetworkPolicy
      metadata: {name: guard}
      spec:
        priority: 1
        subject: {namespaces: {}}
        ingress: [{action: Deny, from: [{pods: {namespaceSelector: {}, podSelector: {matchLabels: {app: none}}}}]}]
      """
    Then everybody reaches shop/db on TCP 80

  Scenario: Pods on their node's network are neither subjects nor peers
    Given the policy:
      """
      apiVersion: policy.networking.k8s.io/v1alpha2
      kind: ClusterNetworkPolicy
      metadata: {name: closed}
      spec:
        tier: Admin
        priority: 1
        subject: {namespaces: {}}
        ingress: [{action: Deny, from: [{namespaces: {}}]}]
        egress: [{action: Deny, to: [{pods: {podSelector: {}}}]}]
      """
    Then ops/agent can connect to shop/web on TCP 80
    And shop/web can connect to ops/agent on TCP 90
    And shop/web cannot connect to ops/tool on TCP 80

  Scenario: Nodes by their labels, with the pods on their network
    Given the policy:
      """
      apiVersion: policy.networking.k8s.io/v1alpha2
      kind: ClusterNetworkPolicy
      metadata: {name: nodes}
      spec:
        tier: Admin
        priority: 1
        subject: {namespaces: {}}
        egress:
        - {action: Accept, to: [{nodes: {matchLabels: {zone: far}}}], protocols: [{tcp: {destinationPort: {number: 90}}}]}
        - {action: Deny, to: [{nodes: {}}]}
      """
    Then shop/web can connect to ops/agent on TCP 90
    And it is allowed at egress by ClusterNetworkPolicy/nodes
    And shop/web cannot connect to node/n2 on TCP 91
    And shop/web cannot connect to node/n1 on TCP 22
    And shop/web cannot ping node/n1
    And shop/web can connect to ops/tool on TCP 80
    And no policy decides at egress

  Scenario: Networks match whoever has the address
    Given the policy:
      """
      apiVersion: policy.networking.k8s.io/v1alpha2
      kind: ClusterNetworkPolicy
      metadata: {name: inside}
      spec:
        tier: Admin
        priority: 1
        subject: {namespaces: {}}
        egress:
        - {action: Accept, to: [{networks: [10.244.7.0/24]}]}
        - {action: Deny, to: [{networks: [0.0.0.0/0, "::/0"]}]}
      """
    Then shop/web can connect to shop/db on TCP 80
    And it is allowed at egress by ClusterNetworkPolicy/inside
    And shop/web cannot connect to ops/tool on TCP 80
    And shop/web cannot connect to external/api on TCP 443
    And shop/web cannot ping external/api
    And shop/web cannot connect to node/n2 on TCP 90

  Scenario: A rule with domain names fails closed: to accept, it matches nothing
    Given the policies:
      """
      apiVersion: policy.networking.k8s.io/v1alpha2
      kind: ClusterNetworkPolicy
      metadata: {name: names}
      spec:
        tier: Admin
        priority: 1
        subject: {namespaces: {}}
        egress:
        - {action: Accept, to: [{domainNames: [api.example.org]}, {networks: [203.0.113.7/32]}]}
        - {action: Deny, to: [{networks: [203.0.113.0/24]}]}
      """
    Then shop/web cannot connect to external/api on TCP 443
    And shop/web can connect to shop/db on TCP 80

  Scenario Outline: A rule with domain names fails closed: to <action>, it denies everything
    Given the policies:
      """
      apiVersion: policy.networking.k8s.io/v1alpha2
      kind: ClusterNetworkPolicy
      metadata: {name: names}
      spec:
        tier: Admin
        priority: 1
        subject: {namespaces: {matchLabels: {team: a}}}
        egress:
        - action: <action>
          to: [{domainNames: [api.example.org]}]
          protocols: [{tcp: {destinationPort: {number: 443}}}]
      """
    Then shop/web reaches nobody on TCP 80
    And shop/web cannot ping shop/db
    And it is denied at egress by ClusterNetworkPolicy/names
    And ops/tool can connect to external/api on TCP 443

    Examples:
      | action |
      | Deny   |
      | Pass   |
