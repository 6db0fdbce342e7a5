/** Our lines of robots.txt, read by a parser that is not ours. */

import fc from 'fast-check'
import robotsParser from 'robots-parser'
import { parseDictionary } from 'structured-headers'
import { describe, expect, it } from 'vitest'
import type { TermsName } from '../../src/terms/names.ts'
import { globalLines, groupLines, NO_ROBOTS, readRobots } from '../../src/terms/robots.ts'
import { decided, policyOf, SITE } from './site.ts'

const LICENSE = `${SITE}/license.xml`
const PUBLISHER = [{ action: 'allow', who: 'search' }]

/** The lines behind an origin's file. */
function behind(rules: readonly unknown[], origin?: string, names: readonly TermsName[] = []): string {
  return groupLines(policyOf(rules), new Set(names), origin === undefined ? NO_ROBOTS : readRobots(origin))
}

/** The file that a crawler reads. */
function merged(rules: readonly unknown[], origin: string): string {
  return `${globalLines(LICENSE)}${origin}\n${behind(rules, origin)}`
}

function mayFetch(text: string, path: string, agent: string): boolean | undefined {
  return robotsParser(`${SITE}/robots.txt`, text).isAllowed(`${SITE}${path}`, agent)
}

const MANAGED = `# BEGIN Cloudflare Managed content

User-agent: *
Content-Signal: search=yes,ai-train=no
Allow: /

User-agent: GPTBot
Disallow: /

# END Cloudflare Managed Content

User-agent: *
Disallow: /wp-admin/
`

describe('Content-Signal', () => {
  it('is yes for what is free and no for what is charged', () => {
    expect(behind(PUBLISHER)).toBe(
      'User-agent: *\nContent-Signal: search=yes, ai-input=no, ai-train=no\nDisallow:\n',
    )
  })

  it('speaks of the pages that no narrower rule names', () => {
    const rules = [{ action: 'block', path: '/search' }, ...PUBLISHER]
    expect(behind(rules)).toContain('Content-Signal: search=yes, ai-input=no, ai-train=no\n')
  })

  it('is left to an origin that states its own', () => {
    const origin = 'User-agent: *\ncontent-signal : search=no\nDisallow: /\n'
    expect(behind(PUBLISHER, origin)).toBe('')
  })

  it('adds no third group for every agent behind the managed part of Cloudflare', () => {
    expect(merged(PUBLISHER, MANAGED).match(/^User-agent: \*$/gm)).toHaveLength(2)
    const stripped = MANAGED.replace(/^Content-Signal.*\n/m, '')
    expect(behind(PUBLISHER, stripped)).toBe('')
  })
})

describe('Content-Usage', () => {
  it('is a dictionary of structured fields with tokens, and stated only where it is asked for', () => {
    const line = /^Content-Usage: (.*)$/m
    expect(behind(PUBLISHER)).not.toMatch(line)
    const [, value = ''] = line.exec(behind(PUBLISHER, undefined, ['aipref'])) ?? []
    expect([...parseDictionary(value)].map(([key, [item]]) => `${key}=${item}`)).toEqual([
      'train-ai=n',
      'search=y',
    ])
  })

  it('is left to an origin that states its own', () => {
    const origin = 'User-agent: *\nContent-Usage: train-ai=y\n'
    expect(behind(PUBLISHER, origin, ['aipref'])).not.toContain('Content-Usage')
  })
})

describe('The License line', () => {
  it('stands before the first group, because behind it it would be of the last group', () => {
    const text = merged(PUBLISHER, 'User-agent: BadBot\nDisallow: /\n')
    expect(text.startsWith(`License: ${LICENSE}\n`)).toBe(true)
    expect(text.indexOf('License:')).toBe(text.lastIndexOf('License:'))
  })
})

