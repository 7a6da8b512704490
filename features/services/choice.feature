Feature: Which backend a client gets
  Background:
    Given a cluster:
      """
      apiVersion: v1
      kind: Node
      metadata: {name: n1, labels: {topology.kubernetes.io/zone: a}}
      ---
      apiVersion: v1
      kind: Node
      metadata: {name: n2, labels: {topology.kubernetes.io/zone: b}}
      """
    And the pods:
      | pod         | labels  | ports | node |
      | shop/near   |         |       | n1   |
      | shop/far    |         |       | n2   |
      | shop/web-1  | app=web | 80    | n1   |
      | shop/web-2  | app=web | 80    | n1   |
      | shop/web-3  | app=web | 80    | n2   |

  Scenario: Any of them
    Given the services:
      """
      apiVersion: v1
      kind: Service
      metadata: {name: web, namespace: shop}
      spec: {clusterIP: 10.96.0.10, selector: {app: web}, ports: [{port: 80}]}
      """
    Then connections from shop/near to svc/shop/web on TCP 80 are answered by shop/web-1, shop/web-2, shop/web-3

  Scenario: By a hash of who asks, so that every node chooses alike
    Given the services:
      """
      apiVersion: v1
      kind: Service
      metadata: {name: web, namespace: shop, annotations: {service.plumbline/lb-algorithm: maglev}}
      spec: {clusterIP: 10.96.0.10, selector: {app: web}, ports: [{port: 80}]}
      """
    Then connections from shop/near to svc/shop/web on TCP 80 are answered by shop/web-1, shop/web-2, shop/web-3

  Scenario: The same for the same client, until it was away for long
    Given the services:
      """
      apiVersion: v1
      kind: Service
      metadata: {name: web, namespace: shop}
      spec:
        clusterIP: 10.96.0.10
        selector: {app: web}
        ports: [{port: 80}]
        sessionAffinity: ClientIP
        sessionAffinityConfig: {clientIP: {timeoutSeconds: 60}}
      """
    Then connections from shop/near to svc/shop/web on TCP 80 are answered by one backend
    And connections from shop/far to svc/shop/web on TCP 80 are answered by one backend
    When 2 minutes pass
    Then connections from shop/near to svc/shop/web on TCP 80 are answered by one backend
    When the pod shop/web-1 is deleted
    And the pod shop/web-2 is not ready
    Then connections from shop/near to svc/shop/web on TCP 80 are answered by shop/web-3

  Scenario: Those on the client's node alone
    Given the services:
      """
      apiVersion: v1
      kind: Service
      metadata: {name: web, namespace: shop}
      spec: {clusterIP: 10.96.0.10, selector: {app: web}, ports: [{port: 80}], internalTrafficPolicy: Local}
      """
    Then connections from shop/near to svc/shop/web on TCP 80 are answered by shop/web-1, shop/web-2
    And connections from shop/far to svc/shop/web on TCP 80 are answered by shop/web-3
    When the pod shop/web-3 is deleted
    Then shop/far is refused by svc/shop/web on TCP 80

  Scenario: Those in the client's zone, if there are any
    Given the services:
      """
      apiVersion: v1
      kind: Service
      metadata: {name: web, namespace: shop}
      spec: {clusterIP: 10.96.0.10, selector: {app: web}, ports: [{port: 80}], trafficDistribution: PreferClose}
      """
    Then connections from shop/near to svc/shop/web on TCP 80 are answered by shop/web-1, shop/web-2
    And connections from shop/far to svc/shop/web on TCP 80 are answered by shop/web-3
    When the pod shop/web-3 is not ready
    Then connections from shop/far to svc/shop/web on TCP 80 are answered by shop/web-1, shop/web-2
