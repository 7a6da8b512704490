//! The file of the policy log: rotation, and what goes wrong with disks. Runs itself again as a process to be killed.
//! Needs root, to make a small disk.

mod hang;

use flow::log::{FILE_NAME, FileCounters, FileSettings, LogFile, Record};
use libtest_mimic::{Arguments, Trial};
use nix::mount::{MsFlags, mount};
use nix::sched::{CloneFlags, unshare};
use nix::sys::stat::Mode;
use nix::unistd::mkfifo;
use std::fs::{self, OpenOptions};
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Command, ExitCode, Stdio};
use std::thread;

/// Argument that makes this binary write to the folder that follows until it is killed.
const WRITE: &str = "write-until-killed";

const RECORD: &str = r#"{"connection":{"src_ip":"10.84.1.7","dest_ip":"10.84.0.11","src_port":55644,"dest_port":8080,"protocol":"tcp","direction":"ingress"},"disposition":"allow","src":{"instance":"10.84.1.7"},"dest":{"instance":"10.84.0.11"},"count":1,"node_name":"node-1","timestamp":"2020-06-13T21:29:31.445836587Z"}"#;

fn main() -> ExitCode {
    let words: Vec<String> = std::env::args().collect();
    if let [_, word, folder] = words.as_slice()
        && word == WRITE
    {
        write_until_killed(Path::new(folder));
    }
    let trial = |name: &str, test: fn()| {
        Trial::test(name, move || {
            test();
            Ok(())
        })
    };
    let trials = vec![
        trial(
            "records_are_lines_in_the_order_they_came",
            records_are_lines,
        ),
        trial("a_file_that_is_there_is_gone_on_with", is_gone_on_with),
        trial("a_full_file_is_put_aside_and_the_oldest_goes", is_put_aside),
        trial(
            "records_that_wait_together_are_put_aside_as_if_one_by_one",
            is_put_aside_in_a_batch,
        ),
        trial("half_a_line_at_the_end_is_taken_out", half_a_line),
        trial("what_finds_no_room_is_counted", no_room),
        trial("a_vanished_folder_is_counted_until_it_is_back", vanished),
        trial("a_full_disk_is_counted_and_leaves_whole_lines", full_disk),
        trial(
            "a_disk_that_is_full_amid_records_that_wait_together_leaves_whole_lines",
            full_disk_in_a_batch,
        ),
        trial("a_read_only_disk_is_said_at_once", read_only),
        trial(
            "a_disk_that_turns_read_only_is_counted_until_it_is_not",
            turns_read_only,
        ),
        trial("a_pipe_that_nobody_reads_holds_nothing_up", unread_pipe),
        trial("a_disk_that_hangs_holds_nothing_up", hangs),
        trial("a_killed_process_leaves_whole_lines_to_the_next", killed),
    ];
    libtest_mimic::run(&Arguments::from_args(), trials).exit_code()
}

/// A record that can be told from others.
fn record(number: u64) -> Record {
    let mut record: Record = serde_json::from_str(RECORD).unwrap();
    record.count = number;
    record
}

/// The numbers of the records in a file; every line must be whole.
fn numbers(file: &Path) -> Vec<u64> {
    let text = fs::read_to_string(file).unwrap();
    assert!(
        text.is_empty() || text.ends_with('\n'),
        "half a line at the end"
    );
    let records = text
        .lines()
        .map(|line| serde_json::from_str::<Record>(line).unwrap());
    records.map(|record| record.count).collect()
}

fn open(folder: &Path) -> LogFile {
    LogFile::open(folder, FileSettings::default()).unwrap()
}

fn write(log: &LogFile, numbers: impl Iterator<Item = u64>) {
    for number in numbers {
        log.write(record(number));
        log.flush();
    }
}

fn records_are_lines() {
    let folder = tempfile::tempdir().unwrap();
    let log = open(&folder.path().join("logs"));
    write(&log, 0..100);
    let counters = log.close();
    assert_eq!(counters.written, 100);
    let file = folder.path().join("logs").join(FILE_NAME);
    assert_eq!(numbers(&file), (0..100).collect::<Vec<_>>());
}

fn is_gone_on_with() {
    let folder = tempfile::tempdir().unwrap();
    for round in 0..3 {
        write(&open(folder.path()), round..=round);
    }
    assert_eq!(numbers(&folder.path().join(FILE_NAME)), [0, 1, 2]);
}

