Feature: ipBlock chooses by address
  In the default mode a block matches every address, as the API text says; `--ip-block external` leaves pods and nodes out.

  Background:
    Given the pods:
      | pod      | labels  | ports | address                    |
      | shop/web | app=web | 80    | 10.244.7.10, fd00:244::10  |
      | shop/db  | app=db  | 80    | 10.244.7.20, fd00:244::20  |
    And the outside hosts:
      | host   | address                     | ports |
      | office | 198.51.100.7, 2001:db8:1::7 | 443   |
      | lab    | 198.51.100.77               | 443   |
      | vpn    | 203.0.113.9, 2001:db8:2::9  | 443   |

  Scenario: A block takes the hosts in it
    Given the policy:
      """
      apiVersion: networking.k8s.io/v1
      kind: NetworkPolicy
      metadata: {name: from-site, namespace: shop}
      spec:
        podSelector: {matchLabels: {app: web}}
        ingress: [{from: [{ipBlock: {cidr: 198.51.100.0/24}}]}]
      """
    Then only external/office, external/lab reach shop/web on TCP 80 over IPv4
    And nobody reaches shop/web on TCP 80 over IPv6

  Scenario: except takes addresses out of the block
    Given the policy:
      """
      apiVersion: networking.k8s.io/v1
      kind: NetworkPolicy
      metadata: {name: to-site, namespace: shop}
      spec:
        podSelector: {matchLabels: {app: web}}
        policyTypes: [Egress]
        egress: [{to: [{ipBlock: {cidr: 198.51.100.0/24, except: [198.51.100.64/26]}}]}]
      """
    Then shop/web reaches only external/office on TCP 443 over IPv4

  Scenario: except is no denial: another peer may allow what it left out
    Given the policy:
      """
      apiVersion: networking.k8s.io/v1
      kind: NetworkPolicy
      metadata: {name: to-site, namespace: shop}
      spec:
        podSelector: {matchLabels: {app: web}}
        policyTypes: [Egress]
        egress:
          - to:
              - ipBlock: {cidr: 198.51.100.0/24, except: [198.51.100.64/26]}
              - ipBlock: {cidr: 198.51.100.77/32}
      """
    Then shop/web reaches only external/office, external/lab on TCP 443 over IPv4

  Scenario: IPv6 blocks
    Given the policy:
      """
      apiVersion: networking.k8s.io/v1
      kind: NetworkPolicy
      metadata: {name: to-v6, namespace: shop}
      spec:
        podSelector: {matchLabels: {app: web}}
        policyTypes: [Egress]
        egress: [{to: [{ipBlock: {cidr: "2001:db8::/32", except: ["2001:db8:2::/48"]}}]}]
      """
    Then shop/web reaches only external/office on TCP 443 over IPv6
    And shop/web reaches nobody on TCP 443 over IPv4
    And shop/web can connect to external/office on TCP 443 at address 2001:db8:1::7

  Scenario: A narrow block beside a wide one adds nothing and takes nothing away
    Given the policies:
      """
      apiVersion: networking.k8s.io/v1
      kind: NetworkPolicy
      metadata: {name: wide, namespace: shop}
      spec:
        podSelector: {matchLabels: {app: web}}
        ingress: [{from: [{ipBlock: {cidr: 198.0.0.0/8}}], ports: [{port: 80}]}]
      ---
      apiVersion: networking.k8s.io/v1
      kind: NetworkPolicy
      metadata: {name: narrow, namespace: shop}
      spec:
        podSelector: {matchLabels: {app: web}}
        ingress: [{from: [{ipBlock: {cidr: 198.51.100.7/32}}], ports: [{port: 81}]}]
      """
    Then only external/office, external/lab reach shop/web on TCP 80 over IPv4
    And only external/office reaches shop/web on TCP 81 over IPv4

  Scenario: A block for everything
    Given the policy:
      """
      apiVersion: networking.k8s.io/v1
      kind: NetworkPolicy
      metadata: {name: the-internet, namespace: shop}
      spec:
        podSelector: {matchLabels: {app: web}}
        ingress: [{from: [{ipBlock: {cidr: 0.0.0.0/0}}]}]
      """
    Then everybody reaches shop/web on TCP 80 over IPv4
    And nobody reaches shop/web on TCP 80 over IPv6
