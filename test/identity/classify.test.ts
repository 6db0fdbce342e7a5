import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { type Asker, type ClientEvidence, classify } from '../../src/identity/classify.ts'

const CHROME =
  'Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0 Safari/537.36'

function ask(userAgent: string | null, evidence: Partial<ClientEvidence> = {}): Asker {
  return classify({ userAgent, signed: false, paying: false, ...evidence })
}

describe('classify of a reader', () => {
  it.each([
    [CHROME],
    ['Mozilla/5.0 (X11; Linux x86_64; rv:142.0) Gecko/20100101 Firefox/142.0'],
    [
      'Mozilla/5.0 (iPhone; CPU iPhone OS 19_0 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/19.0 Mobile/15E148 Safari/604.1',
    ],
    [
      'Mozilla/5.0 (Linux; Android 9; CUBOT_X18) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/80 Mobile Safari/537.36',
    ],
    ['Opera/9.80 (X11; Linux x86_64) Presto/2.12.388 Version/12.16'],
    ['Lynx/2.9.2 libwww-FM/2.14 SSL-MM/1.4.1'],
  ])('returns reader for a browser: %s', (userAgent) => {
    expect(ask(userAgent)).toEqual({ kind: 'reader', reasons: ['the User-Agent is a browser’s'] })
  })

  it.each([
    ['an in-app browser', '[FBAN/FB4A;FBAV/567.1.0;FBDM/{density=3.0};FBLC/nl_NL;FBCA/arm64-v8a:;]'],
    ['UC Browser', 'UCWEB/2.0 (Symbian; U; S60 V5; en-US; Nokia5250) U2/1.0.0 UCBrowser/8.9 U2/1.0.0 Mobile'],
    ['a phone', 'SAMSUNG-GT-S5620/1.0 SHP/VPP/R5 Dolfin/1.5 profile/MIDP-2.1 configuration/CLDC-1.1'],
    ['w3m', 'w3m/0.5.3+git20230121'],
    ['w3m in Emacs', 'Emacs-w3m/1.4.632 w3m/0.5.3'],
    ['eww', 'URL/Emacs Emacs/29.1 (X11; x86_64-pc-linux-gnu)'],
    ['ELinks', 'ELinks/0.13.1 (textmode; Linux; 80x25-2)'],
    ['Dillo', 'Dillo/3.2.0'],
    ['NetSurf', 'NetSurf/3.11 (Linux)'],
    ['a browser with an extension', `${CHROME} ||| ReqID: 4 | Initiator: https://shop.example`],
    [
      'a device called M BOT',
      CHROME.replace('Windows NT 10.0', 'Linux; Android 6.0.1; M BOT TAB 101 Build/M'),
    ],
    ['Outlook', 'Microsoft Office/16.0 (Windows NT 10.0; Microsoft Outlook 16.0.8008; Pro)'],
    ['a podcast app', 'Pocket Casts'],
    ['a media player', 'stagefright/1.2 (Linux;Android 4.1.2)'],
    ['an app of an Android phone', 'AcmeApp/3.1 Dalvik/2.1.0 (Linux; U; Android 9; Pixel)'],
    ['an app of an iPhone', 'AcmeApp/1 CFNetwork/1220.1 Darwin/20.3.0'],
  ])('returns reader for %s', (_, userAgent) => {
    expect(ask(userAgent).kind).toBe('reader')
  })

  it('returns reader for a browser whose User-Agent lost any part of its head', () => {
    const whole =
      'Mozilla/5.0 (Linux; Android 13; SM-S901B) AppleWebKit/537.36 (KHTML, like Gecko) Version/4.0 Chrome/118.0.0.0 Mobile Safari/537.36'
    for (let cut = 0; cut < whole.indexOf(', like Gecko'); cut++)
      expect(ask(whole.slice(cut)).kind, whole.slice(cut)).toBe('reader')
  })

  it('returns reader for a browser with any bot score above 1 or none', () => {
    expect(ask(CHROME, { cf: { botManagement: { score: 2, verifiedBot: false } } }).kind).toBe('reader')
    expect(ask(CHROME, { cf: { botManagement: { score: 0 } } }).kind).toBe('reader')
    expect(ask(CHROME, { cf: { botManagement: null, verifiedBotCategory: '' } }).kind).toBe('reader')
  })
})

