import { readFile } from 'node:fs/promises'
import { parse } from 'smol-toml'
import { describe, expect, it } from 'vitest'
import { POLICY_TERMS, parsePolicy } from '../../src/config/policy.ts'
import { RULE_TERMS } from '../../src/config/rule/index.ts'

function text(path: string): Promise<string> {
  return readFile(new URL(`../../${path}`, import.meta.url), 'utf8')
}

describe('policy documentation', () => {
  it('has in docs/policy.md a row for every term of a site and of a rule', async () => {
    const docs = await text('docs/policy.md')
    const rows = [...docs.matchAll(/^\| (`[^|]*`) \|/gm)].flatMap(([, names = '']) =>
      [...names.matchAll(/`(\w+)`/g)].map(([, name]) => name),
    )
    const terms = [...POLICY_TERMS, ...Object.keys(RULE_TERMS), 'action']
    expect(terms.filter((term) => !rows.includes(term))).toEqual([])
  })

  it('has an example in docs/policy.md that parses', async () => {
    const [, example = ''] = /```toml\n(.*?)```/s.exec(await text('docs/policy.md')) ?? []
    const result = parsePolicy(parse(example).vars)
    expect(result.ok && result.policy.rules.map((rule) => rule.decision.why)).toEqual([
      'RULES[0]: allow search, agent:FeedFetcher on /sections/* with query page',
      'RULES[1]: charge training on /archive/*',
      'RULES[2]: block crawlers on /search',
    ])
  })

  it('leaves only the receiver to be set in wrangler.toml', async () => {
    const result = parsePolicy(parse(await text('wrangler.toml')).vars)
    expect(!result.ok && result.problems.map(({ place, message }) => `${place} ${message}`)).toEqual([
      'RECEIVER must be your own address, not the zero address',
    ])
  })
})
