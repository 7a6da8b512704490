//! What this kernel is and has, read from files below a root folder.

use super::finding::Finding;
use std::fs;
use std::path::Path;

/// The first kernel with TCX, which a node hangs its programs on; labs do without. Older ones are not tried.
const FIRST_WITH_TCX: (u32, u32) = (6, 6);

/// Everything that can be read without privileges.
pub(super) fn examine(root: &Path) -> Vec<Finding> {
    vec![
        version(root),
        jit(root),
        btf(root),
        ipv6(root),
        mount(root, "cgroup2"),
        mount(root, "bpf"),
    ]
}

fn read(root: &Path, path: &str) -> Option<String> {
    let text = fs::read_to_string(root.join(path)).ok()?;
    Some(text.trim().to_owned())
}

fn version(root: &Path) -> Finding {
    let check = "kernel";
    let release = read(root, "proc/sys/kernel/osrelease").unwrap_or_default();
    let (major, minor) = FIRST_WITH_TCX;
    match parse_version(&release) {
        Some(version) if version >= FIRST_WITH_TCX => {
            Finding::good(check, format!("{release}, has TCX (since {major}.{minor})"))
        }
        _ => Finding::note(
            check,
            format!("{release:?} has no TCX; labs do without, but nobody tried this one"),
            format!("boot Linux {major}.{minor} or later if a line below is marked ✗"),
        ),
    }
}

/// Major and minor number of a release such as `6.18.44-cloud`.
fn parse_version(release: &str) -> Option<(u32, u32)> {
    let mut numbers = release.split(|c: char| !c.is_ascii_digit());
    Some((numbers.next()?.parse().ok()?, numbers.next()?.parse().ok()?))
}

fn jit(root: &Path) -> Finding {
    let check = "BPF JIT";
    match read(root, "proc/sys/net/core/bpf_jit_enable").as_deref() {
        Some("0") => Finding::note(
            check,
            "off: programs are interpreted, slowly",
            "sysctl -w net.core.bpf_jit_enable=1",
        ),
        Some(_) => Finding::good(check, "on"),
        None => Finding::bad(
            check,
            "net.core.bpf_jit_enable is not there: a kernel without BPF or its JIT",
            "boot a kernel with CONFIG_BPF_SYSCALL=y and CONFIG_BPF_JIT=y",
        ),
    }
}

fn btf(root: &Path) -> Finding {
    let check = "kernel BTF";
    let path = "sys/kernel/btf/vmlinux";
    if root.join(path).exists() {
        Finding::good(check, format!("/{path}"))
    } else {
        Finding::note(
            check,
            format!("/{path} is not there; our programs do without"),
            "for tools such as bpftool, boot a kernel with CONFIG_DEBUG_INFO_BTF=y",
        )
    }
}

fn ipv6(root: &Path) -> Finding {
    let check = "IPv6";
    if root.join("proc/sys/net/ipv6").is_dir() {
        Finding::good(check, "on")
    } else {
        Finding::bad(check, "off in this kernel", "boot without ipv6.disable=1")
    }
}

/// Whether a file system of this type is mounted. Nothing of ours needs it; who debugs likes to know.
fn mount(root: &Path, kind: &'static str) -> Finding {
    let check = if kind == "bpf" { "bpffs" } else { kind };
    let mounts = read(root, "proc/mounts").unwrap_or_default();
    let place = mounts.lines().find_map(|line| {
        let mut fields = line.split(' ').skip(1);
        let place = fields.next()?;
        (fields.next()? == kind).then_some(place)
    });
    match place {
        Some(place) => Finding::good(check, format!("mounted at {place}")),
        None => Finding::good(check, "not mounted, and not needed"),
    }
}

#[cfg(test)]
mod tests {
    use super::super::finding::State;
    use super::*;
    use tempfile::TempDir;

    fn machine(files: &[(&str, &str)]) -> TempDir {
        let root = tempfile::tempdir().expect("a temporary folder");
        for (path, text) in files {
            let path = root.path().join(path);
            fs::create_dir_all(path.parent().expect("a folder")).expect("a folder");
            fs::write(path, text).expect("a file");
        }
        root
    }

    #[track_caller]
    fn check(finding: &Finding, state: State, detail: &str) {
        assert_eq!((finding.state, finding.detail.as_str()), (state, detail));
        assert_eq!(
            finding.fix.is_some(),
            state != State::Good,
            "a problem, and only a problem, has a fix"
        );
    }

    #[test]
    fn tcx_came_with_6_6() {
        for release in ["6.6.0", "7.0-rc1"] {
            let root = machine(&[("proc/sys/kernel/osrelease", release)]);
            let detail = format!("{release}, has TCX (since 6.6)");
            check(&version(root.path()), State::Good, &detail);
        }
        for release in ["6.5.13-arch\n", "5.15.0\n", "unknown\n"] {
            let root = machine(&[("proc/sys/kernel/osrelease", release)]);
            assert_eq!(version(root.path()).state, State::Note, "{release}");
        }
    }

    #[test]
    fn the_jit_may_be_off_or_missing() {
        let path = "proc/sys/net/core/bpf_jit_enable";
        check(&jit(machine(&[(path, "1\n")]).path()), State::Good, "on");
        let off = jit(machine(&[(path, "0\n")]).path());
        check(&off, State::Note, "off: programs are interpreted, slowly");
        assert_eq!(jit(machine(&[]).path()).state, State::Bad);
    }

    #[test]
    fn ipv6_is_needed_and_btf_is_not() {
        let bare = machine(&[]);
        check(&ipv6(bare.path()), State::Bad, "off in this kernel");
        assert_eq!(btf(bare.path()).state, State::Note);
        let full = machine(&[
            ("proc/sys/net/ipv6/conf/all/forwarding", "0"),
            ("sys/kernel/btf/vmlinux", ""),
        ]);
        check(&ipv6(full.path()), State::Good, "on");
        check(&btf(full.path()), State::Good, "/sys/kernel/btf/vmlinux");
    }

    #[test]
    fn mounts_are_found_by_type() {
        let mounts = "cgroup2 /sys/fs/cgroup/unified cgroup2 rw 0 0\nnone /bpf tmpfs rw 0 0\n";
        let root = machine(&[("proc/mounts", mounts)]);
        let cgroup2 = mount(root.path(), "cgroup2");
        check(&cgroup2, State::Good, "mounted at /sys/fs/cgroup/unified");
        let bpffs = mount(root.path(), "bpf");
        check(&bpffs, State::Good, "not mounted, and not needed");
    }
}
