Feature: Clients outside of the cluster
  A node port is there on every node, an address of a load balancer leads to a node that can serve, and an external address
  to any. A backend on the node that is asked sees the client. One on another node sees that node, which sends the answer
  back, unless the service has `externalTrafficPolicy: Local`: then no other is asked.

  Background:
    Given the nodes:
      | node   | labels | address                    |
      | node-1 |        | 172.18.0.11, fd00:172::11 |
      | node-2 |        | 172.18.0.12, fd00:172::12 |
      | node-3 |        | 172.18.0.13, fd00:172::13 |
    And the pods:
      | pod         | labels   | ports                      | node   |
      | shop/web-1  | app=web  | 8080, 8080/UDP, 8080/SCTP  | node-1 |
      | shop/web-2  | app=web  | 8080, 8080/UDP, 8080/SCTP  | node-2 |
      | shop/client | app=shop |                            | node-3 |
    And the outside hosts:
      | host     | address                      | ports |
      | partner  | 203.0.113.9, 2001:db8:9::9   | 443   |
      | stranger | 203.0.113.77, 2001:db8:9::77 | 443   |

  Scenario: A node port is there on every node
    Given the services:
      """
      apiVersion: v1
      kind: Service
      metadata: {name: web, namespace: shop}
      spec:
        type: NodePort
        ipFamilyPolicy: RequireDualStack
        selector: {app: web}
        ports:
        - {name: tcp, port: 80, targetPort: 8080, nodePort: 30080}
        - {name: udp, port: 80, targetPort: 8080, nodePort: 30080, protocol: UDP}
        - {name: sctp, port: 80, targetPort: 8080, nodePort: 30080, protocol: SCTP}
      """
    Then connections from external/partner to node/node-1 on TCP 30080 are answered by shop/web-1, shop/web-2
    And connections from external/partner to node/node-2 on UDP 30080 are answered by shop/web-1, shop/web-2
    And connections from external/partner to node/node-3 on SCTP 30080 are answered by shop/web-1, shop/web-2
    And connections from shop/client to node/node-1 on TCP 30080 are answered by shop/web-1, shop/web-2
    And connections from shop/client to node/node-3 on TCP 30080 are answered by shop/web-1, shop/web-2

  Scenario: Only backends of the node that is asked serve who is outside
    Given the services:
      """
      apiVersion: v1
      kind: Service
      metadata: {name: web, namespace: shop}
      spec:
        type: NodePort
        externalTrafficPolicy: Local
        ipFamilyPolicy: RequireDualStack
        selector: {app: web}
        ports: [{port: 80, targetPort: 8080, nodePort: 30080}]
      """
    Then connections from external/partner to node/node-1 on TCP 30080 are answered by shop/web-1
    And connections from external/partner to node/node-2 on TCP 30080 are answered by shop/web-2
    And external/partner gets no answer from node/node-3 on TCP 30080
    And connections from shop/client to node/node-3 on TCP 30080 are answered by shop/web-1, shop/web-2

  Scenario: A load balancer sends to a node that can serve
    Given the services:
      """
      apiVersion: v1
      kind: Service
      metadata: {name: web, namespace: shop}
      spec:
        type: LoadBalancer
        externalTrafficPolicy: Local
        ipFamilyPolicy: RequireDualStack
        selector: {app: web}
        ports: [{port: 80, targetPort: 8080}]
      """
    Then connections from external/partner to svc/shop/web on TCP 80 are answered by shop/web-1
    When the pod shop/web-1 is not ready
    Then connections from external/partner to svc/shop/web on TCP 80 are answered by shop/web-2

  Scenario: A load balancer lets only the source ranges of the service in
    Given the services:
      """
      apiVersion: v1
      kind: Service
      metadata: {name: web, namespace: shop}
      spec:
        type: LoadBalancer
        loadBalancerSourceRanges: [203.0.113.0/28, "2001:db8:9::9/128"]
        ipFamilyPolicy: RequireDualStack
        selector: {app: web}
        ports: [{port: 80, targetPort: 8080, nodePort: 30080}]
      """
    Then connections from external/partner to svc/shop/web on TCP 80 are answered by shop/web-1, shop/web-2
    And external/stranger gets no answer from svc/shop/web on TCP 80
    And external/stranger can connect to node/node-3 on TCP 30080
    And connections from shop/client to svc/shop/web on TCP 80 are answered by shop/web-1, shop/web-2

  Scenario: An external address is the service's
    Given the services:
      """
      apiVersion: v1
      kind: Service
      metadata: {name: web, namespace: shop}
      spec:
        externalIPs: [198.51.100.7, "2001:db8:51::7"]
        ipFamilyPolicy: RequireDualStack
        selector: {app: web}
        ports: [{port: 80, targetPort: 8080}]
      """
    Then connections from external/partner to svc/shop/web on TCP 80 are answered by shop/web-1, shop/web-2
    And connections from shop/client to svc/shop/web on TCP 80 are answered by shop/web-1, shop/web-2

  Scenario: A pod on its node's network serves who is outside
    Given the pods:
      | pod          | labels      | ports | node   | network |
      | shop/ingress | app=ingress | 9080  | node-1 | host    |
    And the services:
      """
      apiVersion: v1
      kind: Service
      metadata: {name: ingress, namespace: shop}
      spec:
        type: NodePort
        ipFamilyPolicy: RequireDualStack
        selector: {app: ingress}
        ports: [{port: 80, targetPort: 9080, nodePort: 30090}]
      """
    Then connections from external/partner to node/node-1 on TCP 30090 are answered by shop/ingress
    And connections from external/partner to node/node-2 on TCP 30090 are answered by shop/ingress
    And connections from shop/client to node/node-1 on TCP 30090 are answered by shop/ingress

  Scenario: A service that nobody serves refuses at once, outside too
    Given the services:
      """
      apiVersion: v1
      kind: Service
      metadata: {name: nobody, namespace: shop}
      spec:
        type: NodePort
        ipFamilyPolicy: RequireDualStack
        selector: {app: nobody}
        ports:
        - {name: tcp, port: 80, nodePort: 30081}
        - {name: udp, port: 80, nodePort: 30081, protocol: UDP}
        - {name: sctp, port: 80, nodePort: 30081, protocol: SCTP}
      """
    Then external/partner is refused by node/node-1 on TCP 30081
    And external/partner is refused by node/node-2 on UDP 30081
    And external/partner is refused by node/node-3 on SCTP 30081

  Scenario: Policies see the client where the backend is on the node that is asked, else that node
    Given the services:
      """
      apiVersion: v1
      kind: Service
      metadata: {name: one, namespace: shop}
      spec:
        type: NodePort
        ipFamilyPolicy: RequireDualStack
        selector: {app: web}
        ports: [{port: 80, targetPort: 8080, nodePort: 30080}]
      """
    And the pod shop/web-2 is not ready
    And the policies:
      """
      apiVersion: networking.k8s.io/v1
      kind: NetworkPolicy
      metadata: {name: partners, namespace: shop}
      spec:
        podSelector: {matchLabels: {app: web}}
        ingress:
        - from: [{ipBlock: {cidr: 203.0.113.0/24}}, {ipBlock: {cidr: "2001:db8:9::/64"}}]
          ports: [{port: 8080}]
      """
    Then external/partner can connect to node/node-1 on TCP 30080
    And it is allowed at ingress by shop/partners
    And external/partner cannot connect to node/node-2 on TCP 30080
    And it is denied at ingress by shop/partners
