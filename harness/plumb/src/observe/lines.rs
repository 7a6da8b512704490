//! From bytes to lines.

/// Longer lines are refused, so that no input takes all memory. Hubble's are a few kilobytes.
const LONGEST: usize = 1024 * 1024;

/// Puts lines together from pieces.
#[derive(Default)]
pub(super) struct Lines {
    pending: Vec<u8>,
    number: u64,
    is_too_long: bool,
}

/// A line that cannot be looked at.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Unreadable {
    /// It has more than a mebibyte.
    TooLong,
    /// It is no text.
    NotUtf8,
}

impl Unreadable {
    /// What is wrong.
    pub(super) const fn reason(self) -> &'static str {
        match self {
            Self::TooLong => "the line is longer than 1 MiB",
            Self::NotUtf8 => "the line is no UTF-8 text",
        }
    }
}

impl Lines {
    /// Adds a piece, which reaches to the next line break at most. A line comes out with its number, from 1, once it
    /// is whole.
    pub(super) fn add(&mut self, piece: &[u8]) -> Option<(u64, Result<String, Unreadable>)> {
        if self.pending.len() + piece.len() > LONGEST {
            self.is_too_long = true;
        } else {
            self.pending.extend_from_slice(piece);
        }
        piece.ends_with(b"\n").then(|| self.take())
    }

    /// The last line, if no line break follows it.
    pub(super) fn rest(&mut self) -> Option<(u64, Result<String, Unreadable>)> {
        let is_there = self.is_too_long || !self.pending.is_empty();
        is_there.then(|| self.take())
    }

    fn take(&mut self) -> (u64, Result<String, Unreadable>) {
        self.number += 1;
        let bytes = std::mem::take(&mut self.pending);
        let text = if std::mem::take(&mut self.is_too_long) {
            Err(Unreadable::TooLong)
        } else {
            String::from_utf8(bytes).map_err(|_| Unreadable::NotUtf8)
        };
        (self.number, text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The lines that come out of these pieces.
    fn read(pieces: &[&[u8]]) -> Vec<(u64, Result<String, Unreadable>)> {
        let mut lines = Lines::default();
        let parts = pieces
            .iter()
            .flat_map(|piece| piece.split_inclusive(|byte| *byte == b'\n'));
        let mut read: Vec<_> = parts.filter_map(|part| lines.add(part)).collect();
        read.extend(lines.rest());
        read
    }

    #[test]
    fn lines_are_whole_however_they_come() {
        let line = |number, text: &str| (number, Ok(text.to_owned()));
        assert_eq!(
            read(&[b"a\nb", b"c\n", b"d"]),
            [line(1, "a\n"), line(2, "bc\n"), line(3, "d")]
        );
        assert_eq!(read(&[]), []);
    }

    #[test]
    fn what_is_no_text_or_too_long_does_not_hide_the_next_line() {
        let long = vec![b'x'; LONGEST];
        let read = read(&[&long, b"y\n\xff\nz\n"]);
        assert_eq!(
            read,
            [
                (1, Err(Unreadable::TooLong)),
                (2, Err(Unreadable::NotUtf8)),
                (3, Ok("z\n".to_owned()))
            ]
        );
    }
}
