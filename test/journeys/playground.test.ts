/** The playground: a person's whole way in a real browser, and what its server does not do for others. */
import { request } from 'node:http'
import type { Browser, Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { openPage, startBrowser, violationsOf } from './browser.ts'
import { act, WAY } from './playground-stage.ts'
import { endAll, type Started, start } from './start.ts'

let stack: Started
let browser: Browser

beforeAll(async () => {
  ;[stack, browser] = await Promise.all([start({}, ['--empty']), startBrowser()])
}, 60_000)
afterAll(async () => {
  await browser?.close()
  await endAll()
})

const WIDTHS = [375, 1280]

/** The faults of the page as it is: its width, and WCAG 2.2 AA in light and dark. */
async function faultsOf(page: Page, at: string): Promise<string[]> {
  const found: string[] = []
  for (const width of WIDTHS) {
    await page.setViewportSize({ width, height: 800 })
    const wide = await page.evaluate('document.documentElement.scrollWidth')
    if (Number(wide) > width) found.push(`${at} ${width}: is ${wide} px wide`)
    for (const colorScheme of ['light', 'dark'] as const) {
      await page.emulateMedia({ colorScheme })
      const violations = await violationsOf(page, { ofColours: colorScheme === 'dark' })
      found.push(...violations.map((violation) => `${at} ${width} ${colorScheme}: ${violation}`))
    }
  }
  return found
}

/** The three totals and the publisher's wallet, in micro-dollars, as the page shows them. */
async function money(page: Page) {
  const read = (selector: string) => page.locator(`${selector} data`).getAttribute('value')
  return {
    publisher: BigInt((await read('#publisher')) ?? ''),
    totals: await Promise.all(
      ['authorized', 'charged', 'redeemed'].map((key) => read(`[data-total=${key}]`)),
    ),
  }
}

/** Where the page is looked at by axe: empty, with a payment that waits, after a refusal, and full. */
const LOOKED_AT = ['tab-signed', 'tab-byte', 'forger']

describe('the playground in a browser', { timeout: 200_000 }, () => {
  it('leads a newcomer from a key over payments, cheats and midnight to a paid invoice', async () => {
    const { page, faults, close } = await openPage(browser)
    await page.goto(stack.facts.playground.url)
    const found = await faultsOf(page, 'start')
    const shown = new Map<string, Awaited<ReturnType<typeof money>>>()
    for (const one of WAY) {
      await act(page, one)
      if (['once', 'more', 'midnight', 'paid'].includes(one.name)) {
        const { name } = one
        // The panel follows the act with one more call.
        await expect
          .poll(async () => shown.set(name, await money(page)).get(name)?.totals)
          .toEqual(TOTALS[name])
      }
      if (LOOKED_AT.includes(one.name)) found.push(...(await faultsOf(page, one.name)))
    }
    const grown = (shown.get('midnight')?.publisher ?? 0n) - (shown.get('more')?.publisher ?? 0n)
    expect(grown).toBe(11_000n)
    await page.getByText('Stolen').waitFor()
    expect(await page.locator('dd.good data').getAttribute('value')).toBe('0')
    expect(found).toEqual([])
    expect(faults).toEqual([])
    await close()
  })

  it('keeps the key in its own tab alone', async () => {
    const { page, close } = await openPage(browser)
    await page.goto(stack.facts.playground.url)
    await page.getByRole('button', { name: 'Make a key' }).click()
    const address = await page.locator('#step-1 ~ p code').textContent()
    await page.reload()
    expect(await page.locator('#step-1 ~ p code').textContent()).toBe(address)
    const other = await page.context().newPage()
    await other.goto(stack.facts.playground.url)
    await other.getByRole('button', { name: 'Make a key' }).waitFor()
    await close()
  })
})

/** Authorized, charged, redeemed: of the account that paid last. */
const TOTALS: Record<string, string[]> = {
  once: ['1000', '1000', '1000'],
  more: ['11000', '11000', '0'],
  midnight: ['11000', '11000', '11000'],
  paid: ['11000', '11000', '10000'],
}

type Told = { path?: string; method?: string; headers?: Record<string, string>; body?: unknown }

/** Calls the playground's server as no browser would. */
async function call({ path = '', method = 'GET', headers = {}, body }: Told) {
  const { playground } = stack.facts
  const url = path.startsWith('/') ? new URL(path, playground.url) : new URL(playground.url + path)
  return new Promise<{ status: number; headers: NodeJS.Dict<string | string[]>; text: string }>(
    (resolve, reject) => {
      const sent = request(url, { method, headers }, async (answer) => {
        let text = ''
        for await (const chunk of answer.setEncoding('utf8')) text += chunk
        resolve({ status: answer.statusCode ?? 0, headers: answer.headers, text })
      })
      sent.on('error', reject)
      sent.end(body === undefined ? undefined : JSON.stringify(body))
    },
  )
}

const post = (path: string, body: unknown) =>
  call({ path, method: 'POST', headers: { 'content-type': 'application/json' }, body })

describe('the playground’s server', { timeout: 30_000 }, () => {
  it('rejects a host that is not its own, as DNS rebinding sends', async () => {
    expect((await call({ headers: { host: 'rebound.example' } })).status).toBe(421)
  })

  it('answers 404 without its random path', async () => {
    expect((await call({ path: '/' })).status).toBe(404)
    expect((await call({ path: `/${'a'.repeat(32)}/facts` })).status).toBe(404)
  })

  it.each([
    { method: 'anvil_setBalance', params: ['0x', '0x1'] },
    { method: 'eth_sendTransaction', params: [{}] },
    { method: 'evm_mine', params: [] },
    { method: 'eth_call', params: [{}, 'latest', {}] },
  ])('forwards no $method with $params to the chain', async (body) => {
    expect((await post('rpc', { jsonrpc: '2.0', id: 1, ...body })).status).toBe(403)
  })

  it('answers a read of the chain', async () => {
    const { text } = await post('rpc', { jsonrpc: '2.0', id: 1, method: 'eth_chainId', params: [] })
    expect(JSON.parse(text)).toMatchObject({ result: '0x14a34' })
  })

  it.each(['_tab402/api/accounts', 'cdn-cgi/local/scheduled', 'x/../_tab402/health', '/other.example/'])(
    'sends no crawler to /%s',
    async (path) => {
      expect((await post(`site/${path}`, { method: 'GET', headers: {} })).status).toBe(400)
    },
  )

  it('sends no header of the platform for a crawler', async () => {
    const headers = { 'cf-connecting-ip': '203.0.113.9' }
    expect((await post('site/', { method: 'GET', headers })).status).toBe(400)
  })

  it('gives a key one dollar, once', async () => {
    const address = '0x00000000000000000000000000000000000f40ce'
    expect((await post('faucet', { address })).status).toBe(200)
    const again = await post('faucet', { address })
    expect([again.status, JSON.parse(again.text).error]).toEqual([429, expect.stringContaining('one dollar')])
  })

  it('shows the page no key of the stack, and lets it load from nowhere else', async () => {
    const [page, script, facts] = [
      await call({}),
      await call({ path: 'playground.js' }),
      await call({ path: 'facts' }),
    ]
    const { accounts, operator } = stack.facts
    const secrets = [operator.token, ...accounts.map(({ privateKey }) => privateKey)]
    const text = page.text + script.text + facts.text
    expect(secrets.filter((secret) => text.includes(secret))).toEqual([])
    expect(page.headers['content-security-policy']).toMatch(/^default-src 'self';/)
  })
})
