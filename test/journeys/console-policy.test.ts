/** A month of a site in the console, by keyboard and without JavaScript: added, shadowed, published, repriced, suspended. */
import { request } from 'node:http'
import type { Browser, Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { freePort } from '../../src/testing/stack/billing.ts'
import { openPage, signInBy, startBrowser, tabTo } from './browser.ts'
import { startDns } from './dns.ts'
import { type Site, startSite } from './site.ts'

let site: Site
let browser: Browser
let dns: Awaited<ReturnType<typeof startDns>>
let port: number
let stage: { console: string; facts: Site['facts'] }

beforeAll(async () => {
  ;[port, dns, browser] = await Promise.all([freePort(), startDns(), startBrowser()])
  const vars = {
    PUBLIC_URL: `http://127.0.0.1:${port}`,
    SITES_AHEAD_SECONDS: '0',
    DNS_URL: dns.url,
    RULES: '[]',
  }
  site = await startSite(vars, port, true)
  stage = { console: site.facts.console.url, facts: site.facts }
  await api('PUT', '/publishers/press', { name: 'Example Press' })
}, 120_000)
afterAll(async () => {
  await browser?.close()
  await site?.stop()
  await dns?.stop()
})

async function api(method: string, path: string, body: object): Promise<{ status: number }> {
  const { url, token } = site.facts.operator
  const headers = { authorization: `Bearer ${token}`, 'content-type': 'application/json' }
  return fetch(`${url}${path}`, { method, headers, body: JSON.stringify(body) })
}

/** Puts a live site with the rules, past the console. */
async function publish(id: string, rules: object[]): Promise<void> {
  const terms = { ORIGIN: site.origin.url, PRICE: '0.002', RULES: rules }
  const hosts = [`${id}.localhost:${port}`]
  await api('PUT', `/sites/${id}`, { publisher: 'press', hosts, via: 'route', mode: 'live', terms })
  await api('POST', `/sites/${id}/publish`, {})
}

/** The status of a page for a crawler. No resolver has these names. An isolate keeps what it has read of a host for a minute. */
function asCrawler(host: string, path: string): Promise<number> {
  const headers = { host, 'user-agent': 'GPTBot/1.0' }
  return new Promise((resolve, reject) => {
    request({ hostname: '127.0.0.1', port, path, headers }, (response) => {
      response.resume()
      resolve(response.statusCode ?? 0)
    })
      .on('error', reject)
      .end()
  })
}

/** Comes to a field with the keyboard, and replaces what stands in it. */
async function type(page: Page, name: string, text: string): Promise<void> {
  await tabTo(page, `main [name="${name}"]`)
  await page.keyboard.press('Control+A')
  await page.keyboard.type(text)
}

/** Presses a button or a link that the keyboard comes to, and waits for the page that it leads to. */
async function press(page: Page, selector: string): Promise<void> {
  await tabTo(page, selector)
  await Promise.all([page.waitForEvent('load'), page.keyboard.press('Enter')])
}

const main = (page: Page) => page.locator('main').textContent()

describe('the console without JavaScript, by keyboard alone', { timeout: 120_000 }, () => {
  it('adds a site, proves it, shadows it, publishes it, changes its price, suspends and resumes it', async () => {
    const { page, faults, close } = await openPage(browser, { javaScriptEnabled: false })
    await signInBy(page, stage)
    await page.goto(`${stage.console}/sites/new`)
    await type(page, 'id', 'month')
    await type(page, 'hosts', `month.localhost:${port} late.localhost:${port} month.example`)
    await type(page, 'ORIGIN', 'not a url')
    await type(page, 'PRICE', '0.002')
    await press(page, 'main button.go')
    expect(await page.locator('#ORIGIN-fault').textContent()).toContain('must be')
    expect(await page.locator('#hosts').inputValue()).toContain('month.example')
    await type(page, 'ORIGIN', site.origin.url)
    await press(page, 'main button.go')

    // The DNS line, and the checks that see it.
    expect(page.url()).toBe(`${stage.console}/sites/month/checks`)
    const line = (await page.locator('#record-month-example').textContent()) ?? ''
    const [, token = ''] = /"([^"]+)"/.exec(line) ?? []
    expect(line).toContain('_tab402.month.example')
    dns.zone['_tab402.month.example'] = { TXT: [token] }
    dns.zone['month.example'] = { A: ['198.51.100.7'] }
    await page.reload()
    expect(await main(page)).toContain('proven: txt')
    await press(page, '.steps a.go')
    await type(page, 'note', 'A day on trial')
    await press(page, 'button[value=shadow]')
    expect(await main(page)).toContain('A day on trial')

    // Shadow mode serves, and counts what would have been asked.
    expect(await asCrawler(`month.localhost:${port}`, '/archive/one')).toBe(200)
    await page.goto(`${stage.console}/policy/month/results`)
    await expect
      .poll(async () => (await page.reload()) && main(page), { timeout: 10_000 })
      .toContain('/archive/one')
    await page.goto(`${stage.console}/policy/month/publish`)
    await press(page, 'button[value=live]')
    expect(await asCrawler('month.example', '/archive/one')).toBe(402)

    // A new price for one path, with a fault on the way.
    await page.goto(`${stage.console}/policy/month?edit=new`)
    await type(page, 'price', '1.2.3')
    await type(page, 'path', '/archive/*')
    await press(page, 'section:has(#edit) button.go')
    expect(await page.locator('#price-fault').textContent()).toContain('must be')
    expect(await page.locator('#path').inputValue()).toBe('/archive/*')
    await type(page, 'price', '0.01')
    await press(page, 'section:has(#edit) button.go')
    await page.goto(`${stage.console}/policy/month?edit=new`)
    await tabTo(page, '[name=action]')
    await page.keyboard.press('b')
    await type(page, 'path', '/search')
    await press(page, 'section:has(#edit) button.go')
    await press(page, 'button[value="up 1"]')
    expect(await page.locator('tbody th').allTextContents()).toEqual([
      expect.stringContaining('/search'),
      expect.stringContaining('/archive/*'),
      expect.stringContaining('Anything else'),
    ])
    await page.goto(`${stage.console}/policy/month/try?url=/archive/one&as=GPTBot`)
    const [draft, live] = await page.locator('.two > section').allTextContents()
    expect([draft, live]).toEqual([expect.stringContaining('$0.01'), expect.stringContaining('$0.002')])
    await page.goto(`${stage.console}/policy/month/publish`)
    expect(await page.locator('ins').allTextContents()).toContainEqual(
      expect.stringContaining('"price": "0.01"'),
    )
    await type(page, 'note', 'Archive at the new rate')
    await press(page, 'button[value=live]')
    expect(await main(page)).toContain('Archive at the new rate')

    // Back to the version before, and a stop.
    await page.goto(`${stage.console}/policy/month/history?version=2`)
    await page.locator('details summary', { hasText: 'Go back' }).press('Enter')
    await press(page, 'form[action$="/revert"] button')
    expect(await main(page)).toContain('4, revert')
    await page.goto(`${stage.console}/sites/month/suspend`)
    expect(await main(page)).toContain('503')
    await type(page, 'note', 'A dispute')
    await press(page, 'main button.go')
    expect(await asCrawler(`late.localhost:${port}`, '/archive/one')).toBe(503)
    await page.goto(`${stage.console}/sites/month/suspend`)
    await press(page, 'main button.go')
    await page.goto(`${stage.console}/sites/month`)
    expect(await page.locator('.meta').textContent()).toContain('Live')
    // The browser notes the two answers of 400 to the fields that were wrong.
    expect(faults.filter((fault) => !fault.includes('400'))).toEqual([])
    await close()
  })

  it('shows the second of two who publish at once what has changed, and keeps the note', async () => {
    await publish('twice', [])
    await api('PATCH', '/sites/twice', { terms: { PRICE: '0.005' } })
    const [first, second] = await Promise.all([
      openPage(browser, { javaScriptEnabled: false }),
      openPage(browser, { javaScriptEnabled: false }),
    ])
    for (const { page } of [first, second]) {
      await signInBy(page, stage)
      await page.goto(`${stage.console}/policy/twice/publish`)
    }
    await api('PATCH', '/sites/twice', { terms: { PRICE: '0.009' } })
    await type(second.page, 'note', 'my reason')
    await press(second.page, 'button[value=live]')
    expect(await second.page.locator('[role=alert]').textContent()).toContain(
      'Somebody else has changed this policy',
    )
    expect(await second.page.locator('[role=alert] ins').textContent()).toContain('0.009')
    expect(await second.page.locator('#note').inputValue()).toBe('my reason')
    await press(second.page, 'button[value=live]')
    expect(await main(second.page)).toContain('my reason')
    await press(first.page, 'button[value=live]')
    expect(await first.page.locator('[role=alert]').textContent()).toContain('published version 2')
    await Promise.all([first.close(), second.close()])
  })

  it('keeps the text of the second of two who save at once', async () => {
    await publish('texts', [{ action: 'block', path: '/a' }])
    const { page, close } = await openPage(browser, { javaScriptEnabled: false })
    await signInBy(page, stage)
    await page.goto(`${stage.console}/policy/texts/text`)
    const text = await page.locator('#text').inputValue()
    await api('PATCH', '/sites/texts', { terms: { PRICE: '0.007' } })
    await page.locator('#text').fill(text.replace('"/a"', '"/mine"'))
    await press(page, 'main form button.go')
    expect(await page.locator('[role=alert] ins').textContent()).toContain('0.007')
    expect(await page.locator('#text').inputValue()).toContain('"/mine"')
    await press(page, 'main form button.go')
    expect(await main(page)).toContain('/mine')
    await close()
  })
})

