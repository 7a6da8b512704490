Feature: A whole log, as it was once and is to be
  The files are under fixtures/golden; `plumb test --bless` writes them from what is seen.

  Background:
    Given the cluster in "../../scenarios/shop"
    And all allowed connections are logged
    And all denied connections are logged

  Scenario: The shop is opened, and somebody tries the database
    Given the nodes:
      | node | address    |
      | n1   | 172.18.9.1 |
    And the pods:
      | pod        | labels  | ports      | node | address     |
      | shop/front | app=web |            | n1   | 10.244.77.1 |
      | shop/logic | app=api | http=8080  | n1   | 10.244.77.2 |
      | shop/store | app=db  | 5432       | n1   | 10.244.77.3 |
    When shop/front sends TCP SYN from port 40000 to shop/logic port 8080
    And shop/logic sends TCP SYN from port 40000 to shop/store port 5432
    And shop/front sends TCP SYN from port 40001 to shop/store port 5432
    And shop/front sends TCP SYN from port 40002 to shop/store port 5432
    And 5 seconds pass
    Then the policy log is as in "../../fixtures/golden/shop-log.json"
    And the flows are as in "../../fixtures/golden/shop-flows.json"

  Scenario: From node to node each node writes what it decides
    Given the pods:
      | pod        | labels  | ports      | node | address     |
      | shop/front | app=web |            | n1   | 10.244.77.1 |
      | shop/logic | app=api | http=8080  | n2   | 10.244.78.2 |
      | shop/store | app=db  | 5432       | n2   | 10.244.78.3 |
    When shop/front sends TCP SYN from port 40000 to shop/logic port 8080
    And shop/store sends TCP SYN from port 40000 to shop/front port 80
    And 5 seconds pass
    Then the policy log is as in "../../fixtures/golden/two-nodes-log.json"
    And the flows are as in "../../fixtures/golden/two-nodes-flows.json"
