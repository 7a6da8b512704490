//! Points at a place in the user's text, as compilers do.

use crate::output;
use annotate_snippets::{Annotation, AnnotationKind, Group, Level, Origin, Renderer, Snippet};
use manifest::Location;

/// A line of text with a remark under the word at `location`; the place alone when the text is not known.
pub(crate) fn remark(
    level: Level<'_>,
    title: &str,
    location: &Location,
    line: Option<&str>,
    label: &str,
) -> String {
    let group = Group::with_title(level.primary_title(title));
    let group = place(group, location, line, label);
    let renderer = Renderer::styled().term_width(output::width());
    renderer.render(&[group]) + "\n"
}

fn place<'a>(
    group: Group<'a>,
    location: &'a Location,
    line: Option<&'a str>,
    label: &'a str,
) -> Group<'a> {
    let file = &*location.file;
    let Some(line) = line else {
        return group
            .element(Origin::path(file))
            .element(Level::NOTE.message(label));
    };
    let source = Snippet::source(line).path(file);
    let source = source.line_start(location.line as usize);
    group.element(source.annotation(under(line, location.column, label)))
}

/// The mark under the word that begins in `column`.
fn under<'a>(line: &str, column: u32, label: &'a str) -> Annotation<'a> {
    let skipped = (column as usize).saturating_sub(1);
    let start = line
        .char_indices()
        .nth(skipped)
        .map_or(line.len(), |(start, _)| start);
    let word = |text: &str| text.find([' ', ':', ',', ']', '}']).unwrap_or(text.len());
    let end = start + word(&line[start..]).max(1);
    AnnotationKind::Primary.span(start..end).label(label)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(column: u32, line: Option<&str>) -> String {
        let location = Location {
            file: "shop.yaml".into(),
            line: 12,
            column,
        };
        let level = Level::NOTE.with_name("nearest rule");
        let styled = remark(
            level,
            "shop/db spec.ingress[0]",
            &location,
            line,
            "no label app",
        );
        anstream::adapter::strip_str(&styled).to_string()
    }

    #[test]
    fn a_remark_points_at_the_word() {
        let expected = "\
nearest rule: shop/db spec.ingress[0]
  --> shop.yaml:12:5
   |
12 |   - podSelector: {}
   |     ^^^^^^^^^^^ no label app
";
        assert_eq!(shown(5, Some("  - podSelector: {}")), expected);
    }

    #[test]
    fn a_column_outside_the_line_is_no_panic() {
        for column in [0, 1, 17, 18, 99, u32::MAX] {
            for line in [None, Some(""), Some("ü: 1"), Some("  podSelector: {}")] {
                let shown = shown(column, line);
                assert!(shown.contains("shop.yaml") && shown.contains("no label app"));
            }
        }
    }
}
