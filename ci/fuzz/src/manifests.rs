//! Whatever stands in a manifest: it loads or it is refused whole, and what loads can be compiled.

use manifest::{Cluster, IpBlockMode, Source};
use policy::{Compiler, Planner};

pub(crate) fn run(input: &[u8]) {
    let Ok(text) = std::str::from_utf8(input) else {
        return;
    };
    let mut cluster = Cluster::default();
    match cluster.apply(&[Source::text("input", text)]) {
        Ok(_) => compile(&cluster),
        Err(errors) => {
            assert!(!errors.0.is_empty(), "refused without a word");
            assert!(!errors.render(false).is_empty());
            assert_eq!(cluster, Cluster::default(), "refused, yet changed");
        }
    }
}

/// Both modes, and once more: the same tables come out of the same cluster.
fn compile(cluster: &Cluster) {
    for mode in [IpBlockMode::Any, IpBlockMode::External] {
        let mut compiler = Compiler::new(mode);
        let desired = compiler.compile(cluster);
        let mut planner = Planner::new();
        let generation = planner.plan(&desired).generation;
        let again = planner.plan(&compiler.compile(cluster));
        assert_eq!((again.generation, again.writes), (generation, Vec::new()));
        assert!(!desired.to_string().is_empty());
    }
}