describe('The groups behind a file of the origin', () => {
  it('allow nothing that the origin forbids', () => {
    const text = merged(PUBLISHER, 'User-agent: *\nDisallow: /\n')
    expect(mayFetch(text, '/page', 'AnyBot')).toBe(false)
  })

  it('forbid what rules block for every crawler', () => {
    const text = merged([{ action: 'block', path: '/search' }], 'User-agent: *\nDisallow: /wp-admin/\n')
    const paths = ['/search', '/search/', '/search?q=1', '/searching', '/search/x', '/wp-admin/x', '/']
    expect(paths.filter((path) => !mayFetch(text, path, 'AnyBot'))).toEqual([
      '/search',
      '/search/',
      '/search?q=1',
      '/wp-admin/x',
    ])
  })

  it('give no rules to an agent of the origin that has none', () => {
    const text = merged([{ action: 'block', path: '/x/*' }], 'User-agent: OpenBot')
    expect(mayFetch(text, '/x/1', 'OpenBot')).toBe(true)
    expect(mayFetch(text, '/x/1', 'AnyBot')).toBe(false)
  })

  it('name no crawler that would then skip the rules for every agent', () => {
    const rules = [{ action: 'block', who: 'GPTBot', path: '/archive/*' }]
    const origin = 'User-agent: *\nDisallow: /private/\n'
    expect(mayFetch(merged(rules, origin), '/private/x', 'GPTBot')).toBe(false)
    expect(behind(rules, origin)).not.toContain('GPTBot')
  })

  it('name a crawler that the origin names too', () => {
    const rules = [{ action: 'block', who: 'GPTBot', path: '/archive/*' }]
    const text = merged(rules, 'User-agent: *\nDisallow: /private/\n\nUser-agent: gptbot\nDisallow: /a\n')
    expect(['/archive/x', '/a', '/b'].map((path) => mayFetch(text, path, 'GPTBot'))).toEqual([
      false,
      false,
      true,
    ])
  })

  it('name a crawler that is blocked everywhere', () => {
    const text = merged([{ action: 'block', who: 'GPTBot' }], 'User-agent: *\nDisallow: /private/\n')
    expect(mayFetch(text, '/b', 'GPTBot')).toBe(false)
    expect(mayFetch(text, '/b', 'AnyBot')).toBe(true)
  })
})

describe('Our own file', () => {
  it('has one group for each crawler that rules name', () => {
    const text = behind([
      { action: 'allow', who: 'agent:AcmeBot', path: '/open/*' },
      { action: 'block', who: ['agent:AcmeBot', 'CCBot'] },
    ])
    expect(mayFetch(text, '/open/x', 'AcmeBot')).toBe(true)
    expect(mayFetch(text, '/x', 'AcmeBot')).toBe(false)
    expect(mayFetch(text, '/open/x', 'CCBot')).toBe(false)
    expect(mayFetch(text, '/x', 'AnyBot')).toBe(true)
  })

  it('forbids only what the policy blocks, for every crawler and for each that it names', () => {
    const rule = fc.record(
      {
        path: fc.constantFrom('/*', '/a/*', '/a/b/*', '/a', '/b*', '/a/b'),
        who: fc.constantFrom('crawlers', 'search', 'GPTBot', 'agent:AcmeBot'),
        action: fc.constantFrom('block', 'allow', 'charge'),
        query: fc.constantFrom('none', 'any'),
      },
      { requiredKeys: ['action'] },
    )
    const target = fc.constantFrom('/', '/a', '/a/', '/a/b', '/a/b/c', '/b', '/bc', '/a?x=1', '/a/b/c?x=1')
    const agent = fc.constantFrom(['GPTBot', 'training'], ['AcmeBot', 'other'], ['NewBot', 'assistant'])
    const property = fc.property(
      fc.array(rule, { maxLength: 5 }),
      target,
      agent,
      (rules, target, [name, purpose]) => {
        if (mayFetch(behind(rules), target, name ?? '')) return
        expect(decided(policyOf(rules), target, purpose ?? '', name).action).toBe('block')
      },
    )
    fc.assert(property, { numRuns: 200 })
  })
})
