//! What a lab could leave behind: namespaces that something keeps alive, and links.

use crate::LabError;
use crate::netlink::Netlink;
use netlink_packet_route::RouteNetlinkMessage;
use netlink_packet_route::link::{LinkAttribute, LinkMessage};
use std::collections::BTreeSet;
use std::fmt;
use std::fs;
use std::path::Path;

/// Whose namespaces are counted.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Scope {
    /// Those that this process holds.
    Process,
    /// Those that any process holds, as far as `/proc` may be read.
    Machine,
}

/// The network namespaces that a process or a mount holds, and the links of the calling thread's namespace.
///
/// A namespace that nothing holds is destroyed by the kernel, so this is everything that can be left. A socket left
/// open holds its namespace too and is not seen here.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Census {
    /// Namespaces, by inode number.
    pub namespaces: BTreeSet<u64>,
    /// Links, by name.
    pub links: BTreeSet<String>,
}

impl Census {
    /// Counts what is there now.
    ///
    /// # Errors
    /// [`LabError::Kernel`] when `/proc` cannot be read or the kernel does not list its links.
    pub fn take(scope: Scope) -> Result<Self, LabError> {
        let mut namespaces = mounted_namespaces()?;
        match scope {
            Scope::Process => collect_process(Path::new("/proc/self"), &mut namespaces),
            Scope::Machine => {
                let entries = fs::read_dir("/proc")
                    .map_err(|error| LabError::kernel("listing /proc", error))?;
                for entry in entries.flatten() {
                    collect_process(&entry.path(), &mut namespaces);
                }
            }
        }
        let links = links()?;
        Ok(Self { namespaces, links })
    }

    /// What is here and was not there `before`.
    #[must_use]
    pub fn since(&self, before: &Self) -> Self {
        Self {
            namespaces: &self.namespaces - &before.namespaces,
            links: &self.links - &before.links,
        }
    }

    /// Whether nothing is here.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.namespaces.is_empty() && self.links.is_empty()
    }
}

impl fmt::Display for Census {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { namespaces, links } = self;
        write!(
            f,
            "{} network namespaces, {} links",
            namespaces.len(),
            links.len()
        )?;
        for inode in namespaces {
            write!(f, "\n  net:[{inode}]")?;
        }
        for name in links {
            write!(f, "\n  {name}")?;
        }
        Ok(())
    }
}

/// The namespaces that the process's threads are in and that its descriptors hold. A process that ends meanwhile, or
/// that may not be read, holds nothing we could count.
fn collect_process(process: &Path, namespaces: &mut BTreeSet<u64>) {
    let threads = fs::read_dir(process.join("task"));
    let threads = threads.into_iter().flatten().flatten();
    let entered = threads.map(|thread| thread.path().join("ns/net"));
    let descriptors = fs::read_dir(process.join("fd"));
    let descriptors = descriptors.into_iter().flatten().flatten();
    let held = descriptors.map(|descriptor| descriptor.path());
    let targets = entered
        .chain(held)
        .filter_map(|path| fs::read_link(path).ok());
    namespaces.extend(targets.filter_map(|target| namespace_inode(target.to_str()?)));
}

/// The namespaces that a mount keeps alive, as `ip netns add` makes them.
fn mounted_namespaces() -> Result<BTreeSet<u64>, LabError> {
    let mounts = fs::read_to_string("/proc/self/mountinfo")
        .map_err(|error| LabError::kernel("reading /proc/self/mountinfo", error))?;
    // Fourth field, "root of the mount within the filesystem": proc_pid_mountinfo(5).
    let roots = mounts.lines().filter_map(|line| line.split(' ').nth(3));
    Ok(roots.filter_map(namespace_inode).collect())
}

/// The number in `net:[4026531840]`.
fn namespace_inode(target: &str) -> Option<u64> {
    let number = target.strip_prefix("net:[")?.strip_suffix(']')?;
    number.parse().ok()
}

/// The names of the links in the calling thread's namespace.
fn links() -> Result<BTreeSet<String>, LabError> {
    let request = RouteNetlinkMessage::GetLink(LinkMessage::default());
    let listed = Netlink::open()?.dump("listing links", request)?;
    let links = listed.into_iter().filter_map(|message| match message {
        RouteNetlinkMessage::NewLink(link) => Some(link),
        _ => None,
    });
    let attributes = links.flat_map(|link| link.attributes);
    Ok(attributes
        .filter_map(|attribute| match attribute {
            LinkAttribute::IfName(name) => Some(name),
            _ => None,
        })
        .collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_namespace_link_names_its_inode() {
        assert_eq!(namespace_inode("net:[4026531840]"), Some(4_026_531_840));
        assert_eq!(namespace_inode("mnt:[4026531840]"), None);
        assert_eq!(namespace_inode("socket:[12]"), None);
    }

    #[test]
    fn the_difference_is_what_came() {
        let census = |namespaces: &[u64], links: &[&str]| Census {
            namespaces: namespaces.iter().copied().collect(),
            links: links.iter().map(|&name| name.to_owned()).collect(),
        };
        let before = census(&[1, 2], &["lo"]);
        let after = census(&[2, 3], &["lo", "ep2"]);
        assert_eq!(after.since(&before), census(&[3], &["ep2"]));
        assert!(before.since(&before).is_empty());
        let text = after.since(&before).to_string();
        assert_eq!(text, "1 network namespaces, 1 links\n  net:[3]\n  ep2");
    }
}
