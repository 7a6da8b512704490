//! A file whose opening hangs, as on a disk that does not answer.

use nix::fcntl::AT_FDCWD;
use nix::sys::fanotify::{EventFFlags, Fanotify, InitFlags, MarkFlags, MaskFlags};
use std::fs::File;
use std::path::Path;

/// Makes a file; whoever opens it waits until what is returned is dropped.
pub(crate) fn hold(path: &Path) -> Fanotify {
    File::create_new(path).unwrap();
    let group = Fanotify::init(InitFlags::FAN_CLASS_CONTENT, EventFFlags::O_RDONLY).unwrap();
    let add = MarkFlags::FAN_MARK_ADD;
    group
        .mark(add, MaskFlags::FAN_OPEN_PERM, AT_FDCWD, Some(path))
        .unwrap();
    group
}
