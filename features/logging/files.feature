Feature: The policy log is rotated by size, and so many files are kept

  Background:
    Given the pods:
      | pod      | labels  | ports |
      | shop/web | app=web |       |
      | shop/db  | app=db  | 80    |
    And the policy:
      """
      apiVersion: networking.k8s.io/v1
      kind: NetworkPolicy
      metadata: {name: db, namespace: shop}
      spec: {podSelector: {matchLabels: {app: db}}, ingress: [{ports: [{port: 80}]}]}
      """
    And allowed connections are logged

  Scenario Outline: With <kept> kept, six records are in <files> files
    # Each record is longer than that.
    Given the policy log is rotated at 100 bytes, and <kept> files are kept
    When shop/web sends TCP SYN from port 40001 to shop/db port 80
    And shop/web sends TCP SYN from port 40002 to shop/db port 80
    And shop/web sends TCP SYN from port 40003 to shop/db port 80
    And shop/web sends TCP SYN from port 40004 to shop/db port 80
    And shop/web sends TCP SYN from port 40005 to shop/db port 80
    And shop/web sends TCP SYN from port 40006 to shop/db port 80
    Then 6 records are logged
    And the policy log is in <files> files, with <records> records in all

    Examples:
      | kept | files | records |
      | 9    | 6     | 6       |
      | 2    | 3     | 3       |
      | 1    | 2     | 2       |

  Scenario: A file that is not full goes on
    Given the policy log is rotated at 1000000 bytes, and 2 files are kept
    When shop/web sends TCP SYN from port 40001 to shop/db port 80
    And shop/web sends TCP SYN from port 40002 to shop/db port 80
    Then the policy log is in 1 file, with 2 records in all
