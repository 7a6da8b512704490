Feature: A packet from another node is from whom it says it is
  With the address of a pod goes its node: the link-layer address of that node, or the end of a tunnel that leads there,
  and with a tunnel the identity that the node gives its pod.

  Background:
    Given the nodes:
      | node | labels | address    |
      | n1   |        | 172.18.9.1 |
      | n2   |        | 172.18.9.2 |
      | n3   |        | 172.18.9.3 |
    And the pods:
      | pod      | labels  | ports          | node | address    |
      | shop/db  | app=db  | 53/UDP, 80     | n1   | 10.244.1.3 |
      | shop/web | app=web |                | n2   | 10.244.2.2 |
      | shop/ops | app=ops |                | n3   | 10.244.3.2 |
    And the outside hosts:
      | host   | address      |
      | office | 198.51.100.7 |
    And the policy:
      """
      apiVersion: networking.k8s.io/v1
      kind: NetworkPolicy
      metadata: {name: from-web, namespace: shop}
      spec:
        podSelector: {matchLabels: {app: db}}
        ingress: [{from: [{podSelector: {matchLabels: {app: web}}}]}]
      """

  Scenario: Its policies are asked on the node of the pod that it is for, by who sent it
    Then shop/web can connect to shop/db on UDP 53
    And it is allowed at ingress by shop/from-web
    And shop/ops cannot connect to shop/db on UDP 53
    And it is denied at ingress by shop/from-web
    And node/n2 cannot connect to shop/db on TCP 80
    And it is denied at ingress by shop/from-web
    But node/n1 can connect to shop/db on TCP 80

  Scenario: Who gets a label is another from the next packet on
    When the pod shop/ops is labelled app=web
    Then shop/ops can connect to shop/db on UDP 53
    And it is allowed at ingress by shop/from-web
    When the pod shop/web is labelled app=gone
    Then shop/web cannot connect to shop/db on UDP 53

  @datapath
  Scenario: From outside nobody is a pod
    When the packets are sent:
      | from            | to      | protocol | from port | to port | source     |
      | external/office | shop/db | UDP      | 40000     | 53      | 10.244.2.2 |
      | external/office | shop/db | UDP      | 40000     | 53      | 10.244.1.3 |
      | external/office | shop/db | UDP      | 40000     | 53      | 172.18.9.2 |
    Then it is dropped: spoofed_source

  @datapath
  Scenario: A node speaks for its own pods only
    When the packets are sent:
      | from    | to      | protocol | from port | to port | source     |
      | node/n3 | shop/db | UDP      | 40000     | 53      | 172.18.9.2 |
      | node/n3 | shop/db | UDP      | 40000     | 53      | 10.244.2.2 |
    Then nothing arrives

  @datapath @vxlan
  Scenario: A tunnel that no node has dug leads nowhere
    When external/office sends the bytes:
      """
      0800 4500 004e 0000 0000 4011 9b51 c633 6407 ac12 0901
      c350 12b5 003a 0000 0800 0000 0001 0000 eeee eeee ee01 0201 0000 0009
      0800 4500 001c 0000 0000 4011 61e5 0af4 0202 0af4 0103 9c40 0035 0008
      0000
      """
    Then it is dropped: invalid_identity

  @datapath @vxlan
  Scenario: Nor does one that a pod digs
    When shop/web sends the bytes:
      """
      0800 4500 004e 0000 0000 4011 b896 0af4 0202 ac12 0901
      c350 12b5 003a 0000 0800 0000 0001 0000 eeee eeee ee01 0201 0000 0009
      0800 4500 001c 0000 0000 4011 61e5 0af4 0202 0af4 0103 9c40 0035 0008
      0000
      """
    Then it is dropped: invalid_identity
