Feature: A service stands for the pods that it selects
  Policies and logs see the pod that answers, the client sees the service.

  Background:
    Given the pods:
      | pod         | labels     | ports          |
      | shop/client | app=client |                |
      | shop/web-1  | app=web    | http=8080      |
      | shop/web-2  | app=web    | http=8080      |
      | shop/web-3  | app=web    | http=9090      |
      | other/pod   |            |                |
    And the services:
      """
      apiVersion: v1
      kind: Service
      metadata: {name: web, namespace: shop}
      spec:
        clusterIP: 10.96.0.10
        clusterIPs: [10.96.0.10, "fd00:10:96::10"]
        ipFamilyPolicy: RequireDualStack
        selector: {app: web}
        ports: [{port: 80, targetPort: http}]
      """

  Scenario: It answers at its own address and port, in both families
    Then shop/client can connect to svc/shop/web on TCP 80 over IPv4
    And no policy decides at egress
    And no policy decides at ingress
    And shop/client can connect to svc/shop/web on TCP 80 over IPv6
    And other/pod can connect to svc/shop/web on TCP 80

  Scenario: Every pod that it selects answers, each at the port that it calls so
    Then connections from shop/client to svc/shop/web on TCP 80 are answered by shop/web-1, shop/web-2, shop/web-3

  Scenario: It has no other ports, and who asks is told at once
    Then shop/client is refused by svc/shop/web on TCP 8080
    And shop/client is refused by svc/shop/web on UDP 80
    And shop/client is refused by svc/shop/web on SCTP 80

  Scenario: A pod behind it reaches itself and the others, whatever policies say of itself
    Then connections from shop/web-1 to svc/shop/web on TCP 80 are answered by shop/web-1, shop/web-2, shop/web-3
    When the policy is applied:
      """
      apiVersion: networking.k8s.io/v1
      kind: NetworkPolicy
      metadata: {name: closed, namespace: shop}
      spec: {podSelector: {matchLabels: {app: web}}, policyTypes: [Ingress, Egress]}
      """
    And the pod shop/web-2 is deleted
    And the pod shop/web-3 is deleted
    Then shop/web-1 can connect to svc/shop/web on TCP 80
    But shop/client cannot connect to svc/shop/web on TCP 80

  Scenario: Pods that come and go, ready or not
    When the pod shop/web-1 is not ready
    Then connections from shop/client to svc/shop/web on TCP 80 are answered by shop/web-2, shop/web-3
    When the pod shop/web-2 is terminating
    Then connections from shop/client to svc/shop/web on TCP 80 are answered by shop/web-3
    When the pod shop/web-1 is ready
    Then connections from shop/client to svc/shop/web on TCP 80 are answered by shop/web-1, shop/web-3
    When the pods are created:
      | pod        | labels  | ports     |
      | shop/web-4 | app=web | http=8080 |
    Then connections from shop/client to svc/shop/web on TCP 80 are answered by shop/web-1, shop/web-3, shop/web-4

  Scenario: When all that could serve are about to end, they serve to the end
    When the pod shop/web-1 is terminating
    And the pod shop/web-2 is terminating
    And the pod shop/web-3 is not ready
    Then connections from shop/client to svc/shop/web on TCP 80 are answered by shop/web-1, shop/web-2

  Scenario: Nobody serves: who asks is told at once
    When the pod shop/web-1 is deleted
    And the pod shop/web-2 is not ready
    And the label app is removed from the pod shop/web-3
    Then shop/client is refused by svc/shop/web on TCP 80
    When the pod shop/web-2 is ready
    Then shop/client can connect to svc/shop/web on TCP 80

  Scenario: A service that is deleted and comes again
    When the service shop/web is deleted
    And the services:
      """
      apiVersion: v1
      kind: Service
      metadata: {name: again, namespace: shop}
      spec: {clusterIP: 10.96.0.10, selector: {app: web}, ports: [{port: 81, targetPort: 8080}]}
      """
    Then shop/client is refused by svc/shop/again on TCP 80
    When the pod shop/web-3 is deleted
    Then shop/client can connect to svc/shop/again on TCP 81
