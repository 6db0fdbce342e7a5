/** Reads robots.txt (RFC 9309): groups, their rules in order, and the lines that belong to no group. Pure. */

/** Crawlers read at least 500 KiB (§2.5), and most no more. Characters. */
const MAX_ROBOTS_CHARS = 500 * 1024

/** One `Allow` or `Disallow`, with its pattern as written. */
export type RobotsRule = { isAllowed: boolean; pattern: string }

/** All that a file says to one agent: its groups are merged (§2.2.1). */
export type RobotsGroup = {
  /** As first written, without a version and a trailing `*`. `*` is everybody without a group. */
  agent: string
  rules: RobotsRule[]
  /** Lines that the RFC does not define, such as `Content-Signal`. */
  others: [name: string, value: string][]
}

/** A file. Its groups in order of their first lines. */
export type Robots = {
  groups: RobotsGroup[]
  sitemaps: string[]
  /** Other lines before the first group, such as `License`. */
  others: [name: string, value: string][]
  /** The last agent still lacks rules, so rules behind the file would be its own. */
  isOpen: boolean
  /** The file is longer than what was read. */
  isCut: boolean
}

/** Reads a file. Lines that are not `name: value` are ignored, as are rules before the first agent. */
export function parseRobots(text: string): Robots {
  const groups = new Map<string, RobotsGroup>()
  const robots: Pick<Robots, 'sitemaps' | 'others'> = { sitemaps: [], others: [] }
  let current = new Set<RobotsGroup>()
  // Only a rule ends the list of agents: other lines between them must not (§2.2.4).
  let isOpen = false
  for (const [name, value] of records(text.slice(0, MAX_ROBOTS_CHARS))) {
    if (name === 'user-agent') {
      if (!isOpen) current = new Set()
      isOpen = true
      if (value !== '') current.add(groupOf(groups, value))
    } else if (name === 'allow' || name === 'disallow') {
      isOpen = false
      // An empty pattern forbids nothing.
      if (value !== '')
        for (const { rules } of current) rules.push({ isAllowed: name === 'allow', pattern: value })
    } else if (name === 'sitemap') robots.sitemaps.push(value)
    else if (current.size === 0) robots.others.push([name, value])
    else for (const { others } of current) others.push([name, value])
  }
  return { ...robots, groups: [...groups.values()], isOpen, isCut: text.length > MAX_ROBOTS_CHARS }
}

function records(text: string): [name: string, value: string][] {
  return text.split(/\r\n|\r|\n/).flatMap((line) => {
    const [, name = '', value = ''] = /^\ufeff?\s*([^\s:#]+)\s*:([^#]*)/.exec(line) ?? []
    return name === '' ? [] : [[name.toLowerCase(), value.trim()] as [string, string]]
  })
}

/** Agents are compared without case. A version, and a `*` behind a name, say nothing. */
function groupOf(groups: Map<string, RobotsGroup>, written: string): RobotsGroup {
  const agent =
    written
      .replace(/\/\S*$/, '')
      .replace(/(.)\*$/, '$1')
      .trim() || written
  const key = agent.toLowerCase()
  const known = groups.get(key)
  if (known) return known
  const made: RobotsGroup = { agent, rules: [], others: [] }
  groups.set(key, made)
  return made
}
