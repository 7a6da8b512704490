@datapath
Feature: IPv6 policy was skipped on the way through the host's stack
  Scenario Outline: Redirected or through the stack, from <from> over <over>
    Given the nodes:
      | node | address               |
      | n1   | 172.18.0.2, fd00:1::2 |
      | n2   | 172.18.0.3, fd00:1::3 |
    And the pods:
      | pod        | labels | node | network |
      | shop/web   |        | n2   |         |
      | shop/db    | app=db | n1   |         |
      | shop/agent |        | n2   | host    |
    And the outside hosts:
      | host   | address                   |
      | office | 198.51.100.7, 2001:db8::7 |
    And the policy:
      """
      apiVersion: networking.k8s.io/v1
      kind: NetworkPolicy
      metadata: {name: eighty, namespace: shop}
      spec: {podSelector: {matchLabels: {app: db}}, ingress: [{ports: [{port: 80}]}]}
      """
    When <from> sends TCP SYN from port 40000 to shop/db port 80 over <over>
    Then it arrives
    And it is allowed at ingress by shop/eighty
    When <from> sends TCP SYN from port 40000 to shop/db port 81 over <over>
    Then it is dropped: policy_denied_ingress
    When <from> sends UDP from port 40000 to shop/db port 80 over <over>
    Then it is dropped: policy_denied_ingress
    When <from> sends an echo request with identifier 80 to shop/db over <over>
    Then it is dropped: policy_denied_ingress
    When the policy shop/eighty is deleted
    And shop/db sends UDP from port 40000 to <from> port 80 over <over>
    Then it arrives
    When <from> sends UDP from port 80 to shop/db port 40000 over <over>
    Then it arrives
    And no event is written

    Examples:
      | from            | over |
      | shop/web        | IPv4 |
      | shop/web        | IPv6 |
      | external/office | IPv4 |
      | external/office | IPv6 |
      | node/n2         | IPv4 |
      | node/n2         | IPv6 |
      | shop/agent      | IPv4 |
      | shop/agent      | IPv6 |
