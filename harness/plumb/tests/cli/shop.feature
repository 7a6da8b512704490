Feature: the shop

  @true
  Scenario: the database is for the api
    Given the cluster of the command line
    Then shop/api can connect to shop/db on TCP 5432
    And shop/web cannot connect to shop/db on TCP 5432
    And it is denied at ingress by shop/db, shop/default-deny

  @wrong
  Scenario: the web talks to the database
    Given the cluster of the command line
    Then shop/web can connect to shop/db on TCP 5432
