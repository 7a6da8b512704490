Feature: What happens is counted, node by node

  Background:
    Given the pods:
      | pod       | labels  | ports  | node |
      | shop/web  | app=web |        | n1   |
      | shop/near | app=db  | 80, 81 | n1   |
      | shop/far  | app=db  | 80, 81 | n2   |
    And the policy:
      """
      apiVersion: networking.k8s.io/v1
      kind: NetworkPolicy
      metadata: {name: db, namespace: shop}
      spec: {podSelector: {matchLabels: {app: db}}, ingress: [{ports: [{port: 80}]}]}
      """

  Scenario: Flows by verdict, and who decided
    Then shop/web can connect to shop/near on TCP 80 over IPv4
    And shop/web cannot connect to shop/near on TCP 81 over IPv4
    And shop/web cannot connect to shop/near on UDP 80 over IPv4
    And these metrics are shown:
      | metric                           | labels                                                | value |
      | plumbline_flows_processed_total  | verdict="FORWARDED"                                   | 1     |
      | plumbline_flows_processed_total  | verdict="DROPPED"                                     | 2     |
      | plumbline_drop_total             | reason="policy_denied_ingress", direction="ingress"   | 2     |
      | plumbline_policy_verdicts_total  | direction="ingress", action="allow", match="rule"     | 1     |
      | plumbline_policy_verdicts_total  | direction="ingress", action="deny", match="isolation" | 2     |
      | plumbline_policy_verdicts_total  | direction="egress", action="allow", match="none"      | 3     |

  Scenario: Each node counts what it sees
    When shop/web sends TCP SYN from port 40000 to shop/far port 80
    And shop/web sends TCP SYN from port 40000 to shop/far port 81
    Then these metrics are shown:
      | node | metric                          | labels              | value |
      | n1   | plumbline_flows_processed_total | verdict="FORWARDED" | 2     |
      | n1   | plumbline_drop_total            |                     | 0     |
      | n2   | plumbline_flows_processed_total | verdict="FORWARDED" | 1     |
      | n2   | plumbline_flows_processed_total | verdict="DROPPED"   | 1     |
      |      | plumbline_flows_processed_total |                     | 4     |

  @datapath
  Scenario: Drops without a policy, connections and generations
    When shop/web sends UDP from port 40000 to shop/near port 80
    And the packets are sent:
      | from     | to        | protocol | from port | to port | source     |
      | shop/web | shop/near | UDP      | 40000     | 80      | 192.0.2.77 |
    And shop/web sends TCP SYN from port 40000 to shop/near port 80
    Then these metrics are shown:
      | node | metric                                         | labels                  | value |
      | n1   | plumbline_drop_total                           | reason="spoofed_source" | 1     |
      | n1   | plumbline_conntrack_entries                    |                         | 1     |
      | n1   | plumbline_bpf_map_entries                      | map_name="CONNECTIONS"  | 1     |
      | n1   | plumbline_policy_generation                    |                         | 1     |
      | n2   | plumbline_policy_generation                    |                         | 1     |
      | n1   | plumbline_lost_events_total                    |                         | 0     |
    When the policy shop/db is deleted
    And shop/web sends TCP SYN from port 40001 to shop/far port 81
    Then these metrics are shown:
      | node | metric                                          | labels | value |
      | n1   | plumbline_policy_generation                     |        | 2     |
      | n1   | plumbline_policy_apply_duration_seconds_count   |        | 2     |
      | n2   | plumbline_conntrack_entries                     |        | 1     |

  Scenario: What became of the policy log
    Given denied connections are logged
    And allowed connections are logged
    Then shop/web can connect to shop/near on TCP 80 over IPv4
    And shop/web cannot connect to shop/near on TCP 81 over IPv4
    And shop/web cannot connect to shop/near on TCP 81 over IPv4
    And these metrics are shown:
      | metric                                      | labels | value |
      | plumbline_policy_log_records_written_total  |        | 1     |
      | plumbline_policy_log_delayed_packets        |        | 2     |
      | plumbline_policy_log_aggregated_packets_total |      | 1     |
    When 5 seconds pass
    Then these metrics are shown:
      | metric                                      | labels | value |
      | plumbline_policy_log_records_written_total  |        | 2     |
      | plumbline_policy_log_delayed_packets        |        | 0     |
