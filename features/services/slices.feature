Feature: EndpointSlices say who serves, where there are any
  Background:
    Given the pods:
      | pod         | labels  | ports | address    |
      | shop/client |         |       |            |
      | shop/web-1  | app=web | 80    | 10.244.0.21 |
      | shop/web-2  | app=web | 80    | 10.244.0.22 |
      | shop/web-3  | app=web | 80    | 10.244.0.23 |
    And the outside hosts:
      | host | address      | ports |
      | db   | 198.51.100.9 | 5432  |

  Scenario: Their conditions count, not the selector and not the pods
    Given the services:
      """
      apiVersion: v1
      kind: Service
      metadata: {name: web, namespace: shop}
      spec: {clusterIP: 10.96.0.10, selector: {app: web}, ports: [{port: 80}]}
      ---
      apiVersion: discovery.k8s.io/v1
      kind: EndpointSlice
      metadata: {name: web-a, namespace: shop, labels: {kubernetes.io/service-name: web}}
      addressType: IPv4
      ports: [{port: 80}]
      endpoints:
      - {addresses: [10.244.0.21]}
      - {addresses: [10.244.0.22], conditions: {ready: false}}
      ---
      apiVersion: discovery.k8s.io/v1
      kind: EndpointSlice
      metadata: {name: web-b, namespace: shop, labels: {kubernetes.io/service-name: web}}
      addressType: IPv4
      ports: [{port: 80}]
      endpoints:
      - {addresses: [10.244.0.23], conditions: {ready: true}}
      """
    Then connections from shop/client to svc/shop/web on TCP 80 are answered by shop/web-1, shop/web-3

  Scenario: A service without a selector leads to where its slices say, outside too
    Given the services:
      """
      apiVersion: v1
      kind: Service
      metadata: {name: db, namespace: shop}
      spec: {clusterIP: 10.96.0.11, ports: [{port: 5432}]}
      ---
      apiVersion: discovery.k8s.io/v1
      kind: EndpointSlice
      metadata: {name: db-1, namespace: shop, labels: {kubernetes.io/service-name: db}}
      addressType: IPv4
      ports: [{port: 5432}]
      endpoints: [{addresses: [198.51.100.9]}]
      """
    Then shop/client can connect to svc/shop/db on TCP 5432
