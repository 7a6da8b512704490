//! Maps, programs and links that outlive the process, as files of a BPF file system.
//!
//! ```text
//! DIR/layout-2/maps/GENERATION …       what is known and remembered
//! DIR/layout-2/programs/from_endpoint …
//! DIR/layout-2/links/7-from_endpoint …  interface index and hook; removing one takes the program off the interface
//! ```

use crate::AgentError;
use std::fs::{self, File, TryLockError};
use std::io;
use std::path::{Path, PathBuf};

/// The layout of the pinned maps: their names, keys, values and what these mean. Programs and agents of one number can
/// take over from each other. It changes with every change to `abi` that a running program would misread.
const LAYOUT: u32 = 2;

/// The folder of one node's pins. Held by one agent at a time.
pub(crate) struct Pins {
    folder: PathBuf,
    /// The lock goes with the process, however that ends.
    _lock: File,
}

/// A pinned link: where a program hangs.
pub(crate) struct LinkPin {
    pub(crate) ifindex: u32,
    pub(crate) hook: String,
    pub(crate) path: PathBuf,
}

impl Pins {
    /// Opens or makes the folder of this layout in `dir`.
    pub(crate) fn open(dir: &Path) -> Result<Self, AgentError> {
        check_file_system(dir)?;
        let own = format!("layout-{LAYOUT}");
        for entry in entries(dir)? {
            let name = entry
                .file_name()
                .map(|name| name.to_string_lossy().into_owned());
            match name {
                Some(name) if name.starts_with("layout-") && name != own => {
                    return Err(AgentError::Layout {
                        found: name,
                        expected: own,
                        dir: dir.to_owned(),
                    });
                }
                _ => {}
            }
        }
        let folder = dir.join(own);
        for part in ["maps", "programs", "links"] {
            let path = folder.join(part);
            fs::create_dir_all(&path).map_err(at(&path))?;
        }
        let lock = File::open(&folder).map_err(at(&folder))?;
        match lock.try_lock() {
            Ok(()) => Ok(Self {
                folder,
                _lock: lock,
            }),
            Err(TryLockError::WouldBlock) => Err(AgentError::InUse {
                dir: dir.to_owned(),
            }),
            Err(TryLockError::Error(source)) => Err(at(&folder)(source)),
        }
    }

    /// Where a map is pinned.
    pub(crate) fn map(&self, name: &str) -> PathBuf {
        self.folder.join("maps").join(name)
    }

    /// Where a program is pinned.
    pub(crate) fn program(&self, name: &str) -> PathBuf {
        self.folder.join("programs").join(name)
    }

    /// Where the link of an interface's hook is pinned.
    pub(crate) fn link(&self, ifindex: u32, hook: &str) -> PathBuf {
        self.folder.join("links").join(format!("{ifindex}-{hook}"))
    }

    /// Every pinned link.
    pub(crate) fn links(&self) -> Result<Vec<LinkPin>, AgentError> {
        let paths = entries(&self.folder.join("links"))?.into_iter();
        let pins = paths.filter_map(|path| {
            let name = path.file_name()?.to_str()?;
            let (ifindex, hook) = name.split_once('-')?;
            Some(LinkPin {
                ifindex: ifindex.parse().ok()?,
                hook: hook.to_owned(),
                path: path.clone(),
            })
        });
        Ok(pins.collect())
    }
}

/// Takes a pin away; that there is none is fine.
pub(crate) fn remove(path: &Path) -> Result<(), AgentError> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(at(path)(error)),
        _ => Ok(()),
    }
}

/// Takes away everything that is pinned in `dir`: programs leave their interfaces, tables and connections are gone.
///
/// # Errors
/// When a file cannot be removed.
pub fn unpin(dir: &Path) -> Result<(), AgentError> {
    for folder in entries(dir)? {
        let name = folder.file_name().unwrap_or_default().to_string_lossy();
        if name.starts_with("layout-") {
            fs::remove_dir_all(&folder).map_err(at(&folder))?;
        }
    }
    Ok(())
}

fn check_file_system(dir: &Path) -> Result<(), AgentError> {
    let found = nix::sys::statfs::statfs(dir).map_err(|errno| at(dir)(errno.into()))?;
    if found.filesystem_type() == nix::sys::statfs::BPF_FS_MAGIC {
        Ok(())
    } else {
        Err(AgentError::NoBpfFileSystem {
            dir: dir.to_owned(),
        })
    }
}

fn entries(dir: &Path) -> Result<Vec<PathBuf>, AgentError> {
    let listed = fs::read_dir(dir).map_err(at(dir))?;
    let paths: io::Result<Vec<PathBuf>> = listed.map(|entry| Ok(entry?.path())).collect();
    let mut paths = paths.map_err(at(dir))?;
    paths.sort();
    Ok(paths)
}

/// Names the path in an error.
pub(crate) fn at(path: &Path) -> impl Fn(io::Error) -> AgentError {
    let path = path.to_owned();
    move |source| AgentError::Pin {
        path: path.clone(),
        source,
    }
}
