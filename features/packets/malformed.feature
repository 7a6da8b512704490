@datapath
Feature: What is broken is dropped, whoever sends it
  Background:
    Given the nodes:
      | node   | address               |
      | node-1 | 172.18.0.2, fd00:1::2 |
    And the pods:
      | pod      | address             |
      | shop/web | 10.0.0.1, fd00::1   |
      | shop/db  | 10.0.0.2, fd00::2   |

  Scenario Outline: A <protocol> packet over <over> that ends after <cut> bytes
    When the packets are sent:
      | from     | to      | over   | protocol   | from port | to port | flags   | cut   |
      | shop/web | shop/db | <over> | <protocol> | 40000     | 80      | <flags> | <cut> |
    Then it is dropped: malformed
    And 1 packet is counted as malformed

    Examples:
      | protocol | over | flags   | cut |
      | TCP      | IPv4 | SYN     | 0   |
      | TCP      | IPv4 | SYN     | 1   |
      | TCP      | IPv4 | SYN     | 19  |
      | TCP      | IPv4 | SYN     | 20  |
      | TCP      | IPv4 | SYN     | 39  |
      | UDP      | IPv4 |         | 27  |
      | SCTP     | IPv4 | INIT    | 31  |
      | ICMP     | IPv4 | request | 27  |
      | TCP      | IPv6 | SYN     | 39  |
      | TCP      | IPv6 | SYN     | 40  |
      | TCP      | IPv6 | SYN     | 59  |
      | UDP      | IPv6 |         | 47  |
      | SCTP     | IPv6 | INIT    | 51  |
      | ICMP     | IPv6 | request | 47  |

  Scenario Outline: From a pod: <what>
    When shop/web sends the bytes:
      """
      <bytes>
      """
    Then it is dropped: <reason>

    Examples:
      | what                                     | reason                | bytes |
      | IPv4 with a header of 16 bytes           | malformed             | 0800 4400 0028 0000 0000 4006 0000 0a00 0001 0a00 0002 9c40 0050 0000 0001 0000 0000 5002 0400 0000 0000 |
      | IPv4 with a header longer than it is     | malformed             | 0800 4f00 0028 0000 0000 4006 0000 0a00 0001 0a00 0002 9c40 0050 0000 0001 0000 0000 5002 0400 0000 0000 |
      | IPv4 that says it is IPv6                | malformed             | 0800 6500 0028 0000 0000 4006 0000 0a00 0001 0a00 0002 9c40 0050 0000 0001 0000 0000 5002 0400 0000 0000 |
      | IPv4 that says it is longer than it is   | malformed             | 0800 4500 0029 0000 0000 4006 0000 0a00 0001 0a00 0002 9c40 0050 0000 0001 0000 0000 5002 0400 0000 0000 |
      | IPv4 that says it is shorter than IPv4   | malformed             | 0800 4500 0013 0000 0000 4006 0000 0a00 0001 0a00 0002 9c40 0050 0000 0001 0000 0000 5002 0400 0000 0000 |
      | TCP with a header of 16 bytes            | malformed             | 0800 4500 0028 0000 0000 4006 0000 0a00 0001 0a00 0002 9c40 0050 0000 0001 0000 0000 4002 0400 0000 0000 |
      | TCP with options that are not there      | malformed             | 0800 4500 0028 0000 0000 4006 0000 0a00 0001 0a00 0002 9c40 0050 0000 0001 0000 0000 6002 0400 0000 0000 |
      | UDP that says it is shorter than UDP     | malformed             | 0800 4500 001c 0000 0000 4011 0000 0a00 0001 0a00 0002 9c40 0035 0007 0000 |
      | UDP that says it is longer than it is    | malformed             | 0800 4500 001c 0000 0000 4011 0000 0a00 0001 0a00 0002 9c40 0035 0009 0000 |
      | IPv6 that says it is longer than it is   | malformed             | 86dd 6000 0000 0009 1140 fd00 0000 0000 0000 0000 0000 0000 0001 fd00 0000 0000 0000 0000 0000 0000 0002 9c40 0035 0008 0000 |
      | IPv6 with an extension that is cut off   | malformed             | 86dd 6000 0000 0004 0040 fd00 0000 0000 0000 0000 0000 0000 0001 fd00 0000 0000 0000 0000 0000 0000 0002 1100 0000 |
      | ARP that is cut off                      | malformed             | 0806 0001 0800 0604 0001 |
      | ARP for something else than IPv4         | malformed             | 0806 0001 86dd 0610 0001 0200 0000 0001 0a00 0001 0000 0000 0000 0a00 0002 |
      | a switch's spanning tree (802.3)         | unsupported_ethertype | 0026 4242 0300 0000 0000 0000 0000 0000 0000 |
      | MPLS                                     | unsupported_ethertype | 8847 0001 01ff 4500 0014 |
      | PPPoE                                    | unsupported_ethertype | 8863 1109 0000 0000 |
      | LLDP                                     | unsupported_ethertype | 88cc 0207 04 |
      | an EtherType that nobody has             | unsupported_ethertype | ffff 0000 |

  Scenario: To a pod
    When node/node-1 sends shop/web the bytes:
      """
      0800 4500 0029 0000 0000 4006 0000 ac12 0002 0a00 0001
      9c40 0050 0000 0001 0000 0000 5002 0400 0000 0000
      """
    Then it is dropped: malformed

  Scenario Outline: A frame in a VLAN is for no endpoint, whatever is in it: VLAN <vlan>
    When the packets are sent:
      | from     | to      | protocol | from port | to port | flags | vlan   |
      | shop/web | shop/db | TCP      | 40000     | 80      | SYN   | <vlan> |
    Then it is dropped: unsupported_ethertype

    Examples:
      | vlan |
      | 0    |
      | 1    |
      | 4095 |
