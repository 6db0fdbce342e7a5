/** Small changes of a TOML file that leave its comments where they are. Pure. */
import { parse as parseToml } from 'smol-toml'

/** A change: the key `name` of the table `table` gets a value. `table` is empty for the top of the file. */
export type TomlChange = { table: string; name: string; value: unknown }

/**
 * Sets keys that are each on one line, or adds them. A table that is missing is added at the end. In an array of
 * tables (`[[d1_databases]]`) the first one counts.
 * @throws if the file would not have the values afterwards
 */
export function changeToml(text: string, changes: readonly TomlChange[]): string {
  const changed = changes.reduce(setKey, text)
  for (const { table, name, value } of changes) {
    const root = parseToml(changed) as Record<string, unknown>
    const found = table === '' ? root : root[table]
    const entry = (Array.isArray(found) ? found[0] : found) as Record<string, unknown> | undefined
    if (JSON.stringify(entry?.[name]) !== JSON.stringify(value))
      throw new Error(`${table === '' ? '' : `[${table}] `}${name} must stand on one line of the file`)
  }
  return changed
}

function setKey(text: string, { table, name, value }: TomlChange): string {
  const lines = text.split('\n')
  const [from, to] = spanOf(lines, table)
  const line = `${name} = ${literal(value)}`
  if (from < 0) return `${text.trimEnd()}\n\n[${table}]\n${line}\n`
  const at = lines.findIndex((one, index) => index >= from && index < to && isKey(one, name))
  if (at >= 0) lines[at] = line
  else lines.splice(lastOf(lines, from, to) + 1, 0, line)
  return lines.join('\n')
}

/** The lines of a table, without its header. */
function spanOf(lines: readonly string[], table: string): [from: number, to: number] {
  const header = (line: string) => /^\s*\[\[?\s*([^\]]+?)\s*\]\]?/.exec(line)?.[1]
  const start = table === '' ? 0 : lines.findIndex((line) => header(line) === table) + 1
  if (table !== '' && start === 0) return [-1, -1]
  const end = lines.findIndex((line, at) => at >= start && header(line) !== undefined)
  return [start, end < 0 ? lines.length : end]
}

function isKey(line: string, name: string): boolean {
  return (
    line.trimStart().startsWith(name) && /^\s*[\w-]+\s*=/.test(line) && line.split('=')[0]?.trim() === name
  )
}

/** The last line of a span with a key. New keys follow it, so that comments stay with what they are about. */
function lastOf(lines: readonly string[], from: number, to: number): number {
  for (let at = to - 1; at >= from; at--) if (/^\s*[\w-]+\s*=/.test(lines[at] ?? '')) return at
  return from - 1
}

/** A value as TOML on one line. */
function literal(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(literal).join(', ')}]`
  if (typeof value === 'object' && value !== null) {
    const pairs = Object.entries(value).map(([key, part]) => `${key} = ${literal(part)}`)
    return `{ ${pairs.join(', ')} }`
  }
  return JSON.stringify(value)
}
