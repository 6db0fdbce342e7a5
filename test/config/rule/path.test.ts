import { describe, expect, it } from 'vitest'
import { parsePolicy } from '../../../src/config/policy.ts'
import { ruleCautions } from '../../../src/config/rule/index.ts'
import { canonicalize } from '../../../src/paywall/path.ts'
import { type Action, decide, type Policy } from '../../../src/paywall/policy.ts'

function policyOf(rules: unknown[]): Policy {
  const result = parsePolicy({
    ORIGIN: 'zone',
    RECEIVER: '0x209693Bc6afc0C5328bA36FaF03C514EF312287C',
    NETWORK: 'eip155:84532',
    PRICE: '0.001',
    RULES: rules,
  })
  if (!result.ok) throw new Error(JSON.stringify(result.problems))
  return result.policy
}

function action(policy: Policy, url: string): Action | 'refused' {
  const path = canonicalize(url)
  const asker = { kind: 'crawler', class: 'other', claim: 'unknown', reasons: [] } as const
  return path.ok ? decide(policy, { method: 'GET', path: path.value, asker }).action : 'refused'
}

describe('path of a rule that lets files pass', () => {
  const policy = policyOf([
    { path: '/*.css', action: 'allow' },
    { path: '/assets/*.min.js', action: 'allow' },
  ])

  it.each([
    '/a.css',
    '/theme/a.CSS',
    '/jquery-ui-1.13.2/themes/a.css',
    '/assets/a.min.js',
    '/assets/v1.2/a.min.js',
  ])('covers %s', (url) => {
    expect(action(policy, url)).toBe('allow')
  })

  it.each([
    '/article.php/x.css',
    '/article.php%2Fx.css',
    '/article.php;x.css',
    '/article.php;/x.css',
    '/article.php//x.css',
    '/ARTICLE.ASPX/a/x.css',
    '/article.html/x.css',
    '/a.css/article',
    '/article.php%3Fx.css',
    '/assets/run.php/a.min.js',
  ])('leaves %s to the next rule, which servers answer with a page [D2]', (url) => {
    expect(action(policy, url)).toBe('charge')
  })

  it('covers such a path with a rule that blocks or charges', () => {
    expect(action(policyOf([{ path: '/*.pdf', action: 'block' }]), '/article.php/x.pdf')).toBe('block')
  })

  it('is a warning where it covers every folder', () => {
    const { rules } = policyOf([
      { path: '/*.css', action: 'allow' },
      { path: '/assets/*.css', action: 'allow' },
      { path: '/*.pdf', action: 'block' },
      { path: '/*', action: 'allow' },
    ])
    expect(ruleCautions(rules)).toEqual([
      { place: 'RULES[0].path', message: expect.stringMatching(/^must name a folder/) },
    ])
  })
})