fn is_put_aside() {
    let folder = tempfile::tempdir().unwrap();
    let line = RECORD.len() as u64 + 1;
    let settings = FileSettings {
        rotate_at: 2 * line,
        kept: 2,
        ..FileSettings::default()
    };
    let log = LogFile::open(folder.path(), settings).unwrap();
    write(&log, 0..9);
    drop(log);
    let of = |name: &str| numbers(&folder.path().join(name));
    assert_eq!(of(FILE_NAME), [8]);
    assert_eq!(of("policy_action.log.1"), [6, 7]);
    assert_eq!(of("policy_action.log.2"), [4, 5]);
    assert!(!folder.path().join("policy_action.log.3").exists());
}

/// Records that wait together are put in as many files as if they had come one by one.
fn is_put_aside_in_a_batch() {
    let folder = tempfile::tempdir().unwrap();
    let line = RECORD.len() as u64 + 1;
    let settings = FileSettings {
        rotate_at: 3 * line - 1,
        kept: 10,
        queue: 100,
    };
    let file = folder.path().join(FILE_NAME);
    let log = LogFile::open(folder.path(), settings).unwrap();
    write(&log, 0..1);
    fs::remove_file(&file).unwrap();
    let held = hang::hold(&file);
    for number in 1..8 {
        log.write(record(number));
    }
    drop(held);
    assert_eq!(log.close().written, 8);
    let of = |name: &str| numbers(&folder.path().join(name));
    assert_eq!(of("policy_action.log.3"), [1, 2]);
    assert_eq!(of("policy_action.log.2"), [3, 4]);
    assert_eq!(of("policy_action.log.1"), [5, 6]);
    assert_eq!(of(FILE_NAME), [7]);
}

fn half_a_line() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join(FILE_NAME);
    fs::write(&file, format!("{RECORD}\n{}", "x".repeat(10_000))).unwrap();
    write(&open(folder.path()), 7..8);
    assert_eq!(numbers(&file), [1, 7]);
}

fn no_room() {
    let folder = tempfile::tempdir().unwrap();
    let settings = FileSettings {
        queue: 0,
        ..FileSettings::default()
    };
    let log = LogFile::open(folder.path(), settings).unwrap();
    for number in 0..1_000 {
        log.write(record(number));
    }
    let FileCounters {
        written,
        lost_to_queue,
        lost_to_errors,
    } = log.close();
    assert_eq!((written + lost_to_queue, lost_to_errors), (1_000, 0));
    assert!(lost_to_queue > 0, "the disk was quicker than this loop");
    assert_eq!(
        numbers(&folder.path().join(FILE_NAME)).len() as u64,
        written
    );
}

fn vanished() {
    let parent = tempfile::tempdir().unwrap();
    let folder = parent.path().join("logs");
    let log = open(&folder);
    write(&log, 0..1);
    fs::remove_dir_all(&folder).unwrap();
    write(&log, 1..3);
    assert_eq!(log.counters().lost_to_errors, 2);
    fs::create_dir(&folder).unwrap();
    write(&log, 3..4);
    assert_eq!(log.counters().written, 2);
    assert_eq!(numbers(&folder.join(FILE_NAME)), [3]);
}

/// Runs `test` in a folder on a disk of its own, which goes with the thread.
fn on_small_disk(test: impl FnOnce(&Path) + Send) {
    let run = || {
        unshare(CloneFlags::CLONE_NEWNS).unwrap();
        let nothing = None::<&str>;
        let private = MsFlags::MS_REC | MsFlags::MS_PRIVATE;
        mount(nothing, "/", nothing, private, nothing).unwrap();
        let folder = tempfile::tempdir().unwrap();
        let disk = folder.path().join("disk");
        fs::create_dir(&disk).unwrap();
        mount(
            Some("tmpfs"),
            &disk,
            Some("tmpfs"),
            MsFlags::empty(),
            Some("size=64k"),
        )
        .unwrap();
        test(&disk);
        nix::mount::umount(&disk).unwrap();
    };
    thread::scope(|scope| scope.spawn(run).join().unwrap());
}

fn full_disk() {
    on_small_disk(|disk| {
        let log = open(disk);
        write(&log, 0..1_000);
        let full = log.counters();
        assert!(full.written > 10 && full.lost_to_errors > 10, "{full:?}");
        let file = disk.join(FILE_NAME);
        assert_eq!(numbers(&file).len() as u64, full.written);
        OpenOptions::new()
            .write(true)
            .open(&file)
            .unwrap()
            .set_len(0)
            .unwrap();
        write(&log, 5_000..5_001);
        assert_eq!(numbers(&file), [5_000]);
        drop(log);
    });
}

