Feature: Named ports are looked up on the destination pod
  Background:
    Given the pods:
      | pod       | labels           | ports                          |
      | shop/blue | app=api          | http=8080, 9090                |
      | shop/red  | app=api          | http=80, metrics=9090          |
      | shop/dual | app=api          | http=8080, http-alt=8080/UDP   |
      | shop/web  | app=web          |                                |

  Scenario: Each pod has a number of its own
    Given the policy:
      """
      apiVersion: networking.k8s.io/v1
      kind: NetworkPolicy
      metadata: {name: http-only, namespace: shop}
      spec: {podSelector: {matchLabels: {app: api}}, ingress: [{ports: [{port: http}]}]}
      """
    Then shop/web can connect to shop/blue on TCP 8080
    And it is allowed at ingress by shop/http-only
    And shop/web can connect to shop/red on TCP 80
    And shop/web cannot connect to shop/red on TCP 8080
    And shop/web cannot connect to shop/blue on TCP 80
    And shop/web cannot connect to shop/red on TCP 9090

  Scenario: The name counts only with its protocol
    Given the policy:
      """
      apiVersion: networking.k8s.io/v1
      kind: NetworkPolicy
      metadata: {name: udp-by-name, namespace: shop}
      spec:
        podSelector: {matchLabels: {app: api}}
        ingress: [{ports: [{port: http, protocol: UDP}, {port: http-alt, protocol: UDP}]}]
      """
    Then shop/web can connect to shop/dual on UDP 8080
    And nobody reaches shop/dual on TCP 8080
    And nobody reaches shop/blue on UDP 8080

  Scenario: A name that nobody serves matches nothing, and isolates all the same
    Given the policy:
      """
      apiVersion: networking.k8s.io/v1
      kind: NetworkPolicy
      metadata: {name: typo, namespace: shop}
      spec: {podSelector: {matchLabels: {app: api}}, ingress: [{ports: [{port: htpp}]}]}
      """
    Then nobody reaches shop/blue on TCP 8080
    And nobody reaches shop/red on TCP 80

  Scenario: In egress rules the name is still the destination's
    Given the policy:
      """
      apiVersion: networking.k8s.io/v1
      kind: NetworkPolicy
      metadata: {name: out-by-name, namespace: shop}
      spec:
        podSelector: {matchLabels: {app: web}}
        policyTypes: [Egress]
        egress: [{to: [{podSelector: {matchLabels: {app: api}}}], ports: [{port: http}]}]
      """
    Then shop/web reaches only shop/blue, shop/dual on TCP 8080
    And shop/web reaches only shop/red on TCP 80

  Scenario: A new pod with the same labels brings its own number
    Given the policy:
      """
      apiVersion: networking.k8s.io/v1
      kind: NetworkPolicy
      metadata: {name: http-only, namespace: shop}
      spec: {podSelector: {matchLabels: {app: api}}, ingress: [{ports: [{port: http}]}]}
      """
    When the pods are created:
      | pod        | labels  | ports     |
      | shop/green | app=api | http=3000 |
    Then shop/web can connect to shop/green on TCP 3000
    And shop/web cannot connect to shop/green on TCP 80
    And shop/web cannot connect to shop/blue on TCP 3000
