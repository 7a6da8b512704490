Feature: Within a tier the lower priority is asked first
  Background:
    Given the pods:
      | pod      | labels  | ports |
      | shop/web | app=web | 80    |
      | shop/db  | app=db  | 80    |
    And the policies:
      """
      apiVersion: policy.networking.k8s.io/v1alpha2
      kind: ClusterNetworkPolicy
      metadata: {name: deny}
      spec:
        tier: Admin
        priority: 50
        subject: {namespaces: {}}
        ingress: [{action: Deny, from: [{namespaces: {}}]}]
      ---
      apiVersion: policy.networking.k8s.io/v1alpha2
      kind: ClusterNetworkPolicy
      metadata: {name: pass}
      spec:
        tier: Admin
        priority: 60
        subject: {namespaces: {}}
        ingress: [{action: Pass, from: [{namespaces: {}}]}]
      ---
      apiVersion: policy.networking.k8s.io/v1alpha2
      kind: ClusterNetworkPolicy
      metadata: {name: default}
      spec:
        tier: Baseline
        priority: 10
        subject: {namespaces: {}}
        ingress: [{action: Accept, from: [{namespaces: {}}]}]
      """

  Scenario: A new priority takes effect at once
    Then shop/web cannot connect to shop/db on TCP 80
    And it is denied at ingress by ClusterNetworkPolicy/deny
    When the policy is applied:
      """
      apiVersion: policy.networking.k8s.io/v1alpha2
      kind: ClusterNetworkPolicy
      metadata: {name: pass}
      spec:
        tier: Admin
        priority: 40
        subject: {namespaces: {}}
        ingress: [{action: Pass, from: [{namespaces: {}}]}]
      """
    Then shop/web can connect to shop/db on TCP 80
    And it is allowed at ingress by ClusterNetworkPolicy/default
    When the policy ClusterNetworkPolicy/pass is deleted
    Then shop/web cannot connect to shop/db on TCP 80
    When the policy ClusterNetworkPolicy/deny is deleted
    Then shop/web can connect to shop/db on TCP 80
    And it is allowed at ingress by ClusterNetworkPolicy/default
    When the policy ClusterNetworkPolicy/default is deleted
    Then shop/web can connect to shop/db on TCP 80
    And no policy decides at ingress

  Scenario: The least and the largest priority
    When the policy is applied:
      """
      apiVersion: policy.networking.k8s.io/v1alpha1
      kind: AdminNetworkPolicy
      metadata: {name: first}
      spec:
        priority: 0
        subject: {namespaces: {}}
        ingress: [{action: Allow, from: [{namespaces: {}}]}]
      """
    Then shop/web can connect to shop/db on TCP 80
    And it is allowed at ingress by AdminNetworkPolicy/first
    When the policy is applied:
      """
      apiVersion: policy.networking.k8s.io/v1alpha1
      kind: AdminNetworkPolicy
      metadata: {name: first}
      spec:
        priority: 1000
        subject: {namespaces: {}}
        ingress: [{action: Allow, from: [{namespaces: {}}]}]
      """
    Then shop/web cannot connect to shop/db on TCP 80
    And it is denied at ingress by ClusterNetworkPolicy/deny

  Scenario: Policies with the same priority are asked in the order of their names
    When the policy is applied:
      """
      apiVersion: policy.networking.k8s.io/v1alpha2
      kind: ClusterNetworkPolicy
      metadata: {name: accept}
      spec:
        tier: Admin
        priority: 50
        subject: {namespaces: {}}
        ingress: [{action: Accept, from: [{namespaces: {}}]}]
      """
    Then shop/web can connect to shop/db on TCP 80
    And it is allowed at ingress by ClusterNetworkPolicy/accept
