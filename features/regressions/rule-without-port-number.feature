Feature: A rule with a protocol and no port number was not matched, or nobody was named
  Background:
    Given the pods:
      | pod      | labels  | ports                 |
      | shop/web | app=web |                       |
      | shop/db  | app=db  | 80, 81, 80/UDP        |
      | ops/mon  |         |                       |

  Scenario: For one peer
    Given the policy:
      """
      apiVersion: networking.k8s.io/v1
      kind: NetworkPolicy
      metadata: {name: tcp-from-web, namespace: shop}
      spec:
        podSelector: {matchLabels: {app: db}}
        ingress: [{from: [{podSelector: {matchLabels: {app: web}}}], ports: [{protocol: TCP}]}]
      """
    Then only shop/web reaches shop/db on TCP 80
    And only shop/web reaches shop/db on TCP 81
    And nobody reaches shop/db on UDP 80
    When the packets are sent:
      | from     | to      | protocol | from port | to port | flags |
      | shop/web | shop/db | TCP      | 40000     | 0       | SYN   |
      | shop/web | shop/db | TCP      | 40000     | 1       | SYN   |
      | shop/web | shop/db | TCP      | 40000     | 65535   | SYN   |
    Then it arrives
    And it is allowed at ingress by shop/tcp-from-web
    When shop/web sends an echo request with identifier 80 to shop/db
    Then it is dropped: policy_denied_ingress

  Scenario: For everybody
    Given the policy:
      """
      apiVersion: networking.k8s.io/v1
      kind: NetworkPolicy
      metadata: {name: tcp, namespace: shop}
      spec: {podSelector: {matchLabels: {app: db}}, ingress: [{ports: [{protocol: TCP}]}]}
      """
    Then everybody reaches shop/db on TCP 81
    And it is allowed at ingress by shop/tcp
    And nobody reaches shop/db on UDP 80
    And it is denied at ingress by shop/tcp
