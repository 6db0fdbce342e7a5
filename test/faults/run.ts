/**
 * `npm run faults [ROW …]`: takes the answer of each row of docs/faults.md away, in a copy of the working tree, and expects
 * a test that cites the row to fail. It assumes that `npm test` passes.
 */
import { REASONS, REMOVALS } from './index.ts'
import { titlesOf } from './removal.ts'
import { openScratch } from './scratch.ts'

/** The longest part of an error that is shown, in characters. */
const MAX_ERROR_CHARS = 100

const { write } = process.stdout
const print = (line: string) => write.call(process.stdout, `${line}\n`)
// Each change provokes faults, and the runtime logs them.
process.stdout.write = () => true
process.stderr.write = () => true

const asked = new Set(process.argv.slice(2))
const isAsked = (row: string) => asked.size === 0 || asked.has(row) || asked.has(row.charAt(0))
const removals = REMOVALS.filter(({ row }) => isAsked(row))
const unseen = new Set<string>()
const scratch = await openScratch()
try {
  for (const removal of removals) {
    const { row, test } = removal
    const { ran, failed } = await scratch.run(removal, test, titlesOf(removal))
    const [seen] = failed
    if (!seen) unseen.add(row)
    const error = seen?.error.slice(0, MAX_ERROR_CHARS)
    print(
      seen
        ? `${row} fails without its answer: ${seen.title} (${error})`
        : `${row} NOT SEEN by ${ran} tests of ${test}`,
    )
  }
} finally {
  await scratch.close()
}
for (const [row, why] of Object.entries(REASONS)) if (isAsked(row)) print(`${row} has no change: ${why}`)
const rows = new Set(removals.map(({ row }) => row))
print(`${rows.size - unseen.size} of ${rows.size} rows fail without their answer`)
process.exitCode = unseen.size === 0 ? 0 : 1