fn read_only() {
    on_small_disk(|disk| {
        let remount = |flags: MsFlags| {
            let flags = MsFlags::MS_REMOUNT | flags;
            mount(Some("tmpfs"), disk, Some("tmpfs"), flags, Some("size=64k")).unwrap();
        };
        remount(MsFlags::MS_RDONLY);
        assert!(LogFile::open(disk, FileSettings::default()).is_err());
        remount(MsFlags::empty());
        write(&open(disk), 0..1);
        assert_eq!(numbers(&disk.join(FILE_NAME)), [0]);
    });
}

fn full_disk_in_a_batch() {
    on_small_disk(|disk| {
        let log = open(disk);
        for number in 0..1_000 {
            log.write(record(number));
        }
        let FileCounters {
            written,
            lost_to_queue,
            lost_to_errors,
        } = log.close();
        assert_eq!((written + lost_to_errors, lost_to_queue), (1_000, 0));
        let lines = numbers(&disk.join(FILE_NAME));
        assert_eq!(lines, (0..written).collect::<Vec<_>>());
        assert!(written > 10 && lost_to_errors > 10, "{written} written");
    });
}

/// A disk with files open for writing cannot be made read-only, but another one can come over it.
fn turns_read_only() {
    on_small_disk(|disk| {
        let log = open(disk);
        write(&log, 0..1);
        mount(
            Some("tmpfs"),
            disk,
            Some("tmpfs"),
            MsFlags::MS_RDONLY,
            None::<&str>,
        )
        .unwrap();
        write(&log, 1..3);
        assert_eq!(log.counters().lost_to_errors, 2);
        nix::mount::umount(disk).unwrap();
        write(&log, 3..4);
        assert_eq!(numbers(&disk.join(FILE_NAME)), [0, 3]);
        drop(log);
    });
}

fn unread_pipe() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join(FILE_NAME);
    let log = open(folder.path());
    write(&log, 0..1);
    fs::remove_file(&file).unwrap();
    mkfifo(&file, Mode::S_IRWXU).unwrap();
    write(&log, 1..1_001);
    assert_eq!(log.counters().lost_to_errors, 1_000);
    assert!(LogFile::open(folder.path(), FileSettings::default()).is_err());
    fs::remove_file(&file).unwrap();
    write(&log, 2_000..2_001);
    assert_eq!(numbers(&file), [2_000]);
}

fn hangs() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join(FILE_NAME);
    let settings = FileSettings {
        queue: 10,
        ..FileSettings::default()
    };
    let log = LogFile::open(folder.path(), settings).unwrap();
    write(&log, 0..1);
    fs::remove_file(&file).unwrap();
    let held = hang::hold(&file);
    for number in 1..=1_000 {
        log.write(record(number));
    }
    let FileCounters {
        written,
        lost_to_queue,
        lost_to_errors,
    } = log.counters();
    assert_eq!((written, lost_to_errors), (1, 0));
    // Ten wait, and the thread holds no more than it writes at once.
    assert!((700..=990).contains(&lost_to_queue), "{lost_to_queue} lost");
    drop(held);
    log.flush();
    write(&log, 200..201);
    let written = log.close().written;
    assert_eq!(written + lost_to_queue, 1_002);
    assert_eq!(numbers(&file).last(), Some(&200));
}

fn write_until_killed(folder: &Path) -> ! {
    let log = open(folder);
    println!("ready");
    std::io::stdout().flush().unwrap();
    for number in 0.. {
        log.write(record(number));
        if number % 64 == 0 {
            log.flush();
            println!("{number}");
        }
    }
    unreachable!("numbers do not end")
}

fn killed() {
    let folder = tempfile::tempdir().unwrap();
    for lines in [1, 5, 20] {
        let mut child = Command::new(std::env::current_exe().unwrap())
            .arg(WRITE)
            .arg(folder.path())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let output = BufReader::new(child.stdout.take().unwrap());
        output.lines().nth(lines).unwrap().unwrap();
        child.kill().unwrap();
        child.wait().unwrap();
        drop(open(folder.path()));
        assert!(!numbers(&folder.path().join(FILE_NAME)).is_empty());
    }
}
