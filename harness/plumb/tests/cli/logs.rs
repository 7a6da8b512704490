//! Flows and policy logs, in files.

use crate::program::plumb;
use flow::hubble::Line;
use flow::log::Record;
use std::fs;

const LOGGING: &str = "apiVersion: networking.gke.io/v1alpha1
kind: NetworkLogging
metadata: {name: default}
spec: {cluster: {allow: {log: true}, deny: {log: true}}}
";

#[test]
fn every_connection_is_a_flow_and_those_that_policies_decide_are_records() {
    let folder = tempfile::tempdir().unwrap();
    let logging = folder.path().join("logging.yaml");
    fs::write(&logging, LOGGING).unwrap();
    plumb("matrix -f shop.yaml -n shop --port 5432 --family 4 --driver simulate")
        .arg("-f")
        .arg(&logging)
        .arg("--flows")
        .arg(folder.path().join("flows"))
        .arg("--policy-log")
        .arg(folder.path().join("logs"))
        .assert()
        .success();
    let flows = fs::read_to_string(folder.path().join("flows/matrix.json")).unwrap();
    let flows: Vec<Line> = flows
        .lines()
        .map(|line| Line::read(line).unwrap())
        .collect();
    assert_eq!(flows.len(), 6, "a pod to itself crosses no link");
    let log = fs::read_to_string(folder.path().join("logs/matrix/policy_action.log")).unwrap();
    let records: Vec<Record> = log
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    let said = |record: &Record| {
        let line = serde_json::to_value(record).unwrap();
        format!(
            "{} {}",
            line["connection"]["direction"], line["disposition"]
        )
    };
    let mut said: Vec<String> = records.iter().map(said).collect();
    said.sort();
    let deny = |direction| format!("\"{direction}\" \"deny\"");
    let mut expected = vec![deny("egress"), deny("egress")];
    expected.extend(vec![deny("ingress"); 3]);
    expected.push("\"ingress\" \"allow\"".to_owned());
    expected.sort();
    assert_eq!(said, expected);
}

#[test]
fn they_are_written_of_the_first_driver_when_two_are_compared() {
    let folder = tempfile::tempdir().unwrap();
    plumb("matrix -f shop.yaml -n shop --port 5432 --driver simulate --against oracle --flows")
        .arg(folder.path())
        .assert()
        .success();
    let flows = fs::read_to_string(folder.path().join("matrix.json")).unwrap();
    assert_eq!(flows.lines().count(), 12, "6 connections over each family");
}

#[test]
fn without_network_logging_the_log_is_empty() {
    let folder = tempfile::tempdir().unwrap();
    plumb("test shop.feature -f shop.yaml --driver simulate --policy-log")
        .arg(folder.path())
        .assert()
        .code(1);
    for scenario in folder.path().read_dir().unwrap() {
        let file = scenario.unwrap().path().join("policy_action.log");
        assert_eq!(fs::read_to_string(file).unwrap(), "");
    }
}
