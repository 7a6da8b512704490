//! What may stand in the gaps of a step.

/// A gap of a step, by its name in braces.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Parameter {
    /// Its name.
    pub name: &'static str,
    /// What it matches, as a regular expression without groups of its own.
    pub pattern: &'static str,
    /// What to write there.
    pub meaning: &'static str,
}

/// Every gap.
pub const PARAMETERS: &[Parameter] = &[
    Parameter {
        name: "endpoint",
        pattern: r"(?:svc/)?[^\s,/:]+/[^\s,/:]+",
        meaning: "a pod `namespace/name`, a node `node/NAME`, an outside host `external/NAME`; as a destination a service, `svc/namespace/name`",
    },
    Parameter {
        name: "endpoints",
        pattern: r"(?:svc/)?[^\s,/:]+/[^\s,/:]+(?:, (?:svc/)?[^\s,/:]+/[^\s,/:]+)*",
        meaning: "one or more endpoints, separated by commas",
    },
    Parameter {
        name: "service",
        pattern: r"(?:TCP|UDP|SCTP) [0-9]+|ICMP",
        meaning: "a protocol and a port, for example `TCP 5432`, or `ICMP` for an echo",
    },
    Parameter {
        name: "way",
        pattern: r"(?: over IPv[46]| at address \S+)?",
        meaning: "nothing (every family both ends have), ` over IPv4`, ` over IPv6`, or ` at address 10.0.0.1`",
    },
    Parameter {
        name: "side",
        pattern: r"egress|ingress",
        meaning: "`egress` of the source or `ingress` of the destination",
    },
    Parameter {
        name: "object",
        pattern: r"[^\s,/:]+/[^\s,/:]+",
        meaning: "a pod, `namespace/name`",
    },
    Parameter {
        name: "policy",
        pattern: r"[^\s,/:]+/[^\s,/:]+",
        meaning: "a NetworkPolicy, `namespace/name`; one of a tier, `ClusterNetworkPolicy/NAME`, `AdminNetworkPolicy/NAME` or `BaselineAdminNetworkPolicy/default`; a host policy, `CiliumClusterwideNetworkPolicy/NAME`",
    },
    Parameter {
        name: "policies",
        pattern: r"[^\s,/:]+/[^\s,/:]+(?:, [^\s,/:]+/[^\s,/:]+)*",
        meaning: "one or more policies, separated by commas",
    },
    Parameter {
        name: "namespace",
        pattern: r"[^\s,/:]+",
        meaning: "the name of a namespace",
    },
    Parameter {
        name: "label",
        pattern: r"[^\s,=]+",
        meaning: "the key of a label",
    },
    Parameter {
        name: "labels",
        pattern: r"[^\s,=]+=[^\s,=]*(?:, [^\s,=]+=[^\s,=]*)*",
        meaning: "one or more labels `key=value`, separated by commas",
    },
    Parameter {
        name: "duration",
        pattern: r"[0-9]+ (?:second|minute|hour)s?",
        meaning: "a time, for example `5 minutes`",
    },
    Parameter {
        name: "number",
        pattern: r"[0-9]+",
        meaning: "a number",
    },
    Parameter {
        name: "segment",
        pattern: r"TCP \S+|UDP|SCTP \S+",
        meaning: "`TCP` with its flags (`TCP SYN/ACK`), `UDP`, or `SCTP` with its chunk (`SCTP INIT`)",
    },
    Parameter {
        name: "echo",
        pattern: r"request|reply",
        meaning: "`request` or `reply`",
    },
    Parameter {
        name: "error",
        pattern: r#""[^"]*""#,
        meaning: "an ICMP error in double quotes, for example `\"packet too big\"`",
    },
    Parameter {
        name: "conversation",
        pattern: r"TCP connection|UDP conversation|SCTP association",
        meaning: "`TCP connection`, `UDP conversation` or `SCTP association`",
    },
    Parameter {
        name: "address",
        pattern: r"[0-9a-f.:]+",
        meaning: "an IP address",
    },
    Parameter {
        name: "reason",
        pattern: r"[a-z_]+",
        meaning: "why the datapath drops a packet, for example `spoofed_source`",
    },
    Parameter {
        name: "file",
        pattern: r#""[^"]+""#,
        meaning: "a path in double quotes, relative to the feature file",
    },
];
