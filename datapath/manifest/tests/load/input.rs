//! Where manifests come from, and the forms they come in.

use crate::world::{apply, load, pods, refuse};
use manifest::{Cluster, Source};
use std::fs;
use std::path::Path;

fn pod(name: &str) -> String {
    format!("{{apiVersion: v1, kind: Pod, metadata: {{name: {name}}}}}\n")
}

fn names(cluster: &Cluster) -> Vec<&str> {
    cluster.pods.keys().map(|name| name.name.as_str()).collect()
}

fn load_path(path: &Path) -> Result<Cluster, String> {
    let mut cluster = Cluster::default();
    let outcome = cluster.apply(&[Source::argument(path.to_str().unwrap())]);
    outcome
        .map(|_| cluster)
        .map_err(|errors| errors.to_string().replace(path.to_str().unwrap(), "PATH"))
}

#[test]
fn a_folder_is_read_with_all_below_it() {
    let folder = tempfile::tempdir().unwrap();
    let below = folder.path().join("below");
    fs::create_dir_all(folder.path().join(".hidden")).unwrap();
    fs::create_dir(&below).unwrap();
    for name in [
        "b.yaml",
        "a.yml",
        "c.json",
        "below/d.yaml",
        ".hidden/e.yaml",
        "notes.txt",
    ] {
        let stem = Path::new(name).file_stem().unwrap().to_str().unwrap();
        fs::write(folder.path().join(name), pod(stem)).unwrap();
    }
    std::os::unix::fs::symlink(folder.path(), below.join("around.yaml")).unwrap();
    let cluster = load_path(folder.path()).unwrap();
    assert_eq!(names(&cluster), ["a", "b", "c", "d"]);
    let first = cluster
        .pods
        .values()
        .find(|pod| pod.addresses.v4.unwrap().octets()[3] == 2)
        .unwrap();
    assert!(
        first.origin.location.file.ends_with("a.yml"),
        "files are read in the order of their names"
    );
}

#[test]
fn what_cannot_be_read_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name);
    fs::write(path("binary"), [0xff, 0xfe, b'a', 0]).unwrap();
    fs::write(path("null"), "a: \0").unwrap();
    fs::write(path("empty"), "").unwrap();
    fs::create_dir(path("folder")).unwrap();
    let long = fs::File::create(path("long")).unwrap();
    long.set_len((64 << 20) + 1).unwrap();
    let text_help = "\n  = help: manifests are YAML or JSON in UTF-8";
    let cases = [
        ("missing", "cannot be read: No such file or directory (os error 2)".to_owned()),
        ("binary", format!("is not a text file{text_help}")),
        ("null", format!("is not a text file{text_help}")),
        ("empty", "has no objects in it".to_owned()),
        ("folder", "has no manifests in it\n  = help: a folder is searched for .yaml, .yml and .json files".to_owned()),
        ("long", "is longer than 64 MiB\n  = help: split it, or leave out the kinds that are not needed".to_owned()),
    ];
    for (name, said) in cases {
        assert_eq!(
            load_path(&path(name)).unwrap_err(),
            format!("error: PATH: {said}"),
            "{name}"
        );
    }
}

#[test]
fn an_error_in_one_source_keeps_the_others_out() {
    let mut cluster = Cluster::default();
    let sources = [
        Source::text("good", pod("web")),
        Source::text("bad", "kind: Pod"),
        Source::argument("/missing"),
    ];
    let errors = cluster.apply(&sources).unwrap_err();
    assert_eq!(errors.0.len(), 2);
    assert_eq!(cluster, Cluster::default());
}

#[test]
fn only_what_is_empty_altogether_is_an_error() {
    let mut cluster = Cluster::default();
    cluster
        .apply(&[
            Source::text("a", "# nothing"),
            Source::text("b", pod("web")),
        ])
        .unwrap();
    cluster.apply(&[]).unwrap();
    refuse("{apiVersion: v1, kind: List, items: []}");
}

