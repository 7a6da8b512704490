Feature: Each port of a service leads to a port of its pods
  Background:
    Given the pods:
      | pod         | labels     | ports                                                  |
      | shop/client |            |                                                        |
      | shop/dns-1  | app=dns    | dns=53, dns-udp=53/UDP, metrics=9153, sig=5000/SCTP    |
      | shop/dns-2  | app=dns    | dns=1053, dns-udp=1053/UDP                             |

  Scenario: One number for several protocols, and several ports
    Given the services:
      """
      apiVersion: v1
      kind: Service
      metadata: {name: dns, namespace: shop}
      spec:
        clusterIP: 10.96.0.53
        selector: {app: dns}
        ports:
        - {name: dns, port: 53, targetPort: dns}
        - {name: dns-udp, port: 53, protocol: UDP, targetPort: dns-udp}
        - {name: sig, port: 53, protocol: SCTP, targetPort: 5000}
        - {name: metrics, port: 9153, targetPort: metrics}
      """
    Then shop/client can connect to svc/shop/dns on TCP 53
    And shop/client can connect to svc/shop/dns on UDP 53
    And connections from shop/client to svc/shop/dns on UDP 53 are answered by shop/dns-1, shop/dns-2
    And connections from shop/client to svc/shop/dns on TCP 9153 are answered by shop/dns-1
    When the pod shop/dns-2 is deleted
    Then shop/client can connect to svc/shop/dns on SCTP 53

  Scenario: A name that no pod has leads nowhere
    Given the services:
      """
      apiVersion: v1
      kind: Service
      metadata: {name: dns, namespace: shop}
      spec: {clusterIP: 10.96.0.53, selector: {app: dns}, ports: [{port: 80, targetPort: http}]}
      """
    Then shop/client is refused by svc/shop/dns on TCP 80

  Scenario: A number that no pod listens on is refused by the pod
    Given the services:
      """
      apiVersion: v1
      kind: Service
      metadata: {name: dns, namespace: shop}
      spec: {clusterIP: 10.96.0.53, selector: {app: dns}, ports: [{port: 80}]}
      """
    Then shop/client is refused by svc/shop/dns on TCP 80
    And no policy decides at ingress
