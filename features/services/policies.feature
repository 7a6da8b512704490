Feature: Policies judge the pod that answers for a service, at its own port
  Background:
    Given the pods:
      | pod         | labels     | ports |
      | shop/client | app=client |       |
      | shop/other  | app=other  |       |
      | shop/web    | app=web    | 8080  |
    And the services:
      """
      apiVersion: v1
      kind: Service
      metadata: {name: web, namespace: shop}
      spec: {clusterIP: 10.96.0.10, selector: {app: web}, ports: [{port: 80, targetPort: 8080}]}
      """

  Scenario: Ingress is by the client and the pod's port
    Given the policy:
      """
      apiVersion: networking.k8s.io/v1
      kind: NetworkPolicy
      metadata: {name: web, namespace: shop}
      spec:
        podSelector: {matchLabels: {app: web}}
        ingress: [{from: [{podSelector: {matchLabels: {app: client}}}], ports: [{port: 8080}]}]
      """
    Then shop/client can connect to svc/shop/web on TCP 80
    And it is allowed at ingress by shop/web
    And shop/other cannot connect to svc/shop/web on TCP 80
    And it is denied at ingress by shop/web

  Scenario: Egress is to the pod, never to the address of the service
    Given the policies:
      """
      apiVersion: networking.k8s.io/v1
      kind: NetworkPolicy
      metadata: {name: to-web, namespace: shop}
      spec:
        podSelector: {matchLabels: {app: client}}
        policyTypes: [Egress]
        egress: [{to: [{podSelector: {matchLabels: {app: web}}}], ports: [{port: 8080}]}]
      ---
      apiVersion: networking.k8s.io/v1
      kind: NetworkPolicy
      metadata: {name: to-address, namespace: shop}
      spec:
        podSelector: {matchLabels: {app: other}}
        policyTypes: [Egress]
        egress: [{to: [{ipBlock: {cidr: 10.96.0.0/12}}], ports: [{port: 80}]}]
      """
    Then shop/client can connect to svc/shop/web on TCP 80
    And it is allowed at egress by shop/to-web
    And shop/other cannot connect to svc/shop/web on TCP 80
    And it is denied at egress by shop/to-address

  Scenario: The port of the service means nothing to policies
    Given the policy:
      """
      apiVersion: networking.k8s.io/v1
      kind: NetworkPolicy
      metadata: {name: web, namespace: shop}
      spec: {podSelector: {matchLabels: {app: web}}, ingress: [{ports: [{port: 80}]}]}
      """
    Then shop/client cannot connect to svc/shop/web on TCP 80
    And it is denied at ingress by shop/web
    When the policy shop/web is deleted
    Then shop/client can connect to svc/shop/web on TCP 80
