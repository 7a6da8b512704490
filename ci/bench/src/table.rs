//! Tables for people.

use std::iter;

/// Lines of aligned columns, two spaces apart: the first column to the left, the others to the right.
#[must_use]
pub fn table<const N: usize>(header: [&str; N], lines: &[[String; N]]) -> String {
    let header = header.map(str::to_owned);
    let all = || iter::once(&header).chain(lines);
    let mut widths = [0; N];
    for cells in all() {
        for (width, cell) in widths.iter_mut().zip(cells) {
            *width = cell.chars().count().max(*width);
        }
    }
    all().map(|cells| line(cells, &widths)).collect()
}

fn line(cells: &[String], widths: &[usize]) -> String {
    let columns = cells.iter().zip(widths).enumerate();
    let padded = columns.map(|(column, (cell, &width))| match column {
        0 => format!("{cell:<width$}"),
        _ => format!("{cell:>width$}"),
    });
    let line = padded.collect::<Vec<_>>().join("  ");
    line.trim_end().to_owned() + "\n"
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_as_wide_as_their_widest_cell() {
        let lines = [["a", "12", ""], ["long", "3", "µ"]].map(|line| line.map(str::to_owned));
        let actual = table(["what", "n", "unit"], &lines);
        assert_eq!(actual, "what   n  unit\na     12\nlong   3     µ\n");
    }
}
