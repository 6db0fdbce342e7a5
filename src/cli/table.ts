/** Tables for a terminal. */

/** Lines with two blanks between columns, each as wide as its longest cell. The first `left` columns stand at the left, the others at the right. */
export function tableLines(rows: readonly string[][], left = 1): string[] {
  const widths = (rows[0] ?? []).map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)))
  return rows.map((row) =>
    row
      .map((cell, column) => {
        const width = widths[column] ?? 0
        return column < left ? cell.padEnd(width) : cell.padStart(width)
      })
      .join('  ')
      .trimEnd(),
  )
}
