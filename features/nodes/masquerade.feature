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

  @masquerade
  Scenario Outline: A <conversation> over <family> goes both ways
    Given shop/web has an open <conversation> to external/internet on port <port> from port 40000 over <family>
    When shop/web sends data on it
    Then it arrives
    And external/internet sees it from node/n1
    When external/internet sends data on it
    Then it arrives

    Examples:
      | conversation     | port | family |
      | TCP connection   | 443  | IPv4   |
      | TCP connection   | 443  | IPv6   |
      | UDP conversation | 53   | IPv4   |
      | UDP conversation | 53   | IPv6   |
      | SCTP association | 36   | IPv4   |
      | SCTP association | 36   | IPv6   |

  @masquerade
  Scenario Outline: Echoes find their way back over <family>
    When shop/web sends an echo request with identifier 7 to external/internet over <family>
    Then it arrives
    And external/internet sees it from node/n1
    When external/internet sends an echo reply with identifier 7 to shop/web over <family>
    Then it arrives

    Examples:
      | family |
      | IPv4   |
      | IPv6   |

  @masquerade
  Scenario Outline: ICMP errors find their way over <family>, in and out
    Given shop/web has an open TCP connection to external/internet on port 443 from port 40000 over <family>
    When shop/web sends data on it
    And external/internet answers it with ICMP "<error>"
    Then it arrives
    When shop/web sends data on it
    And external/office answers it with ICMP "<error>" that quotes 8 bytes
    Then it arrives
    When external/internet sends data on it
    And shop/web answers it with ICMP "<error>"
    Then it arrives
    And external/internet sees it from node/n1

    Examples:
      | error            | family |
      | packet too big   | IPv4   |
      | packet too big   | IPv6   |
      | time exceeded    | IPv4   |
      | time exceeded    | IPv6   |
      | port unreachable | IPv4   |
      | port unreachable | IPv6   |

  Scenario: A connection goes on as it began, whatever the ConfigMap says then
    Given a cluster:
      """
      apiVersion: v1
      kind: ConfigMap
      metadata: {name: ip-masq-agent, namespace: kube-system}
      data: {config: 'nonMasqueradeCIDRs: []'}
      """
    And shop/web has an open TCP connection to external/internet on port 443 from port 40000
    When the manifests are applied:
      """
      apiVersion: v1
      kind: ConfigMap
      metadata: {name: ip-masq-agent, namespace: kube-system}
      data: {config: 'nonMasqueradeCIDRs: [203.0.113.0/24]'}
      """
    And shop/web sends data on it
    Then it arrives
    And external/internet sees it from node/n1
    When external/internet sends data on it
    Then it arrives
    When shop/web sends TCP SYN from port 40001 to external/internet port 443
    Then it arrives
    And external/internet sees it from shop/web

  Scenario: Without masquerade nobody answers for the pod any more
    Given a cluster:
      """
      apiVersion: v1
      kind: ConfigMap
      metadata: {name: ip-masq-agent, namespace: kube-system}
      data: {config: 'nonMasqueradeCIDRs: []'}
      """
    And shop/web has an open TCP connection to external/internet on port 443 from port 40000
    When the manifests are deleted:
      """
      apiVersion: v1
      kind: ConfigMap
      metadata: {name: ip-masq-agent, namespace: kube-system}
      """
    And external/internet sends data on it
    Then 1 packet arrives at node/n1
    When shop/web sends data on it
    Then external/internet sees it from shop/web

  Scenario: What was opened without masquerade goes on without it
    Given shop/web has an open TCP connection to external/internet on port 443 from port 40000
    When the manifests are applied:
      """
      apiVersion: v1
      kind: ConfigMap
      metadata: {name: ip-masq-agent, namespace: kube-system}
      data: {config: 'nonMasqueradeCIDRs: []'}
      """
    And shop/web sends data on it
    Then it arrives
    And external/internet sees it from shop/web
    When external/internet sends data on it
    Then it arrives

  @masquerade
  Scenario: What outside hosts open to a pod's own address is answered from there
    When external/internet sends TCP SYN from port 40000 to shop/web port 80
    Then it arrives
    When shop/web sends TCP SYN/ACK from port 80 to external/internet port 40000
    Then it arrives
    And external/internet sees it from shop/web

  Scenario Outline: Connections without a port on the node are dropped over <family>, and reported as the pod's
    Given a cluster:
      """
      apiVersion: v1
      kind: ConfigMap
      metadata:
        name: ip-masq-agent
        namespace: kube-system
        annotations: {plumbline/masquerade-ports: 61000-61001}
      """
    When shop/web sends TCP SYN from port 40000 to external/internet port 443 over <family>
    Then it arrives
    When shop/web sends TCP SYN from port 40001 to external/internet port 443 over <family>
    Then it arrives
    When shop/web sends TCP SYN from port 40002 to external/internet port 443 over <family>
    Then it is dropped: masquerade_ports_exhausted
    And these flows are reported:
      | verdict | reason                     | from     | to                |
      | allowed |                            | shop/web | external/internet |
      | allowed |                            | shop/web | external/internet |
      | allowed |                            | shop/web | external/internet |
      | dropped | masquerade_ports_exhausted | shop/web | external/internet |
    When shop/web sends UDP from port 40002 to external/internet port 53 over <family>
    Then it arrives
    When shop/db sends TCP SYN from port 40002 to external/internet port 443 over <family>
    Then it arrives
    And external/internet sees it from node/n2
    When 2 minutes pass
    And shop/web sends TCP SYN from port 40003 to external/internet port 443 over <family>
    Then it arrives
    And external/internet sees it from node/n1

    Examples:
      | family |
      | IPv4   |
      | IPv6   |

  @masquerade
  Scenario Outline: Not even TCP <flags> of a connection that nobody remembers leaves with the pod's address
    When shop/web sends TCP <flags> from port 40000 to external/internet port 443
    Then it arrives
    And external/internet sees it from node/n1

    Examples:
      | flags   |
      | FIN/ACK |
      | RST     |
      | PSH/ACK |

  @masquerade
  Scenario: Nobody's echo reply leaves with the pod's address
    When shop/web sends an echo reply with identifier 9 to external/internet
    Then it is dropped: no_translation
    When shop/web sends an echo reply with identifier 9 to external/office over IPv4
    Then it arrives

  @masquerade
  Scenario: The flows name the pod
    When shop/web sends UDP from port 40000 to external/internet port 53
    And external/internet sends UDP from port 53 to shop/web port 40000
    Then these flows are reported:
      | verdict | from     | to                | protocol | to port |
      | allowed | shop/web | external/internet | UDP      | 53      |
