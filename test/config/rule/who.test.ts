import { describe, expect, it } from 'vitest'
import { parsePolicy } from '../../../src/config/policy.ts'
import type { Published } from '../../../src/identity/claim.ts'
import { type ClientEvidence, classify } from '../../../src/identity/classify.ts'
import { canonicalize } from '../../../src/paywall/path.ts'
import { decide } from '../../../src/paywall/policy.ts'

const TERMS = {
  ORIGIN: 'https://origin.example',
  RECEIVER: '0x209693Bc6afc0C5328bA36FaF03C514EF312287C',
  NETWORK: 'eip155:84532',
  PRICE: '0.001',
}
const GOOGLEBOT = 'Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)'
const REFUTED = { cf: { botManagement: { verifiedBot: false } } }
const CONFIRMED = { cf: { botManagement: { verifiedBot: true } } }

function actionOf(rules: unknown[], userAgent: string, evidence: Partial<ClientEvidence> = {}) {
  const result = parsePolicy({ ...TERMS, RULES: rules })
  if (!result.ok) throw new Error(JSON.stringify(result.problems))
  const path = canonicalize('/article')
  if (!path.ok) throw new Error('ambiguous')
  const asker = classify({ userAgent, signed: false, paying: false, ...evidence })
  return decide(result.policy, { method: 'GET', path: path.value, asker }).action
}

describe('the term who', () => {
  it.each([
    ['preview', 'Slackbot-LinkExpanding 1.0 (+https://api.slack.com/robots)'],
    ['feed', 'FreshRSS/1.11.2 (Linux; https://freshrss.org) like Googlebot'],
    ['ads', 'AdsBot-Google (+http://www.google.com/adsbot.html)'],
    ['monitor', 'Mozilla/5.0+(compatible; UptimeRobot/2.0; http://www.uptimerobot.com/)'],
    ['archive', 'Mozilla/5.0 (compatible; archive.org_bot)'],
    ['seo', 'Mozilla/5.0 (compatible; AhrefsBot/7.0; +http://ahrefs.com/robot/)'],
    ['Kangaroo Bot', 'Mozilla/5.0 (compatible; Kangaroo Bot/1.0)'],
    ['agent:Kangaroo Bot', 'Mozilla/5.0 (compatible; Kangaroo Bot/1.0)'],
    ['agent:Poseidon Research Crawler', 'Poseidon Research Crawler'],
    ['agent:meta-webindexer/1.1', 'meta-webindexer/1.1'],
    ['msnbot', GOOGLEBOT.replace('Googlebot', 'bingbot')],
  ])('selects by %s: %s', (who, userAgent) => {
    expect(actionOf([{ who, action: 'block' }], userAgent)).toBe('block')
  })

  it.each([
    ['a client that is only like Googlebot', 'AcmeReader/1.0 like Googlebot', 'Googlebot'],
    ['Diffbot-User', 'Mozilla/5.0 (compatible; Diffbot-User/0.1)', 'Diffbot'],
  ])('selects nothing of %s by the longer or compared name', (_, userAgent, who) => {
    expect(actionOf([{ who, action: 'block' }], userAgent)).toBe('charge')
  })

  it('refuses an agent whose name is longer than 40 characters', () => {
    const problems = (who: string) => !parsePolicy({ ...TERMS, RULES: [{ who, action: 'block' }] }).ok
    expect([40, 41].map((length) => problems(`agent:${'a'.repeat(length)}`))).toEqual([false, true])
  })

  it.each(['Googlebot', 'search', 'agent:Googlebot'])(
    'with allow covers no refuted claim to be %s',
    (who) => {
      const rules = [{ who, action: 'allow' }]
      expect(actionOf(rules, GOOGLEBOT)).toBe('allow')
      expect(actionOf(rules, GOOGLEBOT, CONFIRMED)).toBe('allow')
      expect(actionOf(rules, GOOGLEBOT, REFUTED)).toBe('charge')
    },
  )

  it.each(['crawlers', 'everyone', 'other'])(
    'with allow for %s covers a refuted claim, as any crawler without a name',
    (who) => {
      expect(actionOf([{ who, action: 'allow' }], GOOGLEBOT, REFUTED)).toBe('allow')
    },
  )

  it('with charge or block covers a refuted claim by its name', () => {
    const blocked = [{ who: 'Googlebot', action: 'block' }]
    expect(actionOf(blocked, GOOGLEBOT, REFUTED)).toBe('block')
    const charged = [
      { who: 'search', action: 'charge', price: '0.05' },
      { who: 'everyone', action: 'block' },
    ]
    expect(actionOf(charged, GOOGLEBOT, REFUTED)).toBe('charge')
  })
})

describe('the term verified', () => {
  const rules = [{ who: 'search', verified: true, action: 'allow' }]

  it('covers a confirmed claim alone', () => {
    expect(actionOf(rules, GOOGLEBOT, CONFIRMED)).toBe('allow')
    expect(actionOf(rules, GOOGLEBOT)).toBe('charge')
    expect(actionOf(rules, GOOGLEBOT, REFUTED)).toBe('charge')
  })

  it('counts an address in the list that the operator publishes', () => {
    const published: Published = (_, address) => (address === '192.0.2.1' ? 'listed' : 'unlisted')
    expect(actionOf(rules, GOOGLEBOT, { address: '192.0.2.1', published })).toBe('allow')
    expect(actionOf(rules, GOOGLEBOT, { address: '192.0.2.2', published })).toBe('charge')
  })

  it('covers no reader', () => {
    const firefox = 'Mozilla/5.0 (X11; Linux x86_64; rv:142.0) Gecko/20100101 Firefox/142.0'
    expect(actionOf([{ who: 'everyone', verified: true, action: 'block' }], firefox)).toBe('allow')
  })

  it('must be true or absent', () => {
    const result = parsePolicy({ ...TERMS, RULES: [{ verified: false, action: 'allow' }] })
    expect(!result.ok && result.problems.map(({ place, message }) => `${place} ${message}`)).toEqual([
      'RULES[0].verified must be true, or not set',
    ])
  })
})
