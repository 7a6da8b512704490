//! The file that records are written to: a line each, rotated by size, by a thread of its own.
//!
//! Whoever has records never waits for the disk: they wait in a bounded queue, and what finds no room there, or cannot be
//! written, is counted. Those that wait are written at once, as whole lines at the end of the file. A line that a full
//! disk cut short is taken back, and one that a killed process left is taken out before the next is written, so nobody
//! reads half a record.

use super::Record;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::iter;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread::{self, JoinHandle};

/// The name of the file in its folder.
pub const FILE_NAME: &str = "policy_action.log";

/// How many records are written at once.
const AT_ONCE: usize = 256;

/// The numbers of a log file.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct FileSettings {
    /// Bytes from which on the file is put aside and a new one begun.
    pub rotate_at: u64,
    /// How many files put aside are kept, `policy_action.log.1` the youngest.
    pub kept: usize,
    /// How many records may wait to be written.
    pub queue: usize,
}

impl Default for FileSettings {
    fn default() -> Self {
        Self {
            rotate_at: 10 * 1024 * 1024,
            kept: 5,
            queue: 2_000,
        }
    }
}

/// What became of the records that were handed over.
#[derive(Debug, Default)]
struct Tally {
    written: AtomicU64,
    lost_to_queue: AtomicU64,
    lost_to_errors: AtomicU64,
}

/// What became of the records that were handed over.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct FileCounters {
    /// Records in the file.
    pub written: u64,
    /// Records for which the queue had no room.
    pub lost_to_queue: u64,
    /// Records that could not be written: the disk is full, the folder is gone or read-only.
    pub lost_to_errors: u64,
}

/// What the thread is asked.
enum Message {
    Write(Box<Record>),
    /// Say so when all that came before is written or counted.
    Flush(SyncSender<()>),
}

/// A log file under way. Dropping it writes what waits.
#[derive(Debug)]
pub struct LogFile {
    queue: Option<SyncSender<Message>>,
    writer: Option<JoinHandle<()>>,
    tally: Arc<Tally>,
}

impl LogFile {
    /// Opens the file in `folder`, which is made if it is not there, and goes on at its end.
    ///
    /// # Errors
    /// When the folder or the file cannot be made. What goes wrong later is counted.
    pub fn open(folder: &Path, settings: FileSettings) -> io::Result<Self> {
        fs::create_dir_all(folder)?;
        let tally = Arc::<Tally>::default();
        let mut writer = Writer {
            path: folder.join(FILE_NAME),
            settings,
            file: None,
        };
        writer.open()?;
        let (queue, inbox) = sync_channel(settings.queue);
        let counts = Arc::clone(&tally);
        let writer = thread::Builder::new()
            .name("policy-log".to_owned())
            .spawn(move || writer.serve(&inbox, &counts))?;
        Ok(Self {
            queue: Some(queue),
            writer: Some(writer),
            tally,
        })
    }

