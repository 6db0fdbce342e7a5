import fc from 'fast-check'
import { parse } from 'smol-toml'
import { describe, expect, it } from 'vitest'
import { draftRules } from '../../src/cli/robots-rules.ts'
import { parsePolicy } from '../../src/config/policy.ts'
import { classify } from '../../src/identity/classify.ts'
import { canonicalize } from '../../src/paywall/path.ts'
import { decide } from '../../src/paywall/policy.ts'
import { parseRobots } from '../../src/protocol/http/robots.ts'

const SITE = {
  ORIGIN: 'zone',
  RECEIVER: '0x209693Bc6afc0C5328bA36FaF03C514EF312287C',
  NETWORK: 'eip155:8453',
  PRICE: '0.002',
}

function draft(robots: string, forbidden: 'block' | 'charge' = 'block') {
  const { toml } = draftRules(parseRobots(robots), 'robots.txt', forbidden)
  const { vars = {} } = parse(toml) as { vars?: Record<string, unknown> }
  const read = parsePolicy({ ...SITE, ...vars })
  if (!read.ok) throw new Error(JSON.stringify(read.problems))
  return { toml, policy: read.policy }
}

function action(robots: string, userAgent: string, path: string): string {
  const { policy } = draft(robots)
  const read = canonicalize(path)
  if (!read.ok) throw new Error(path)
  const asker = classify({ userAgent, signed: false, paying: false })
  return decide(policy, { method: 'GET', path: read.value, asker }).action
}

describe('draftRules', () => {
  it('lets the longest pattern win, and Allow among equals', () => {
    const robots = 'User-agent: *\nDisallow: /a/\nAllow: /a/b/\nDisallow: /a/b/c\nDisallow: /d\nAllow: /d'
    expect(action(robots, 'GPTBot', '/a/x')).toBe('block')
    expect(action(robots, 'GPTBot', '/a/b/x')).toBe('allow')
    expect(action(robots, 'GPTBot', '/a/b/c')).toBe('block')
    expect(action(robots, 'GPTBot', '/d')).toBe('allow')
    expect(action(robots, 'GPTBot', '/e')).toBe('charge')
  })

  it.each([
    ['/a', '/ab', 'block'],
    ['/a$', '/ab', 'charge'],
    ['/a$', '/a', 'block'],
    ['/*.pdf$', '/x/y.pdf', 'block'],
    ['/*.pdf$', '/x/y.pdf.html', 'charge'],
    ['*/.git/', '/.git/config', 'block'],
    ['*/.git/', '/x/.git/config', 'block'],
    ['*secret', '/x/secret-1', 'block'],
    ['/', '/anything', 'block'],
    ['/*', '/anything', 'block'],
  ])('reads the pattern %s for %s', (pattern, path, expected) => {
    expect(action(`User-agent: GPTBot\nDisallow: ${pattern}`, 'GPTBot/1.2', path)).toBe(expected)
  })

  it('puts crawlers with equal rules into one rule, and unknown ones as agent:NAME', () => {
    const { toml } = draft('User-agent: GPTBot\nDisallow: /\nUser-agent: AcmeBot\nDisallow: /')
    expect(toml.match(/\[\[vars.RULES\]\]/g)).toHaveLength(1)
    expect(toml).toContain('who = ["GPTBot", "agent:AcmeBot"]')
  })

  it('states tokens of robots.txt as comments, with the crawler that fetches for them', () => {
    const { toml, policy } = draft('User-agent: Google-Extended\nDisallow: /')
    expect(policy.rules).toEqual([])
    expect(toml).toContain('# Google-Extended: only robots.txt has this name. Googlebot sends the requests')
  })

  it.each([
    'Disallow: /search?',
    'Disallow: /*?tab=',
    'Disallow: relative',
    'Disallow: /a%2',
    'Content-Signal: ai-train=no',
  ])('states %j as a comment', (line) => {
    const { toml, policy } = draft(`User-agent: *\n${line}`)
    expect(policy.rules).toEqual([])
    expect(toml).toContain(
      line.startsWith('Content') ? '# not stated by a rule: content-signal' : `# ${line}`,
    )
  })

  it('opens no site to all crawlers for "Allow: /"', () => {
    expect(action('User-agent: *\nAllow: /', 'GPTBot', '/')).toBe('charge')
  })

  it('sells what is forbidden where that is asked', () => {
    const { policy } = draft('User-agent: GPTBot\nDisallow: /', 'charge')
    expect(policy.rules[0]?.decision.action).toBe('charge')
  })

  it('writes TOML that is valid for any text, and no rule out of a comment', () => {
    const text = fc.string({
      unit: fc.constantFrom('a', '/', '*', '$', '?', '"', '\\', '\u2028', '\u0007', ' ', '%', 'é', '[', ']'),
    })
    fc.assert(
      fc.property(text, text, (agent, pattern) => {
        draft(`User-agent: ${agent}\nDisallow: ${pattern}\nX-Note: ${pattern}`)
      }),
    )
  })
})
