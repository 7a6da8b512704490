Feature: A host policy closes the ports of nodes
  It selects nodes by their labels. Where it has rules of a direction, what no rule allows is denied, but for what keeps a
  node alive. Pods on the network of a node are that node; its other pods have policies of their own.

  Background:
    Given the nodes:
      | node | labels     | address                 |
      | n1   | role=edge  | 172.18.0.11, fd00:18::1 |
      | n2   | role=inner | 172.18.0.12, fd00:18::2 |
    And the pods:
      | pod        | labels    | ports                            | node | network |
      | shop/agent | app=agent | 22, 80, 80/UDP, 80/SCTP, 68/UDP  | n1   | host    |
      | ops/agent  | app=agent | 22, 53/UDP, 80, 80/UDP, 80/SCTP  | n2   | host    |
      | shop/web   | app=web   | 80                               | n1   |         |
      | shop/far   | app=far   | 80, 80/UDP, 80/SCTP              | n2   |         |
    And the outside hosts:
      | host   | address                     | ports                        |
      | office | 198.51.100.7, 2001:db8:7::7 | 53/UDP, 80, 80/UDP, 80/SCTP  |

  Scenario: Without one everybody gets in and nothing is watched
    Then external/office can connect to node/n1 on TCP 80
    And no policy decides at ingress
    And shop/web can connect to shop/agent on UDP 80
    And shop/far can connect to node/n1 on SCTP 80
    And node/n1 can ping external/office
    When external/office sends TCP SYN from port 40000 to node/n1 port 80
    Then it arrives

  @datapath
  Scenario: Without one for it a node reports nothing of its own
    Given the policy:
      """
      apiVersion: cilium.io/v2
      kind: CiliumClusterwideNetworkPolicy
      metadata: {name: inner}
      spec: {nodeSelector: {matchLabels: {role: inner}}, ingress: [{}], egress: [{}]}
      """
    When external/office sends TCP SYN from port 40000 to node/n1 port 80
    Then it arrives
    And no event is written

  Scenario Outline: A closed node takes no <protocol> from anybody, and other nodes do
    Given the policy:
      """
      apiVersion: cilium.io/v2
      kind: CiliumClusterwideNetworkPolicy
      metadata: {name: edge}
      spec: {nodeSelector: {matchLabels: {role: edge}}, ingress: [{}]}
      """
    Then external/office cannot connect to node/n1 on <protocol> 80
    And it is denied at ingress by CiliumClusterwideNetworkPolicy/edge
    And shop/web cannot connect to node/n1 on <protocol> 80
    And it is denied at ingress by CiliumClusterwideNetworkPolicy/edge
    And shop/far cannot connect to shop/agent on <protocol> 80
    And it is denied at ingress by CiliumClusterwideNetworkPolicy/edge
    And node/n2 cannot connect to node/n1 on <protocol> 80
    And it is denied at ingress by CiliumClusterwideNetworkPolicy/edge
    And external/office cannot ping node/n1
    But external/office can connect to node/n2 on <protocol> 80
    And no policy decides at ingress
    And node/n1 can connect to node/n2 on <protocol> 80
    And node/n1 can connect to shop/far on <protocol> 80
    And node/n1 can connect to external/office on <protocol> 80
    And node/n1 can ping external/office

    Examples:
      | protocol |
      | TCP      |
      | UDP      |
      | SCTP     |

  Scenario Outline: A node that may send nothing reaches nobody by <protocol> but its own pods
    Given the policy:
      """
      apiVersion: cilium.io/v2
      kind: CiliumClusterwideNetworkPolicy
      metadata: {name: quiet}
      spec: {nodeSelector: {matchLabels: {role: edge}}, egress: [{}]}
      """
    Then node/n1 cannot connect to external/office on <protocol> 80
    And it is denied at egress by CiliumClusterwideNetworkPolicy/quiet
    And shop/agent cannot connect to node/n2 on <protocol> 80
    And it is denied at egress by CiliumClusterwideNetworkPolicy/quiet
    And node/n1 cannot connect to shop/far on <protocol> 80
    And it is denied at egress by CiliumClusterwideNetworkPolicy/quiet
    And node/n1 cannot ping node/n2
    But node/n1 can connect to shop/web on TCP 80
    And no policy decides at egress
    And external/office can connect to node/n1 on <protocol> 80
    And shop/far can connect to node/n1 on <protocol> 80
    And shop/web can connect to shop/far on <protocol> 80
    And shop/web can connect to external/office on <protocol> 80

    Examples:
      | protocol |
      | TCP      |
      | UDP      |
      | SCTP     |

  Scenario Outline: <who> let in as an entity
    Given the policy:
      """
      apiVersion: cilium.io/v2
      kind: CiliumClusterwideNetworkPolicy
      metadata: {name: edge}
      spec: {nodeSelector: {matchLabels: {role: edge}}, ingress: [{fromEntities: [<entity>]}]}
      """
    Then only <sources> reach node/n1 on TCP 80

    Examples:
      | who                | entity      | sources                                                  |
      | The outside is     | world       | external/office                                          |
      | The cluster is     | cluster     | shop/web, shop/far, ops/agent, node/n2                   |
      | Other nodes are    | remote-node | ops/agent, node/n2                                       |
      | Everybody is       | all         | external/office, shop/web, shop/far, ops/agent, node/n2  |

  Scenario: Peers are pods by labels, nodes by labels and outside addresses
    Given the policy:
      """
      apiVersion: cilium.io/v2
      kind: CiliumClusterwideNetworkPolicy
      metadata: {name: edge}
      specs:
      - nodeSelector: {matchLabels: {role: edge}}
        ingress:
        - fromEndpoints: [{matchLabels: {"k8s:io.kubernetes.pod.namespace": shop, "any:app": web}}]
        - fromNodes: [{matchLabels: {role: inner}}]
          toPorts: [{ports: [{port: "80", protocol: UDP}]}]
      - nodeSelector: {}
        ingress:
        - fromCIDRSet: [{cidr: 198.51.100.0/24, except: [198.51.100.8/32]}, {cidr: "2001:db8::/32"}]
          toPorts: [{ports: [{port: "79", endPort: 80}]}]
      """
    Then shop/web can connect to node/n1 on SCTP 80
    And it is allowed at ingress by CiliumClusterwideNetworkPolicy/edge
    And shop/web can ping node/n1
    And shop/web cannot connect to node/n2 on SCTP 80
    And shop/far cannot connect to node/n1 on TCP 80
    And node/n2 can connect to node/n1 on UDP 80
    And node/n2 cannot connect to node/n1 on TCP 80
    And node/n1 cannot connect to node/n2 on UDP 80
    And external/office can connect to node/n1 on TCP 80
    And external/office can connect to node/n2 on SCTP 80
    And external/office cannot ping node/n2

  Scenario: What a node may send is told by the same peers
    Given the policy:
      """
      apiVersion: cilium.io/v2
      kind: CiliumClusterwideNetworkPolicy
      metadata: {name: edge}
      spec:
        nodeSelector: {matchLabels: {role: edge}}
        egress:
        - toEndpoints: [{matchLabels: {app: far}}]
          toPorts: [{ports: [{port: "80", protocol: TCP}]}]
        - toCIDR: [198.51.100.7/32]
        - toEntities: [remote-node]
          toPorts: [{ports: [{port: "80", protocol: UDP}]}]
      """
    Then node/n1 can connect to shop/far on TCP 80
    And it is allowed at egress by CiliumClusterwideNetworkPolicy/edge
    And node/n1 cannot connect to shop/far on UDP 80
    And node/n1 can connect to external/office on SCTP 80 over IPv4
    And node/n1 cannot connect to external/office on SCTP 80 over IPv6
    And node/n1 can connect to node/n2 on UDP 80
    And node/n1 cannot connect to node/n2 on TCP 80
    And node/n2 can connect to external/office on TCP 80

  Scenario: What keeps a node alive stays open
    Given the policy:
      """
      apiVersion: cilium.io/v2
      kind: CiliumClusterwideNetworkPolicy
      metadata: {name: closed}
      spec: {nodeSelector: {}, ingress: [{}], egress: [{}]}
      """
    Then external/office can connect to node/n1 on TCP 22
    And no policy decides at ingress
    And external/office can connect to node/n1 on UDP 68
    And shop/web can connect to node/n1 on TCP 22
    And shop/far can connect to node/n1 on TCP 22
    And external/office is refused by node/n1 on TCP 10250
    And external/office is refused by node/n1 on TCP 6443
    And node/n1 is refused by node/n2 on TCP 2379
    And node/n1 is refused by node/n2 on TCP 179
    And node/n1 can connect to external/office on UDP 53
    And no policy decides at egress
    But node/n1 cannot connect to node/n2 on UDP 53
    And it is denied at ingress by CiliumClusterwideNetworkPolicy/closed
    And node/n1 cannot connect to node/n2 on TCP 22
    And it is denied at egress by CiliumClusterwideNetworkPolicy/closed

  Scenario: Pods talk through closed nodes as ever, and their own node probes them
    Given the policy:
      """
      apiVersion: cilium.io/v2
      kind: CiliumClusterwideNetworkPolicy
      metadata: {name: closed}
      spec: {nodeSelector: {}, ingress: [{}], egress: [{}]}
      """
    Then shop/web can connect to shop/far on TCP 80
    And shop/far can connect to shop/web on TCP 80
    And shop/web can connect to external/office on UDP 80
    And external/office can connect to shop/web on TCP 80
    And node/n1 can connect to shop/web on TCP 80
    And no policy decides at ingress
    And node/n1 can ping shop/web
    And shop/agent can connect to shop/web on TCP 80

  Scenario: Both ends have to allow it
    Given the policies:
      """
      apiVersion: networking.k8s.io/v1
      kind: NetworkPolicy
      metadata: {name: to-node, namespace: shop}
      spec:
        podSelector: {matchLabels: {app: web}}
        policyTypes: [Egress]
        egress: [{to: [{ipBlock: {cidr: 172.18.0.11/32}}], ports: [{port: 80}, {port: 81}]}]
      ---
      apiVersion: cilium.io/v2
      kind: CiliumClusterwideNetworkPolicy
      metadata: {name: edge}
      spec:
        nodeSelector: {}
        ingress: [{fromEntities: [cluster], toPorts: [{ports: [{port: "80"}]}]}]
      """
    Then shop/web can connect to node/n1 on TCP 80 over IPv4
    And it is allowed at egress by shop/to-node
    And it is allowed at ingress by CiliumClusterwideNetworkPolicy/edge
    And shop/web cannot connect to node/n1 on TCP 81 over IPv4
    And it is denied at ingress by CiliumClusterwideNetworkPolicy/edge
    And shop/web cannot connect to node/n2 on TCP 80
    And it is denied at egress by shop/to-node

  Scenario: In audit mode it is only told what would be denied
    Given the policy:
      """
      apiVersion: cilium.io/v2
      kind: CiliumClusterwideNetworkPolicy
      metadata: {name: closed, annotations: {plumbline/audit: "true"}}
      spec: {nodeSelector: {}, ingress: [{}], egress: [{toEntities: [cluster]}]}
      """
    Then external/office is audited connecting to node/n1 on TCP 80
    And it is audited at ingress by CiliumClusterwideNetworkPolicy/closed
    And node/n1 is audited connecting to external/office on UDP 80
    And it is audited at egress by CiliumClusterwideNetworkPolicy/closed
    And shop/far is audited connecting to node/n1 on SCTP 80

  Scenario: What a policy opens is open at once, and closed when it goes
    Given the policy:
      """
      apiVersion: cilium.io/v2
      kind: CiliumClusterwideNetworkPolicy
      metadata: {name: closed}
      spec: {nodeSelector: {}, ingress: [{}]}
      """
    Then external/office cannot connect to node/n1 on TCP 80
    When the policy is applied:
      """
      apiVersion: cilium.io/v2
      kind: CiliumClusterwideNetworkPolicy
      metadata: {name: open}
      spec: {nodeSelector: {}, ingress: [{fromEntities: [world]}]}
      """
    Then external/office can connect to node/n1 on TCP 80
    And it is allowed at ingress by CiliumClusterwideNetworkPolicy/open
    When the policy CiliumClusterwideNetworkPolicy/open is deleted
    Then external/office cannot connect to node/n1 on TCP 80
    When the policy CiliumClusterwideNetworkPolicy/closed is deleted
    Then external/office can connect to node/n1 on TCP 80
    And no policy decides at ingress

  Scenario Outline: A connection of <who> is judged anew when policies change, and its answers go with it
    Given the policy:
      """
      apiVersion: cilium.io/v2
      kind: CiliumClusterwideNetworkPolicy
      metadata: {name: edge}
      spec: {nodeSelector: {matchLabels: {role: edge}}, ingress: [{fromEntities: [all]}], egress: [{toEntities: [all]}]}
      """
    And <opener> has an open TCP connection to <other> on port 80 from port 40000
    When <other> sends data on it
    Then it arrives
    When the policy is applied:
      """
      apiVersion: cilium.io/v2
      kind: CiliumClusterwideNetworkPolicy
      metadata: {name: edge}
      spec: {nodeSelector: {matchLabels: {role: edge}}, ingress: [{}], egress: [{}]}
      """
    And <opener> sends data on it
    Then it is dropped: <reason>
    When <other> sends data on it
    Then it is dropped: connection_revoked
    When the policy is applied:
      """
      apiVersion: cilium.io/v2
      kind: CiliumClusterwideNetworkPolicy
      metadata: {name: edge}
      spec: {nodeSelector: {matchLabels: {role: edge}}, ingress: [{fromEntities: [all]}], egress: [{toEntities: [all]}]}
      """
    And <opener> sends data on it
    Then it arrives
    When <other> sends data on it
    Then it arrives

    Examples:
      | who                | opener          | other           | reason                |
      | the outside        | external/office | node/n1         | policy_denied_ingress |
      | a pod of the node  | shop/web        | node/n1         | policy_denied_ingress |
      | a pod elsewhere    | shop/far        | node/n1         | policy_denied_ingress |
      | another node       | node/n2         | node/n1         | policy_denied_ingress |
      | the node           | node/n1         | external/office | policy_denied_egress  |
      | the node to a pod  | node/n1         | shop/far        | policy_denied_egress  |

  Scenario: A connection from before the first host policy is judged by its next packet
    Given external/office has an open TCP connection to node/n1 on port 80 from port 40000
    When the policy is applied:
      """
      apiVersion: cilium.io/v2
      kind: CiliumClusterwideNetworkPolicy
      metadata: {name: edge}
      spec: {nodeSelector: {}, ingress: [{}]}
      """
    And external/office sends data on it
    Then it is dropped: policy_denied_ingress
    When node/n1 sends data on it
    Then it arrives

  Scenario Outline: Errors pass with what the node has sent over <family>
    Given the policy:
      """
      apiVersion: cilium.io/v2
      kind: CiliumClusterwideNetworkPolicy
      metadata: {name: edge}
      spec: {nodeSelector: {matchLabels: {role: edge}}, ingress: [{}]}
      """
    When node/n1 sends UDP from port 40000 to external/office port 9 over <family>
    And external/office answers it with ICMP "port unreachable"
    Then it arrives

    Examples:
      | family |
      | IPv4   |
      | IPv6   |

  Scenario: Errors about what the node has not sent do not pass
    Given the policy:
      """
      apiVersion: cilium.io/v2
      kind: CiliumClusterwideNetworkPolicy
      metadata: {name: edge}
      spec: {nodeSelector: {matchLabels: {role: edge}}, ingress: [{}]}
      """
    When external/office sends node/n1 ICMP "port unreachable" that quotes:
      | from    | to              | protocol | from port | to port |
      | node/n1 | external/office | UDP      | 40001     | 9       |
    Then it is dropped: unrelated_icmp_error