describe('the policy editor with JavaScript', { timeout: 60_000 }, () => {
  it('states faults at their field and line while they are typed, and takes them away again', async () => {
    await publish('typed', [{ action: 'charge', path: '/a', price: '0.01' }])
    const { page, faults, close } = await openPage(browser)
    await signInBy(page, stage)
    await page.goto(`${stage.console}/policy/typed?edit=0`)
    await page.locator('#price').fill('1.2.3')
    await page.locator('#price-fault', { hasText: 'must be' }).waitFor()
    expect(await page.locator('#price').getAttribute('aria-invalid')).toBe('true')
    await page.locator('#price').fill('0.02')
    await page.locator('#price[aria-invalid=false]').waitFor()
    await page.goto(`${stage.console}/policy/typed/text`)
    const text = await page.locator('#text').inputValue()
    await page.locator('#text').fill(text.replace('"0.01"', '"free"'))
    await page.locator('#text-fault', { hasText: /line \d+: terms\.RULES\[0\]\.price must be/ }).waitFor()
    await page.goto(`${stage.console}/sites/new`)
    await page.locator('#hosts').fill('https://news.example')
    await page.locator('#hosts-fault', { hasText: 'must be a host name' }).waitFor()
    expect(await page.locator('#id-fault').textContent()).toBe('')
    expect(faults).toEqual([])
    await close()
  })
})
