//! Aligned columns. Pure.

use comfy_table::{Table, presets};

/// A table without frames, its columns aligned.
pub(crate) fn table(header: &[&str]) -> Table {
    let mut table = Table::new();
    table.load_style(presets::NOTHING).set_header(header.iter().copied());
    for column in table.column_iter_mut() {
        column.set_padding((0, 2));
    }
    table
}

/// The table's lines, each behind `indent` and without blanks at its end.
pub(crate) fn rows(table: &Table, indent: &str) -> String {
    let line = |line: String| format!("{indent}{}", line.trim_end());
    table.lines().map(line).collect::<Vec<_>>().join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_table_has_aligned_columns_and_no_blanks_at_its_end() {
        let mut table = table(&["A", "LONG"]);
        table.add_row(["node", "x"]);
        assert_eq!(rows(&table, "  "), "  A     LONG\n  node  x");
    }
}
