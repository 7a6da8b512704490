Feature: A policy of a tier in audit mode denies nothing, and says what it would deny
  Background:
    Given the pods:
      | pod      | labels  | ports |
      | shop/web | app=web | 80    |
      | shop/db  | app=db  | 80    |

  Scenario Outline: A rule to deny of <kind> <name> is skipped
    Given the policy:
      """
      apiVersion: policy.networking.k8s.io/<version>
      kind: <kind>
      metadata: {name: <name>, annotations: {plumbline/audit: "true"}}
      spec: {<rank>subject: {namespaces: {}}, ingress: [{action: Deny, from: [{pods: {namespaceSelector: {}, podSelector: {matchLabels: {app: web}}}}]}]}
      """
    Then shop/web is audited connecting to shop/db on TCP 80
    And it is audited at ingress by <kind>/<name>
    And shop/db can connect to shop/web on TCP 80
    And no policy decides at ingress

    Examples:
      | version  | kind                       | name    | rank                         |
      | v1alpha2 | ClusterNetworkPolicy       | admin   | tier: Admin, priority: 1,    |
      | v1alpha2 | ClusterNetworkPolicy       | base    | tier: Baseline, priority: 1, |
      | v1alpha1 | AdminNetworkPolicy         | admin   | priority: 1,                 |
      | v1alpha1 | BaselineAdminNetworkPolicy | default |                              |

  Scenario: What comes after a rule in audit mode is asked in its place
    Given the policies:
      """
      apiVersion: policy.networking.k8s.io/v1alpha2
      kind: ClusterNetworkPolicy
      metadata: {name: trial, annotations: {plumbline/audit: "true"}}
      spec:
        tier: Admin
        priority: 1
        subject: {namespaces: {}}
        ingress: [{action: Deny, from: [{namespaces: {}}]}]
      ---
      apiVersion: networking.k8s.io/v1
      kind: NetworkPolicy
      metadata: {name: db, namespace: shop}
      spec: {podSelector: {matchLabels: {app: db}}}
      """
    Then shop/web cannot connect to shop/db on TCP 80
    And it is denied at ingress by shop/db
    And shop/db is audited connecting to shop/web on TCP 80
    And it is audited at ingress by ClusterNetworkPolicy/trial

  Scenario: Its rules to accept and to pass count
    Given the policies:
      """
      apiVersion: policy.networking.k8s.io/v1alpha2
      kind: ClusterNetworkPolicy
      metadata: {name: trial, annotations: {plumbline/audit: "true"}}
      spec:
        tier: Admin
        priority: 1
        subject: {namespaces: {}}
        ingress:
        - {action: Accept, from: [{pods: {podSelector: {matchLabels: {app: web}}}}]}
        - {action: Pass, from: [{namespaces: {}}]}
      ---
      apiVersion: policy.networking.k8s.io/v1alpha1
      kind: AdminNetworkPolicy
      metadata: {name: late}
      spec:
        priority: 2
        subject: {namespaces: {}}
        ingress: [{action: Deny, from: [{namespaces: {}}]}]
      """
    Then shop/web can connect to shop/db on TCP 80
    And it is allowed at ingress by ClusterNetworkPolicy/trial
    And shop/db can connect to shop/web on TCP 80
    And no policy decides at ingress

  Scenario: An audited network policy does not hide the Baseline tier
    Given the policies:
      """
      apiVersion: policy.networking.k8s.io/v1alpha1
      kind: BaselineAdminNetworkPolicy
      metadata: {name: default}
      spec: {subject: {namespaces: {}}, ingress: [{action: Deny, from: [{namespaces: {}}]}]}
      ---
      apiVersion: networking.k8s.io/v1
      kind: NetworkPolicy
      metadata: {name: db, namespace: shop, annotations: {plumbline/audit: "true"}}
      spec: {podSelector: {matchLabels: {app: db}}}
      """
    Then shop/web cannot connect to shop/db on TCP 80
    And it is denied at ingress by BaselineAdminNetworkPolicy/default
