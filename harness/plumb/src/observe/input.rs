//! Waiting for bytes, for Ctrl-C and for a reader that leaves, all at once.

use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::inotify::{AddWatchFlags, InitFlags, Inotify};
use nix::sys::signal::{SigSet, Signal};
use nix::sys::signalfd::SignalFd;
use std::fs::File;
use std::io::{self, Read, Seek};
use std::os::fd::{AsFd, AsRawFd};
use std::os::unix::fs::MetadataExt;
use std::path::Path;

/// Bytes that are read at once.
const CHUNK: usize = 64 * 1024;

/// A file or a stream.
pub(super) struct Input {
    file: File,
    buffer: Vec<u8>,
    /// A file has an end where its writer may go on; a stream ends once.
    is_file: bool,
    /// Says that the file grew; `None` unless it is followed.
    growth: Option<Inotify>,
    /// Whether everything that the file has was read.
    is_at_its_end: bool,
    /// Whether the last turn was a pause.
    paused: bool,
    interrupt: SignalFd,
}

/// What comes next.
pub(super) enum Turn<'a> {
    /// Some bytes.
    Bytes(&'a [u8]),
    /// Nothing for now: the next turn waits.
    Pause,
    /// Nothing ever.
    End,
    /// Standard output has no reader any more.
    NobodyReads,
    /// Ctrl-C.
    Interrupt,
}

/// What a look at all descriptors found.
enum Ready {
    Input,
    Nothing,
    NobodyReads,
    Interrupt,
}

impl Input {
    /// Opens `path`, standard input for `-`. From now on SIGINT is a turn of this input.
    ///
    /// # Errors
    /// When it cannot be opened or watched.
    pub(super) fn open(path: &Path, follow: bool) -> io::Result<Self> {
        let file = if path == Path::new("-") {
            File::from(io::stdin().as_fd().try_clone_to_owned()?)
        } else {
            File::open(path)?
        };
        let is_file = file.metadata()?.is_file();
        let growth = (follow && is_file).then(|| watch(&file)).transpose()?;
        let mut signals = SigSet::empty();
        signals.add(Signal::SIGINT);
        signals.thread_block()?;
        Ok(Self {
            file,
            buffer: vec![0; CHUNK],
            is_file,
            growth,
            is_at_its_end: false,
            paused: false,
            interrupt: SignalFd::new(&signals)?,
        })
    }

    /// Whether everything that a file has was read; never so for a stream before it ends.
    pub(super) const fn is_at_its_end(&self) -> bool {
        self.is_at_its_end
    }

    /// What comes next; waits for it after a pause.
    ///
    /// # Errors
    /// When the input cannot be read.
    pub(super) fn next(&mut self) -> io::Result<Turn<'_>> {
        loop {
            let ready = self.look()?;
            let was_paused = std::mem::replace(&mut self.paused, false);
            match ready {
                Ready::Interrupt => return Ok(Turn::Interrupt),
                Ready::NobodyReads => return Ok(Turn::NobodyReads),
                Ready::Nothing if was_paused => self.paused = true,
                Ready::Nothing => {
                    self.paused = true;
                    return Ok(Turn::Pause);
                }
                Ready::Input if self.is_at_its_end => self.note_growth()?,
                Ready::Input => {
                    let count = self.file.read(&mut self.buffer)?;
                    if count > 0 {
                        return Ok(Turn::Bytes(&self.buffer[..count]));
                    }
                    if self.is_over()? {
                        return Ok(Turn::End);
                    }
                    self.is_at_its_end = true;
                }
            }
        }
    }

    /// Looks at all descriptors, after a pause until one has something.
    fn look(&self) -> io::Result<Ready> {
        let source = match &self.growth {
            Some(growth) if self.is_at_its_end => growth.as_fd(),
            _ => self.file.as_fd(),
        };
        let stdout = io::stdout();
        let mut looks = [
            PollFd::new(self.interrupt.as_fd(), PollFlags::POLLIN),
            PollFd::new(stdout.as_fd(), PollFlags::empty()),
            PollFd::new(source, PollFlags::POLLIN),
        ];
        let until = if self.paused {
            PollTimeout::NONE
        } else {
            PollTimeout::ZERO
        };
        match poll(&mut looks, until) {
            Err(Errno::EINTR) => return Ok(Ready::Nothing),
            found => found?,
        };
        let found = looks.map(|look| look.revents().unwrap_or(PollFlags::empty()));
        let [interrupt, stdout, source] = found;
        Ok(if !interrupt.is_empty() {
            Ready::Interrupt
        } else if stdout.intersects(PollFlags::POLLERR | PollFlags::POLLHUP) {
            Ready::NobodyReads
        } else if source.is_empty() {
            Ready::Nothing
        } else {
            Ready::Input
        })
    }

    /// Whether nothing can come any more: a stream ended, nobody follows the file, or it was deleted.
    fn is_over(&self) -> io::Result<bool> {
        Ok(!self.is_file || self.growth.is_none() || self.file.metadata()?.nlink() == 0)
    }

    /// The file changed. One that is shorter now was begun anew.
    fn note_growth(&mut self) -> io::Result<()> {
        if let Some(growth) = &self.growth {
            growth.read_events()?;
        }
        if self.file.metadata()?.len() < self.file.stream_position()? {
            self.file.rewind()?;
        }
        self.is_at_its_end = false;
        Ok(())
    }
}

/// Says when the file behind the descriptor grows or loses its last name, whatever happens to its path.
fn watch(file: &File) -> io::Result<Inotify> {
    let changes = Inotify::init(InitFlags::IN_CLOEXEC)?;
    let path = format!("/proc/self/fd/{}", file.as_raw_fd());
    let events = AddWatchFlags::IN_MODIFY | AddWatchFlags::IN_ATTRIB;
    changes.add_watch(path.as_str(), events)?;
    Ok(changes)
}