    /// Hands a record over. Never waits.
    pub fn write(&self, record: Record) {
        let Some(queue) = &self.queue else {
            return;
        };
        if queue.try_send(Message::Write(Box::new(record))).is_err() {
            self.tally.lost_to_queue.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// Returns when all records that were handed over are written or counted.
    pub fn flush(&self) {
        let (done, flushed) = sync_channel(1);
        let asked = self
            .queue
            .as_ref()
            .map(|queue| queue.send(Message::Flush(done)));
        if let Some(Ok(())) = asked {
            // The thread answers as long as it lives.
            let _ = flushed.recv();
        }
    }

    /// What became of the records so far. Those that wait are in none of the counts.
    #[must_use]
    pub fn counters(&self) -> FileCounters {
        let count = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        FileCounters {
            written: count(&self.tally.written),
            lost_to_queue: count(&self.tally.lost_to_queue),
            lost_to_errors: count(&self.tally.lost_to_errors),
        }
    }

    /// Writes what waits, and says what became of all records.
    #[must_use]
    pub fn close(mut self) -> FileCounters {
        self.settle();
        self.counters()
    }

    fn settle(&mut self) {
        self.queue = None;
        if let Some(writer) = self.writer.take() {
            // A panic of the thread was reported when it happened.
            let _ = writer.join();
        }
    }
}

impl Drop for LogFile {
    fn drop(&mut self) {
        self.settle();
    }
}

/// The thread's side.
struct Writer {
    path: PathBuf,
    settings: FileSettings,
    /// The file and its length; none while it cannot be opened.
    file: Option<(File, u64)>,
}

impl Writer {
    /// Writes records until nobody can hand over any more.
    fn serve(mut self, inbox: &Receiver<Message>, tally: &Tally) {
        let mut lines = Vec::new();
        while let Ok(first) = inbox.recv() {
            for message in iter::once(first).chain(inbox.try_iter().take(AT_ONCE - 1)) {
                match message {
                    Message::Write(record) => add_line(&mut lines, &record, tally),
                    Message::Flush(done) => {
                        self.write_all(&mut lines, tally);
                        // Who asked may have gone.
                        let _ = done.send(());
                    }
                }
            }
            self.write_all(&mut lines, tally);
        }
    }

    /// Writes lines, counts what became of them, and leaves none.
    fn write_all(&mut self, lines: &mut Vec<u8>, tally: &Tally) {
        let mut rest = lines.as_slice();
        while !rest.is_empty() {
            let Ok(written) = self.write(rest) else {
                // What was cut short is taken out when the file is opened again.
                self.file = None;
                tally
                    .lost_to_errors
                    .fetch_add(count(rest), Ordering::Relaxed);
                break;
            };
            let (done, behind) = rest.split_at(written);
            tally.written.fetch_add(count(done), Ordering::Relaxed);
            rest = behind;
        }
        lines.clear();
    }

    /// Writes the first of these lines, as many as fit in the file, whole or not at all; returns their length.
    fn write(&mut self, lines: &[u8]) -> io::Result<usize> {
        if !self.is_in_place() {
            self.open()?;
        }
        let length = self.file.as_ref().map_or(0, |(_, length)| *length);
        let mut part = self.fitting(lines, length);
        if part.is_empty() {
            self.rotate()?;
            part = self.fitting(lines, 0);
        }
        let Some((file, length)) = &mut self.file else {
            return Err(io::ErrorKind::NotFound.into());
        };
        let written = file.write(part)?;
        let whole = last_end(&part[..written]);
        if whole < written {
            file.set_len(*length + whole as u64)?;
        }
        *length += whole as u64;
        match whole {
            0 => Err(io::ErrorKind::StorageFull.into()),
            whole => Ok(whole),
        }
    }

    /// The first of these lines that fit in a file of this length. An empty one takes a line of any length.
    fn fitting<'a>(&self, lines: &'a [u8], length: u64) -> &'a [u8] {
        let room = self.settings.rotate_at.saturating_sub(length);
        let room = usize::try_from(room).unwrap_or(usize::MAX);
        let end = match lines.get(..room) {
            None => lines.len(),
            Some(start) => last_end(start),
        };
        let first = lines.iter().position(|byte| *byte == b'\n');
        match (end, first, length) {
            (0, Some(first), 0) => &lines[..=first],
            _ => &lines[..end],
        }
    }

    /// Whether the file that is open is still the one of that name: it, or its folder, may have been taken away.
    fn is_in_place(&self) -> bool {
        let Some((file, _)) = &self.file else {
            return false;
        };
        let identity = |metadata: fs::Metadata| (metadata.dev(), metadata.ino());
        let open = file.metadata().map(identity);
        let named = fs::metadata(&self.path).map(identity);
        matches!((open, named), (Ok(open), Ok(named)) if open == named)
    }

    /// Opens the file at its end. A line without its end is what a process that died left: it is taken out.
    fn open(&mut self) -> io::Result<()> {
        self.file = None;
        let file = OpenOptions::new()
            .read(true)
            .append(true)
            .create(true)
            .open(&self.path)?;
        let length = whole_lines(&file)?;
        file.set_len(length)?;
        self.file = Some((file, length));
        Ok(())
    }

    /// Puts the file aside as number 1, and those before it one number further; the oldest goes.
    fn rotate(&mut self) -> io::Result<()> {
        let numbered = |number: usize| self.path.with_extension(format!("log.{number}"));
        if self.settings.kept == 0 {
            fs::remove_file(&self.path)?;
            return self.open();
        }
        for number in (1..self.settings.kept).rev() {
            match fs::rename(numbered(number), numbered(number + 1)) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
                _ => {}
            }
        }
        fs::rename(&self.path, numbered(1))?;
        self.open()
    }
}

/// Adds a record as a line.
fn add_line(lines: &mut Vec<u8>, record: &Record, tally: &Tally) {
    let before = lines.len();
    if serde_json::to_writer(&mut *lines, record).is_ok() {
        lines.push(b'\n');
    } else {
        lines.truncate(before);
        tally.lost_to_errors.fetch_add(1, Ordering::Relaxed);
    }
}

/// How many lines these are.
fn count(lines: &[u8]) -> u64 {
    lines.iter().map(|byte| u64::from(*byte == b'\n')).sum()
}

/// Where the last whole line ends; 0 if there is none.
fn last_end(lines: &[u8]) -> usize {
    let end = lines.iter().rposition(|byte| *byte == b'\n');
    end.map_or(0, |end| end + 1)
}

/// The length of a file up to the end of its last whole line.
fn whole_lines(mut file: &File) -> io::Result<u64> {
    const PART: u64 = 4096;
    let mut end = file.metadata()?.len();
    while end > 0 {
        let start = end.saturating_sub(PART);
        file.seek(SeekFrom::Start(start))?;
        let mut part = Vec::new();
        file.take(end - start).read_to_end(&mut part)?;
        match last_end(&part) {
            0 => end = start,
            whole => return Ok(start + whole as u64),
        }
    }
    Ok(0)
}
