Feature: Every event is a flow, whatever is logged

  Background:
    Given the pods:
      | pod      | labels  | ports | node |
      | shop/web | app=web | 80    | n1   |
      | shop/db  | app=db  | 80    | n1   |
    And the policy:
      """
      apiVersion: networking.k8s.io/v1
      kind: NetworkPolicy
      metadata: {name: db, namespace: shop}
      spec: {podSelector: {matchLabels: {app: db}}, ingress: [{ports: [{port: 80}]}]}
      """

  Scenario: By policy, by nobody, and denied by default
    Then shop/web can connect to shop/db on TCP 80 over IPv4
    And shop/db can connect to shop/web on TCP 80 over IPv4
    And shop/web cannot connect to shop/db on TCP 81 over IPv4
    And these flows are reported:
      | verdict | reason                | from     | to       | protocol | to port | egress    | ingress                       |
      | allowed |                       | shop/web | shop/db  | TCP      | 80      | no policy | allowed by shop/db            |
      | allowed |                       | shop/db  | shop/web | TCP      | 80      | no policy | no policy                     |
      | denied  | policy_denied_ingress | shop/web | shop/db  | TCP      | 81      | no policy | denied by shop/db, by default |

  Scenario: What goes on is no flow
    Given shop/web has an open TCP connection to shop/db on port 80 from port 40000 over IPv4
    Then these flows are reported:
      | from     | to      |
      | shop/web | shop/db |
    When shop/web sends data on it
    And shop/db sends data on it
    Then no flow is reported

  @datapath
  Scenario: What is dropped without a policy is a flow too
    When the packets are sent:
      | from     | to      | protocol | from port | to port | source     |
      | shop/web | shop/db | UDP      | 40000     | 80      | 192.0.2.77 |
    Then these flows are reported:
      | verdict | reason         | to      |
      | dropped | spoofed_source | shop/db |
