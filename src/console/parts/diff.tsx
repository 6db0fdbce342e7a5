/** The difference of two texts, line by line. */

/** One line, and whether it was added, removed or stays. */
type Line = { kind: 'same' | 'new' | 'old'; text: string }

/** The most lines that are compared. Beyond it all of the old text is shown as removed. */
const MAX_LINES = 2_000

/** The lines of two texts by their longest common sequence. */
export function diffLines(before: string, after: string): Line[] {
  const [old, fresh] = [before, after].map((text) => (text === '' ? [] : text.split('\n')))
  if (!old || !fresh) return []
  if (old.length > MAX_LINES || fresh.length > MAX_LINES)
    return [
      ...old.map((text) => ({ kind: 'old' as const, text })),
      ...fresh.map((text) => ({ kind: 'new' as const, text })),
    ]
  const common = lengths(old, fresh)
  const lines: Line[] = []
  let [a, b] = [0, 0]
  while (a < old.length || b < fresh.length) {
    if (a < old.length && b < fresh.length && old[a] === fresh[b]) {
      lines.push({ kind: 'same', text: old[a] ?? '' })
      a += 1
      b += 1
    } else if (a < old.length && (b >= fresh.length || at(common, a + 1, b) >= at(common, a, b + 1))) {
      lines.push({ kind: 'old', text: old[a] ?? '' })
      a += 1
    } else {
      lines.push({ kind: 'new', text: fresh[b] ?? '' })
      b += 1
    }
  }
  return lines
}

/** How many lines the rests of both texts have in common, from each pair of positions on. */
function lengths(old: readonly string[], fresh: readonly string[]): Uint16Array[] {
  const rows = Array.from({ length: old.length + 1 }, () => new Uint16Array(fresh.length + 1))
  for (let a = old.length - 1; a >= 0; a -= 1)
    for (let b = fresh.length - 1; b >= 0; b -= 1) {
      const row = rows[a]
      if (!row) continue
      const [right, below] = [at(rows, a, b + 1), at(rows, a + 1, b)]
      row[b] = old[a] === fresh[b] ? at(rows, a + 1, b + 1) + 1 : right > below ? right : below
    }
  return rows
}

function at(rows: readonly Uint16Array[], a: number, b: number): number {
  return rows[a]?.[b] ?? 0
}

/** Unchanged lines that are shown around a change. */
const AROUND = 3

/** The lines with each long run of unchanged ones cut to those around a change. `gap`: how many were cut. */
export function foldLines(lines: readonly Line[]): (Line | { kind: 'gap'; count: number })[] {
  const isNear = lines.map((_, at) =>
    lines.slice(Math.max(0, at - AROUND), at + AROUND + 1).some(({ kind }) => kind !== 'same'),
  )
  const folded: ReturnType<typeof foldLines> = []
  for (const [at, line] of lines.entries()) {
    const last = folded.at(-1)
    if (isNear[at]) folded.push(line)
    else if (last?.kind === 'gap') last.count++
    else folded.push({ kind: 'gap', count: 1 })
  }
  return folded
}

/** Shows what changes from one text to another. Each line begins with a sign, so that it reads without colour. */
export function Diff({ before, after }: { before: string; after: string }) {
  const lines = diffLines(before, after)
  if (lines.every(({ kind }) => kind === 'same')) return <p>Nothing has changed.</p>
  return (
    <pre class="code scroll" tabindex={0}>
      {foldLines(lines).map((line) => {
        if (line.kind === 'gap') return <span class="soft">{`  … ${line.count} unchanged\n`}</span>
        if (line.kind === 'new') return <ins class="good">{`+ ${line.text}\n`}</ins>
        if (line.kind === 'old') return <del class="bad">{`− ${line.text}\n`}</del>
        return `  ${line.text}\n`
      })}
    </pre>
  )
}
