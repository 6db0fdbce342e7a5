/** The lines of a JSON text: where a place such as `terms.RULES[2].price` stands in it. Pure. */

const TOKEN = /"(?:[^"\\]|\\.)*"|[{}[\],:]|[^\s{}[\],:"]+/g

/** How many lines a text has. */
export function lineCount(text: string): number {
  return text.split('\n').length
}

/** The line of a place, from 1, or that of the nearest place around it; undefined where the text has none of them. */
export function lineAt(text: string, place: string): number | undefined {
  const lines = placesIn(text)
  for (let around = place; around !== ''; around = around.replace(/(?:^|\.)[^.[\]]*$|\[\d+\]$/, '')) {
    const line = lines.get(around)
    if (line !== undefined) return line
  }
  return undefined
}

/** A list or a table that is open: the place of it, and the name or number of its next member. */
type Open = { place: string; at: number; name: string | null }

/** The line of each place. A name is taken where a table expects one: before its colon. */
function placesIn(text: string): Map<string, number> {
  const lines = new Map<string, number>()
  const stack: Open[] = []
  let [line, seen] = [1, 0]
  for (const { 0: token, index } of text.matchAll(TOKEN)) {
    for (; seen < index; seen++) if (text.charCodeAt(seen) === 10) line++
    const open = stack.at(-1)
    if (token === '}' || token === ']') stack.pop()
    else if (token === ',') next(open)
    else if (token !== ':') {
      const place = placeIn(open)
      if (open?.name === '') {
        open.name = nameOf(token)
        lines.set(placeIn(open), line)
      } else {
        if (!lines.has(place)) lines.set(place, line)
        if (token === '{' || token === '[') stack.push({ place, at: 0, name: token === '{' ? '' : null })
      }
    }
  }
  return lines
}

function next(open: Open | undefined): void {
  if (!open) return
  if (open.name === null) open.at++
  else open.name = ''
}

function placeIn(open: Open | undefined): string {
  if (!open) return ''
  if (open.name === null) return `${open.place}[${open.at}]`
  return open.place === '' ? open.name : `${open.place}.${open.name}`
}

function nameOf(token: string): string {
  try {
    return String(JSON.parse(token))
  } catch (cause) {
    if (cause instanceof SyntaxError) return token
    throw cause
  }
}
