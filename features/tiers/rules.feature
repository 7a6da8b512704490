Feature: Rules of a tier are asked in order, by protocol and port
  Background:
    Given the namespaces:
      | namespace | labels |
      | shop      | team=a |
      | ops       | team=b |
    And the pods:
      | pod      | labels  | ports                                                              |
      | shop/web | app=web | http=80, 8080, http=80/UDP, 5353/UDP, 80/SCTP, 9005/SCTP           |
      | ops/tool | app=ops | http=8080, 80, 8080/UDP, 80/UDP, 5353/UDP, 80/SCTP, 9005/SCTP       |

  Scenario Outline: The first rule wins for what they send on <protocol>
    Given the policy:
      """
      apiVersion: policy.networking.k8s.io/v1alpha2
      kind: ClusterNetworkPolicy
      metadata: {name: out}
      spec:
        tier: Admin
        priority: 6
        subject: {namespaces: {matchLabels: {team: a}}}
        egress:
        - action: <first>
          to: [{namespaces: {matchLabels: {team: b}}}]
          protocols: [{<field>: {destinationPort: {number: 80}}}]
        - {action: <second>, to: [{namespaces: {matchLabels: {team: b}}}]}
      """
    Then shop/web <verdict> connect to ops/tool on <protocol> 80
    And shop/web <other verdict> connect to ops/tool on <protocol> <other port>

    Examples:
      | protocol | field | other port | first  | second | verdict | other verdict |
      | TCP      | tcp   | 8080       | Accept | Deny   | can     | cannot        |
      | TCP      | tcp   | 8080       | Deny   | Accept | cannot  | can           |
      | TCP      | tcp   | 8080       | Pass   | Deny   | can     | cannot        |
      | UDP      | udp   | 5353       | Accept | Deny   | can     | cannot        |
      | UDP      | udp   | 5353       | Deny   | Accept | cannot  | can           |
      | UDP      | udp   | 5353       | Pass   | Deny   | can     | cannot        |
      | SCTP     | sctp  | 9005       | Accept | Deny   | can     | cannot        |
      | SCTP     | sctp  | 9005       | Deny   | Accept | cannot  | can           |
      | SCTP     | sctp  | 9005       | Pass   | Deny   | can     | cannot        |

  Scenario Outline: The first rule wins for what they receive on <protocol>
    Given the policy:
      """
      apiVersion: policy.networking.k8s.io/v1alpha1
      kind: AdminNetworkPolicy
      metadata: {name: in}
      spec:
        priority: 6
        subject: {namespaces: {matchLabels: {team: b}}}
        ingress:
        - action: <first>
          from: [{namespaces: {matchLabels: {team: a}}}]
          ports: [{portNumber: {protocol: <protocol>, port: 80}}]
        - {action: <second>, from: [{namespaces: {matchLabels: {team: a}}}]}
      """
    Then shop/web <verdict> connect to ops/tool on <protocol> 80
    And shop/web <other verdict> connect to ops/tool on <protocol> <other port>
    And node/node-1 can connect to ops/tool on TCP 80

    Examples:
      | protocol | other port | first | second | verdict | other verdict |
      | TCP      | 8080       | Allow | Deny   | can     | cannot        |
      | TCP      | 8080       | Deny  | Allow  | cannot  | can           |
      | TCP      | 8080       | Pass  | Deny   | can     | cannot        |
      | UDP      | 5353       | Allow | Deny   | can     | cannot        |
      | UDP      | 5353       | Deny  | Pass   | cannot  | can           |
      | SCTP     | 9005       | Allow | Deny   | can     | cannot        |
      | SCTP     | 9005       | Deny  | Pass   | cannot  | can           |

  Scenario: Rules without ports are about every protocol, rules with ports are not about ICMP
    Given the policy:
      """
      apiVersion: policy.networking.k8s.io/v1alpha2
      kind: ClusterNetworkPolicy
      metadata: {name: guard}
      spec:
        tier: Admin
        priority: 6
        subject: {namespaces: {matchLabels: {team: b}}}
        ingress:
        - action: Accept
          from: [{namespaces: {}}]
          protocols: [{tcp: {destinationPort: {range: {start: 1, end: 65535}}}}]
        - {action: Deny, from: [{namespaces: {}}]}
      """
    Then shop/web can connect to ops/tool on TCP 80
    And shop/web cannot connect to ops/tool on UDP 80
    And shop/web cannot ping ops/tool
    And it is denied at ingress by ClusterNetworkPolicy/guard

  Scenario: A range ends with its last port
    Given the policy:
      """
      apiVersion: policy.networking.k8s.io/v1alpha1
      kind: AdminNetworkPolicy
      metadata: {name: guard}
      spec:
        priority: 6
        subject: {namespaces: {matchLabels: {team: b}}}
        ingress:
        - action: Deny
          from: [{namespaces: {}}]
          ports: [{portRange: {start: 79, end: 8079}}, {portRange: {protocol: UDP, start: 80, end: 81}}]
      """
    Then shop/web cannot connect to ops/tool on TCP 80
    And shop/web can connect to ops/tool on TCP 8080
    And shop/web cannot connect to ops/tool on UDP 80
    And shop/web can connect to ops/tool on UDP 8080

  Scenario: A port name is the destination's, of whatever protocol
    Given the policies:
      """
      apiVersion: policy.networking.k8s.io/v1alpha2
      kind: ClusterNetworkPolicy
      metadata: {name: in-by-name}
      spec:
        tier: Admin
        priority: 6
        subject: {namespaces: {matchLabels: {team: a}}}
        ingress:
        - {action: Deny, from: [{namespaces: {}}], protocols: [{destinationNamedPort: http}]}
      ---
      apiVersion: policy.networking.k8s.io/v1alpha1
      kind: AdminNetworkPolicy
      metadata: {name: out-by-name}
      spec:
        priority: 7
        subject: {namespaces: {matchLabels: {team: a}}}
        egress:
        - {action: Deny, to: [{namespaces: {}}], ports: [{namedPort: http}]}
      """
    Then ops/tool cannot connect to shop/web on TCP 80
    And it is denied at ingress by ClusterNetworkPolicy/in-by-name
    And ops/tool cannot connect to shop/web on UDP 80
    And ops/tool can connect to shop/web on SCTP 80
    And ops/tool can connect to shop/web on TCP 8080
    And shop/web cannot connect to ops/tool on TCP 8080
    And it is denied at egress by AdminNetworkPolicy/out-by-name
    And shop/web can connect to ops/tool on UDP 8080
    And shop/web can connect to ops/tool on TCP 80

  Scenario: Many policies, and rules of both directions, at once
    Given the policies:
      """
      apiVersion: policy.networking.k8s.io/v1alpha2
      kind: ClusterNetworkPolicy
      metadata: {name: gress}
      spec:
        tier: Admin
        priority: 15
        subject: {namespaces: {matchLabels: {team: a}}}
        ingress:
        - {action: Accept, from: [{namespaces: {matchLabels: {team: b}}}], protocols: [{tcp: {destinationPort: {number: 80}}}]}
        - {action: Deny, from: [{namespaces: {matchLabels: {team: b}}}]}
        egress:
        - {action: Accept, to: [{namespaces: {matchLabels: {team: b}}}], protocols: [{udp: {destinationPort: {number: 5353}}}]}
        - {action: Deny, to: [{namespaces: {matchLabels: {team: b}}}]}
      """
    Then ops/tool can connect to shop/web on TCP 80
    And ops/tool cannot connect to shop/web on TCP 8080
    And shop/web can connect to ops/tool on UDP 5353
    And shop/web cannot connect to ops/tool on TCP 80
