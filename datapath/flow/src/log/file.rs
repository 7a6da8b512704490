//! The file that records are written to: a line each, rotated by size, by a thread of its own.
//!
//! Whoever has records never waits for the disk: they wait in a bounded queue, and what finds no room there, or cannot be
//! written, is counted. Every line is one `write` at the end of the file. A line that a full disk cut short is taken
//! back, and one that a killed process left is taken out before the next is written, so nobody reads half a record.

use super::Record;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread::{self, JoinHandle};

/// The name of the file in its folder.
pub const FILE_NAME: &str = "policy_action.log";

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
        let mut line = Vec::new();
        for message in inbox {
            let record = match message {
                Message::Write(record) => record,
                Message::Flush(done) => {
                    // Who asked may have gone.
                    let _ = done.send(());
                    continue;
                }
            };
            line.clear();
            let written = serde_json::to_writer(&mut line, &record).map_err(io::Error::from);
            line.push(b'\n');
            let counter = match written.and_then(|()| self.write(&line)) {
                Ok(()) => &tally.written,
                Err(_) => &tally.lost_to_errors,
            };
            counter.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// Writes one line, whole or not at all.
    fn write(&mut self, line: &[u8]) -> io::Result<()> {
        if !self.is_in_place() {
            self.open()?;
        }
        let is_full =
            |length: u64| length > 0 && length + line.len() as u64 > self.settings.rotate_at;
        if self
            .file
            .as_ref()
            .is_some_and(|(_, length)| is_full(*length))
        {
            self.rotate()?;
        }
        let Some((file, length)) = &mut self.file else {
            return Err(io::ErrorKind::NotFound.into());
        };
        match file.write(line) {
            Ok(written) if written == line.len() => {
                *length += line.len() as u64;
                Ok(())
            }
            Ok(_) => {
                file.set_len(*length)?;
                Err(io::ErrorKind::StorageFull.into())
            }
            Err(error) => Err(error),
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

/// The length of a file up to the end of its last whole line.
fn whole_lines(mut file: &File) -> io::Result<u64> {
    const PART: u64 = 4096;
    let mut end = file.metadata()?.len();
    while end > 0 {
        let start = end.saturating_sub(PART);
        file.seek(SeekFrom::Start(start))?;
        let mut part = Vec::new();
        file.take(end - start).read_to_end(&mut part)?;
        if let Some(place) = part.iter().rposition(|byte| *byte == b'\n') {
            return Ok(start + place as u64 + 1);
        }
        end = start;
    }
    Ok(0)
}