describe('classify of a crawler', () => {
  it.each([
    [
      'Mozilla/5.0 AppleWebKit/537.36 (KHTML, like Gecko); compatible; GPTBot/1.2; +https://openai.com/gptbot',
      'GPTBot',
      'training',
    ],
    ['Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)', 'Googlebot', 'search'],
    ['Googlebot-Image/1.0', 'Googlebot', 'search'],
    [`${CHROME} (compatible; ChatGPT-User/1.0; +https://openai.com/bot)`, 'ChatGPT-User', 'assistant'],
    ['meta-externalagent/1.1', 'Meta-ExternalAgent', 'training'],
    ['facebookexternalhit/1.1', 'facebookexternalhit', 'preview'],
    ["'DuckDuckBot-Https/1.1; (+https://duckduckgo.com/duckduckbot)'", 'DuckDuckBot', 'search'],
    ['Mozilla/5.0 (compatible; Kangaroo Bot/1.0; +https://kangaroo.example)', 'Kangaroo Bot', 'training'],
    ['Mozilla/5.0 (compatible; Diffbot-User/0.1; +https://diffbot.example)', 'Diffbot-User', 'assistant'],
    ['Mozilla/5.0 (compatible; PerplexityUser/1.0)', 'Perplexity-User', 'assistant'],
    ['Sogou web spider/4.0(+https://sogou.example)', 'Sogou', 'search'],
    ['TelegramBot (like TwitterBot)', 'TelegramBot', 'preview'],
    [`${CHROME} newsai/1.0`, 'newsai', 'training'],
    [`${CHROME} GTmetrix`, 'GTmetrix', 'monitor'],
  ])('returns the name and purpose found in the User-Agent: %s', (userAgent, name, purpose) => {
    expect(ask(userAgent)).toMatchObject({ kind: 'crawler', name, class: purpose })
  })

  it.each([
    ['curl/8.15.0', 'curl'],
    ['node', 'node'],
    ['python-requests/2.32', 'python-requests'],
    ['Mozilla/5.0 (compatible; AcmeBot/1.0; +https://acme.example)', 'AcmeBot'],
    [
      'Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) HeadlessChrome/142.0.0.0 Safari/537.36',
      undefined,
    ],
    ['Mozilla/5.0', undefined],
    ['Mozilla/4.0 (compatible;)', undefined],
    ['Mozilla/5.0 (compatible; Poseidon Research Crawler/2.0)', 'Poseidon Research Crawler'],
    [`${CHROME} NorthwindBot/1.1 (+https://northwind.example/)`, 'NorthwindBot'],
    ['AcmeReader/1.0 (Linux; https://acme.example) like Googlebot', 'AcmeReader'],
    ['Diffbot-Beta/1.0', 'Diffbot-Beta'],
    ['AcmeBot/1.0 (+https://acme.example/GPTBot)', 'AcmeBot'],
    ['AcmeBot/1.0 (GPTBot@acme.example)', 'AcmeBot'],
  ])(
    'returns crawler, with its product name, for a User-Agent that is not a browser’s: %s',
    (userAgent, name) => {
      const asker = ask(userAgent)
      expect(asker).toMatchObject({ kind: 'crawler', class: 'other' })
      expect(asker.name).toBe(name)
    },
  )

  it.each([[null], [''], ['\u0001']])('returns crawler for the User-Agent %j', (userAgent) => {
    expect(ask(userAgent)).toMatchObject({ kind: 'crawler', class: 'other' })
  })

  it('returns crawler for a browser that carries a payment', () => {
    expect(ask(CHROME, { paying: true })).toMatchObject({
      kind: 'crawler',
      reasons: ['it carries a payment'],
    })
  })

  it('returns crawler for a browser that carries a signature', () => {
    expect(ask(CHROME, { signed: true })).toMatchObject({
      kind: 'crawler',
      reasons: ['it carries an HTTP message signature'],
    })
  })

  it('returns crawler when Cloudflare verified the bot, with the class of its category', () => {
    expect(ask(CHROME, { cf: { botManagement: { verifiedBot: true } } })).toMatchObject({ class: 'other' })
    expect(ask(CHROME, { cf: { verifiedBotCategory: 'AI Assistant' } })).toMatchObject({
      kind: 'crawler',
      class: 'assistant',
      reasons: ['Cloudflare verified the crawler (AI Assistant)'],
    })
    expect(ask(CHROME, { cf: { verifiedBotCategory: 'constructor' } }).class).toBe('other')
  })

  it('returns crawler for a bot score of 1', () => {
    expect(ask(CHROME, { cf: { botManagement: { score: 1 } } }).kind).toBe('crawler')
  })

  it('returns every reason that holds', () => {
    expect(ask('GPTBot/1.2', { signed: true, paying: true }).reasons).toEqual([
      'the User-Agent names GPTBot (OpenAI, training)',
      'it carries a payment',
      'it carries an HTTP message signature',
      'the User-Agent is not a browser’s',
    ])
  })

  it('returns no client text other than a short product name [D16]', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 700 }), (userAgent) => {
        const asker = ask(userAgent)
        expect(asker.reasons.join(' ')).toMatch(/^[ -~’]+$/)
        if (asker.name !== undefined) expect(asker.name).toMatch(/^[A-Za-z0-9._-][A-Za-z0-9._ -]{0,39}$/)
      }),
    )
  })

  it('returns crawler for GPTBot with any other text around it', () => {
    fc.assert(
      fc.property(fc.string({ maxLength: 60 }), fc.string({ maxLength: 60 }), (before, after) => {
        expect(ask(`${before} GPTBot/1.2 ${after}`).kind).toBe('crawler')
      }),
    )
  })
})
