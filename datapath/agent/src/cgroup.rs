//! The cgroup of this process: what a program hangs on that sockets call.

use crate::AgentError;
use std::fs::{self, File};
use std::path::{Path, PathBuf};

const MOUNTS: &str = "/proc/self/mountinfo";
const MEMBERSHIP: &str = "/proc/self/cgroup";

/// Opens the folder of the cgroup (version 2) that this process is in.
pub(crate) fn own() -> Result<File, AgentError> {
    let [mounts, membership] = [MOUNTS, MEMBERSHIP].map(|path| read(Path::new(path)));
    let path = folder(&mounts?, &membership?).ok_or(AgentError::NoCgroup)?;
    File::open(&path).map_err(|source| AgentError::Cgroup { path, source })
}

fn read(path: &Path) -> Result<String, AgentError> {
    fs::read_to_string(path).map_err(|source| AgentError::Cgroup {
        path: path.to_owned(),
        source,
    })
}

/// Where the cgroup of `membership` (`proc_pid_cgroup(5)`) is in the file system that `mounts`
/// (`proc_pid_mountinfo(5)`) names.
fn folder(mounts: &str, membership: &str) -> Option<PathBuf> {
    let own = membership
        .lines()
        .find_map(|line| line.strip_prefix("0::"))?;
    let (root, mount_point) = mounts.lines().find_map(version_2)?;
    let below = Path::new(own).strip_prefix(root).ok()?;
    Some(Path::new(&mount_point).join(below))
}

/// Root and mount point of a line about version 2.
fn version_2(line: &str) -> Option<(String, String)> {
    let (mount, file_system) = line.split_once(" - ")?;
    if file_system.split(' ').next() != Some("cgroup2") {
        return None;
    }
    let mut fields = mount.split(' ').skip(3).map(unescaped);
    Some((fields.next()?, fields.next()?))
}

/// A field without the escapes that it has in place of what separates fields.
fn unescaped(field: &str) -> String {
    field
        .replace("\\040", " ")
        .replace("\\011", "\t")
        .replace("\\012", "\n")
        .replace("\\134", "\\")
}

#[cfg(test)]
mod tests {
    use super::*;

    const V1: &str = "32 31 0:29 / /sys/fs/cgroup/cpu rw,relatime - cgroup cgroup rw,cpu\n";

    fn check(mounts: &str, membership: &str, expected: Option<&str>) {
        let folder = folder(&format!("{V1}{mounts}"), membership);
        assert_eq!(folder.as_deref(), expected.map(Path::new), "{mounts}");
    }

    #[test]
    fn the_folder_is_the_process_s_own_wherever_it_is_mounted() {
        let beside = "41 31 0:38 / /sys/fs/cgroup/unified rw - cgroup2 cgroup2 rw\n";
        let alone = "41 31 0:38 / /sys/fs/cgroup rw shared:4 - cgroup2 cgroup2 rw,nsdelegate\n";
        let part = "41 31 0:38 /pods /mnt/a\\040b rw - cgroup2 none rw\n";
        check(
            beside,
            "4:memory:/x\n0::/\n",
            Some("/sys/fs/cgroup/unified"),
        );
        check(alone, "0::/a.slice/b\n", Some("/sys/fs/cgroup/a.slice/b"));
        check(part, "0::/pods/7\n", Some("/mnt/a b/7"));
        check(part, "0::/elsewhere\n", None);
        check("", "0::/\n", None);
        check(alone, "4:memory:/x\n", None);
        check("nonsense - cgroup2\n", "0::/\n", None);
    }

    #[test]
    fn this_process_is_in_one() {
        assert!(own().unwrap().metadata().unwrap().is_dir());
    }
}
