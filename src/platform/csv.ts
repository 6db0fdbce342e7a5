/** Tables for spreadsheets (RFC 4180): what a cell says is never run as a formula. */

/** Amounts are cells of bigint, written as USD. */
export type Cell = string | number | bigint | null

/** The lines of a table, each with its line break. */
export function csv(header: readonly string[], rows: Iterable<readonly Cell[]>): string {
  let text = `${header.join(',')}\r\n`
  for (const row of rows) text += csvRow(row)
  return text
}

/** One line, with its line break. */
export function csvRow(row: readonly Cell[]): string {
  return `${row.map(cellOf).join(',')}\r\n`
}

/** Micro-dollars as a plain decimal number of USD: `-0.001250`. */
export function decimalUsd(amount: bigint): string {
  const digits = (amount < 0n ? -amount : amount).toString().padStart(7, '0')
  return `${amount < 0n ? '-' : ''}${digits.slice(0, -6)}.${digits.slice(-6)}`
}

function cellOf(cell: Cell): string {
  if (cell === null) return ''
  if (typeof cell === 'bigint') return decimalUsd(cell)
  if (typeof cell === 'number') return String(cell)
  // A spreadsheet would run a text that begins like this (faults: G3).
  const text = /^[=+\-@\t\r]/.test(cell) ? `'${cell}` : cell
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text
}
