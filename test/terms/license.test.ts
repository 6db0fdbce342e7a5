/** license.xml as RSL 1.0 wants it, and its limits. */
import { describe, expect, it } from 'vitest'
import { licenseXml } from '../../src/terms/rsl.ts'
import { MAX_STATED_RULES } from '../../src/terms/sections.ts'
import { policyOf, readLicense } from './site.ts'

describe('license.xml', () => {
  it('states the amount as a child with its currency, and never a server', () => {
    const xml = licenseXml(policyOf([]))
    expect(xml).toContain('<rsl xmlns="https://rslstandard.org/rsl" max-age="1">')
    expect(xml).not.toContain('server')
    expect(readLicense(xml)).toEqual([
      {
        url: '/*',
        licences: [
          {
            permits: ['search', 'ai-index', 'ai-input', 'ai-train'],
            users: [],
            prohibits: [],
            payment: { type: 'crawl', amount: '0.002', currency: 'USD', accepts: 'application/x402+json' },
          },
        ],
      },
    ])
  })

  it('prohibits a use beside a permission, and never alone', () => {
    const rules = [{ action: 'block', who: 'training' }]
    const contents = readLicense(licenseXml(policyOf(rules)))
    expect(
      contents.flatMap(({ licences }) => licences.map(({ permits, prohibits }) => [permits, prohibits])),
    ).toEqual([[['search', 'ai-index', 'ai-input'], ['ai-train']]])
  })

  it('writes a pattern as RFC 9309 has it, with the case and the escapes that the origin gets', () => {
    const rules = [{ action: 'charge', who: 'training', path: '/Café/a&b/*', price: '1' }]
    const [first, second] = readLicense(licenseXml(policyOf(rules))).map(({ url }) => url)
    expect([first, second]).toEqual(['/Caf%C3%A9/a&b?*', '/Caf%C3%A9/a&b$'])
  })

  it('states the last policy within its limit, and no section beyond it', () => {
    const rule = (at: number) => ({ action: 'charge', path: `/s${at}/*`, price: '0.01' })
    const rules = Array.from({ length: MAX_STATED_RULES }, (_, at) => rule(at))
    expect(readLicense(licenseXml(policyOf(rules))).length).toBe(3 * MAX_STATED_RULES + 1)
    expect(readLicense(licenseXml(policyOf([...rules, rule(-1)])))).toEqual([])
  })
})
