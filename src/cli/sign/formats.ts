/** Signed requests in the formats of load tools. Pure. */
import type { SignedAhead } from './channel.ts'

/** The lines of a file. Requests of different lanes alternate; those of one lane keep their order. */
export function* requestLines(
  format: 'jsonl' | 'vegeta' | 'k6',
  url: string,
  lanes: readonly SignedAhead[][],
): Generator<string> {
  if (format === 'k6') {
    yield JSON.stringify({ url, lanes: lanes.map((lane) => lane.map(({ headers }) => headers)) })
    return
  }
  for (const { lane, total, headers } of alternating(lanes)) {
    const request = { method: 'GET', url }
    yield format === 'jsonl'
      ? JSON.stringify({ lane, total: total.toString(), ...request, headers })
      : JSON.stringify({ ...request, header: listed(headers) })
  }
}

function* alternating(lanes: readonly SignedAhead[][]): Generator<SignedAhead & { lane: number }> {
  const longest = Math.max(0, ...lanes.map(({ length }) => length))
  for (let at = 0; at < longest; at++) {
    for (const [lane, requests] of lanes.entries()) {
      const request = requests[at]
      if (request) yield { lane, ...request }
    }
  }
}

/** Trap: vegeta sends names as they are, and Go adds a User-Agent of its own beside one that is spelled otherwise. */
function listed(headers: Record<string, string>): Record<string, string[]> {
  return Object.fromEntries(Object.entries(headers).map(([name, value]) => [canonical(name), [value]]))
}

function canonical(name: string): string {
  return name.replace(/(?<=^|-)[a-z]/g, (letter) => letter.toUpperCase())
}
