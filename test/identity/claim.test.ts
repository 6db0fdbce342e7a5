import { describe, expect, it } from 'vitest'
import type { Listed } from '../../src/identity/claim.ts'
import { type ClientEvidence, classify } from '../../src/identity/classify.ts'

const CHROME =
  'Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0 Safari/537.36'

function ask(userAgent: string, listed: Listed, verifiedBot?: boolean, more: Partial<ClientEvidence> = {}) {
  return classify({
    userAgent,
    signed: false,
    paying: false,
    address: '192.0.2.1',
    published: () => listed,
    ...(verifiedBot !== undefined && { cf: { botManagement: { verifiedBot } } }),
    ...more,
  })
}

describe('the claim of a crawler', () => {
  it.each([
    ['listed', undefined, 'confirmed'],
    ['listed', true, 'confirmed'],
    ['listed', false, 'confirmed'],
    ['unlisted', undefined, 'refuted'],
    ['unlisted', true, 'unknown'],
    ['unlisted', false, 'refuted'],
    ['unknown', undefined, 'unknown'],
    ['unknown', true, 'confirmed'],
    ['unknown', false, 'refuted'],
  ] as const)('by an address that is %s and Cloudflare’s word %s is %s', (listed, verifiedBot, claim) => {
    expect(ask('Googlebot/2.1', listed, verifiedBot).claim).toBe(claim)
  })

  it('counts Cloudflare’s category as its word', () => {
    const cf = { verifiedBotCategory: 'Search Engine Crawler' }
    expect(ask('Googlebot/2.1', 'unknown', undefined, { cf }).claim).toBe('confirmed')
  })

  it('is unknown on a zone without Bot Management, for which the runtime fills in a false verifiedBot', () => {
    const botManagement = {
      corporateProxy: false,
      verifiedBot: false,
      jsDetection: { passed: false },
      staticResource: false,
      detectionIds: {},
      score: 99,
    }
    const cf = { botManagement, verifiedBotCategory: '' }
    expect(ask('Googlebot/2.1', 'unknown', undefined, { cf }).claim).toBe('unknown')
    expect(ask('Googlebot/2.1', 'listed', undefined, { cf }).claim).toBe('confirmed')
    expect(ask('Googlebot/2.1', 'unlisted', undefined, { cf }).claim).toBe('refuted')
    const scored = { botManagement: { ...botManagement, score: 29 } }
    expect(ask('Googlebot/2.1', 'unknown', undefined, { cf: scored }).claim).toBe('refuted')
  })

  it('says why it is refuted', () => {
    expect(ask('Googlebot/2.1', 'unlisted')).toMatchObject({
      name: 'Googlebot',
      class: 'search',
      refutation: 'claims Googlebot, but its address is not Google’s',
    })
    expect(ask('Twitterbot/1.0', 'unknown', false).refutation).toBe(
      'claims Twitterbot, but Cloudflare did not verify it',
    )
  })

  it.each(['Mastodon/4.3.0 (http.rb/5.2.0)', 'FreshRSS/1.26.0', 'WhatsApp/2.23', 'AcmeBot/1.0', 'curl/8.15'])(
    'of software that anyone runs, or of a name outside the table, is never refuted by Cloudflare: %s',
    (userAgent) => {
      expect(ask(userAgent, 'unknown', false).claim).toBe('unknown')
    },
  )

  it('is unknown without any evidence', () => {
    const asker = classify({ userAgent: 'Googlebot/2.1', signed: false, paying: false })
    expect(asker).toMatchObject({ claim: 'unknown' })
    expect(asker.refutation).toBeUndefined()
  })

  it('leaves a reader a reader, whatever Cloudflare says', () => {
    expect(ask(CHROME, 'unknown', false)).toEqual({
      kind: 'reader',
      reasons: ['the User-Agent is a browser’s'],
    })
  })
})

describe('classify of a signing agent', () => {
  it('takes name and class from the verified agent, not from the User-Agent', () => {
    expect(ask(CHROME, 'unlisted', false, { signed: true, signer: 'chatgpt.com' })).toMatchObject({
      kind: 'crawler',
      name: 'ChatGPT-User',
      class: 'assistant',
      claim: 'confirmed',
    })
    expect(ask('GPTBot/1.2', 'unknown', undefined, { signed: true, signer: 'agent.bot.goog' })).toMatchObject(
      {
        name: 'Google-Agent',
        class: 'assistant',
      },
    )
  })

  it('keeps the claim of the User-Agent for a host that we do not know', () => {
    const asker = ask('AcmeBot/1.0', 'unknown', undefined, { signed: true, signer: 'acme.example' })
    expect(asker).toMatchObject({ name: 'AcmeBot', class: 'other', claim: 'unknown' })
  })
})