#[test]
fn the_same_object_may_come_as_yaml_json_or_in_a_list() {
    let forms = [
        "apiVersion: v1\nkind: Pod\nmetadata:\n  name: web\n",
        "---\napiVersion: v1\nkind: Pod\nmetadata: {name: web}\n---\n",
        "\u{feff}apiVersion: v1\r\nkind: Pod\r\nmetadata:\r\n  name: web\r\n",
        "{\n\t\"apiVersion\": \"v1\",\n\t\"kind\": \"Pod\",\n\t\"metadata\": {\"name\": \"we\\u0062\"}\n}\n",
        "{apiVersion: v1, kind: List, items: [{apiVersion: v1, kind: Pod, metadata: {name: web}}]}",
        "{apiVersion: v1, kind: PodList, items: [{metadata: {name: web}}]}",
        "{apiVersion: v1, kind: List, items: [{apiVersion: v1, kind: PodList, items: [{metadata: {name: web}}]}]}",
        "apiVersion: v1\nkind: Pod\nmetadata: &a {name: web}\nignored: *a\n",
        "base: &a {name: web}\napiVersion: v1\nkind: Pod\nmetadata:\n  <<: *a\n",
        "base: &a {name: x, labels: {a: b}}\napiVersion: v1\nkind: Pod\nmetadata:\n  <<: [*a]\n  name: web\n  labels: {}\n",
        "apiVersion: v1\nkind: Pod\nmetadata: {name: !!str web, labels: null, annotations: ~}\n",
    ];
    let expected = load(&pod("web"));
    for form in forms {
        assert_eq!(pods(&load(form)), pods(&expected), "{form}");
        assert!(
            load(form).pods.values().all(|pod| pod.labels.is_empty()),
            "{form}"
        );
    }
}

#[test]
fn a_tag_makes_a_word_a_string() {
    let cluster = load(
        "{apiVersion: v1, kind: Pod, metadata: {name: web, labels: {a: !!str 5, b: \"5\", c: 5a, d: y}}}",
    );
    let (_, pod) = cluster.pods.first_key_value().unwrap();
    assert_eq!(
        pod.labels.values().collect::<Vec<_>>(),
        ["5", "5", "5a", "y"]
    );
}

#[test]
fn no_more_is_said_than_can_be_read() {
    let pods: Vec<_> = (0..150).map(|number| pod(&format!("P{number}"))).collect();
    let many = pods.join("---\n");
    let errors = refuse(&many);
    assert_eq!(errors.0.len(), 101);
    assert_eq!(
        errors.0[100].to_string(),
        "error: 50 more like these are not shown\n   --> cluster.yaml:201:46\n    = help: they begin here"
    );
}

#[test]
fn warnings_are_cut_short_once() {
    let policies: Vec<_> = (0..150)
        .map(|number| {
            format!(
                "{{apiVersion: networking.k8s.io/v1, kind: NetworkPolicy, metadata: {{name: p{number}, namespace: shop}}, \
                 spec: {{ingress: [{{from: [{{ipBlock: {{cidr: 10.0.0.1/8}}}}]}}]}}}}\n"
            )
        })
        .collect();
    let applied = apply(&mut Cluster::default(), &policies.join("---\n"));
    assert_eq!(applied.warnings.len(), 101);
    // Of each policy its CIDR, of the first one its namespace, too.
    let last = applied.warnings[100].to_string();
    assert!(
        last.starts_with("warning: 51 more like these are not shown"),
        "{last}"
    );
}

#[test]
fn the_example_cluster_loads_without_a_word() {
    let mut cluster = Cluster::default();
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../../scenarios/shop");
    let applied = cluster.apply(&[Source::argument(folder)]).unwrap();
    assert!(applied.warnings.is_empty());
    assert_eq!(applied.skipped_line(), None);
    assert_eq!(cluster.pods.len() + cluster.externals.len(), 9);
    assert_eq!(cluster.policies.len(), 6);
}
