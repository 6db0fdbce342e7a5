/** CSV for spreadsheets (RFC 4180). No cell can be run as a formula. */

/** One cell. A bigint is an amount in micro-dollars and is written as USD; null is an empty cell. */
export type Cell = string | number | bigint | null

/** Returns a CSV file: the header and the rows, each ended by CRLF. */
export function csv(header: readonly string[], rows: Iterable<readonly Cell[]>): string {
  let text = `${header.join(',')}\r\n`
  for (const row of rows) text += csvRow(row)
  return text
}

/** Returns one row, ended by CRLF. */
export function csvRow(row: readonly Cell[]): string {
  return `${row.map(cellOf).join(',')}\r\n`
}

/** Formats micro-dollars as a decimal number of USD with six places: `-0.001250`. */
export function decimalUsd(amount: bigint): string {
  const digits = (amount < 0n ? -amount : amount).toString().padStart(7, '0')
  return `${amount < 0n ? '-' : ''}${digits.slice(0, -6)}.${digits.slice(-6)}`
}

function cellOf(cell: Cell): string {
  if (cell === null) return ''
  if (typeof cell === 'bigint') return decimalUsd(cell)
  if (typeof cell === 'number') return String(cell)
  // Threat: a spreadsheet runs text that begins like this as a formula (faults: G3).
  const text = /^[=+\-@\t\r]/.test(cell) ? `'${cell}` : cell
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text
}
