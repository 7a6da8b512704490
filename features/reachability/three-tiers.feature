Feature: A shop in three tiers
  What a platform engineer wants to know of a set of policies: who reaches whom, all of it, and nothing else.

  Background:
    Given the cluster in "three-tiers.yaml"

  Scenario: The whole picture
    Then the reachability on TCP 80 is:
      |             | shop/web | shop/api | shop/db | ops/monitor |
      | shop/web    | .        | ✓        | x       | ✓           |
      | shop/api    | x        | .        | x       | ✓           |
      | shop/db     | x        | x        | .       | x           |
      | ops/monitor | x        | x        | x       | .           |
    And the reachability on TCP 5432 over IPv4 is:
      |             | shop/db |
      | shop/web    | x       |
      | shop/api    | ✓       |
      | ops/monitor | x       |

  Scenario: Tier by tier
    Then only external/customer reaches shop/web on TCP 443
    And only shop/web reaches shop/api on TCP 80
    And only shop/api reaches shop/db on TCP 5432
    And nobody reaches shop/db on ICMP
    And shop/db reaches nobody on TCP 443

  Scenario: Monitoring scrapes by name
    Then ops/monitor can connect to shop/api on TCP 9090
    And it is allowed at ingress by shop/metrics
    And ops/monitor can connect to shop/db on TCP 9187
    And ops/monitor cannot connect to shop/db on TCP 9090
    And it is denied at ingress by shop/db-from-api, shop/default-deny, shop/metrics
