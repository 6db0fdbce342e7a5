/** The console in a real browser: every page by axe and under its policy, and acts by keyboard, without JavaScript. */
import { readFileSync } from 'node:fs'
import type { Browser, Page } from 'playwright-core'
import { toFunctionSelector } from 'viem'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { NAV_PATHS } from '../../src/console/frame.tsx'
import { openPage, signInBy, startBrowser, tabTo, violationsOf } from './browser.ts'
import { type ConsoleStage, startConsoleStage } from './console-stage.ts'
import { accountOf, fire, openTab, WATCH } from './site.ts'

let stage: ConsoleStage
let browser: Browser

beforeAll(async () => {
  browser = await startBrowser()
  stage = await startConsoleStage()
}, 120_000)
afterAll(async () => {
  await browser?.close()
  await stage?.stop()
})

const WIDTHS = [375, 1280]
/** The most bytes of a page before images. */
const MAX_PAGE_BYTES = 60_000

/** The faults of the page that is open: its width, and WCAG 2.2 AA in light and dark. */
async function faultsOf(page: Page, path: string): Promise<string[]> {
  const found: string[] = []
  for (const width of WIDTHS) {
    await page.setViewportSize({ width, height: 800 })
    const wide = await page.evaluate('document.documentElement.scrollWidth')
    if (Number(wide) > width) found.push(`${path} ${width}: is ${wide} px wide`)
    await page.emulateMedia({ colorScheme: 'light' })
    found.push(...(await violationsOf(page)).map((violation) => `${path} ${width} light: ${violation}`))
    await page.emulateMedia({ colorScheme: 'dark' })
    const dark = await violationsOf(page, { ofColours: true })
    found.push(...dark.map((violation) => `${path} ${width} dark: ${violation}`))
  }
  return found
}

const SECTIONS = ['/sites', '/policy'] as const
const sectionOf = (path: string) => SECTIONS.find((section) => path.startsWith(section)) ?? 'other'

describe('a page of the console', { timeout: 300_000 }, () => {
  it.each([...SECTIONS, 'other'])(
    'keeps WCAG 2.2 AA, its policy, its width and its weight, light and dark, on phones and desks: %s',
    async (section) => {
      const { page, faults, close } = await openPage(browser)
      const found: string[] = []
      if (section === 'other') {
        await page.goto(`${stage.console}/sign-in`)
        found.push(...(await faultsOf(page, '/sign-in')))
      }
      await signInBy(page, stage)
      for (const path of stage.pages.filter((path) => sectionOf(path) === section)) {
        const answer = await page.goto(`${stage.console}${path}`)
        const { length } = (await answer?.body()) ?? []
        if (answer?.status() !== 200) found.push(`${path}: is answered ${answer?.status()}`)
        if (length > MAX_PAGE_BYTES) found.push(`${path}: has ${length} bytes`)
        found.push(...(await faultsOf(page, path)))
      }
      expect(found).toEqual([])
      expect(faults).toEqual([])
      await close()
    },
  )

  it('is there for every entry of the navigation', () => {
    const paths = stage.pages.map((path) => path.split('?')[0])
    expect(NAV_PATHS.filter((path) => !paths.includes(path))).toEqual([])
  })
})

describe('the console without JavaScript, by keyboard alone', { timeout: 60_000 }, () => {
  let signedIn: Awaited<ReturnType<typeof openPage>>
  beforeAll(async () => {
    signedIn = await openPage(browser, { javaScriptEnabled: false })
    await signInBy(signedIn.page, stage)
  }, 60_000)
  afterAll(() => signedIn?.close())

  it.each([
    {
      act: 'Transfer recorded',
      page: (at: ConsoleStage) => `/invoices/${at.invoice}`,
      form: '/paid',
      fields: { reference: 'BANK-4711' },
      button: 'Record $1.80 from lantern Inc.',
      shows: 'Settled',
    },
    {
      act: 'Transfer taken back',
      page: (at: ConsoleStage) => `/invoices/${at.invoice}`,
      form: '/returned',
      opens: 'Take a transfer back…',
      fields: { reference: 'BANK-4711', reason: 'bounced' },
      button: 'Take a transfer of lantern Inc. back from INV-000001',
      shows: 'Record $1.80 from lantern Inc.',
    },
    {
      act: 'Credit note issued',
      page: (at: ConsoleStage) => `/invoices/${at.other}`,
      form: '/credit',
      opens: 'Issue a credit note…',
      fields: { amount: '$0.10', reason: 'a mistake' },
      button: 'Issue a credit note to quarry Inc.',
      shows: '−0.100000',
    },
    {
      act: 'Agent changed',
      page: () => '/agents/lantern',
      form: '/limit',
      fields: { creditLimit: '$7' },
      button: 'Change the limit of lantern',
      shows: 'Now $7.00',
    },
    {
      act: 'Agent suspended',
      page: () => '/agents/lantern',
      form: '/suspend',
      fields: { reason: 'a dispute' },
      button: 'Suspend lantern',
      shows: 'Resume lantern',
    },
    {
      act: 'Runs started',
      page: () => '/runs',
      form: '/runs',
      fields: {},
      button: 'Run now',
      shows: 'All runs',
    },
  ])('carries out “$button”, and ends at its entry in the audit log', async (one) => {
    const { act, form, fields, button, shows } = one
    const { page } = signedIn
    await page.goto(`${stage.console}${one.page(stage)}`)
    const inForm = `form[action$="${form}"]`
    if (one.opens) {
      await tabTo(page, `details:has(${inForm}) summary`)
      expect(await page.locator('summary:focus').textContent()).toBe(one.opens)
      await page.keyboard.press('Enter')
    }
    for (const [name, text] of Object.entries(fields)) {
      await tabTo(page, `${inForm} input[name=${name}]`)
      await page.keyboard.type(text)
    }
    await tabTo(page, `${inForm} button`)
    expect(await page.locator('button:focus').textContent()).toBe(button)
    await page.keyboard.press('Enter')
    await page.waitForURL(/\/acts\//)
    expect(await page.locator('h1').textContent()).toBe(act)
    const back = page.url()
    await tabTo(page, 'main a[href^="/audit/"]')
    await page.keyboard.press('Enter')
    await page.waitForURL(/\/audit\/\d+$/)
    expect(await page.locator('h1').textContent()).toBe(act)
    await page.goto(back)
    await tabTo(page, 'main a.go')
    await page.keyboard.press('Enter')
    await shown(page, shows)
  })

  it('sorts, narrows and exports a list by its links alone', async () => {
    const { page } = signedIn
    await page.goto(`${stage.console}/accounts`)
    await tabTo(page, 'main th a[href*="sort=-charged"]')
    await page.keyboard.press('Enter')
    await page.waitForURL(/sort=-charged/)
    expect(await page.locator('th[aria-sort=descending]').textContent()).toBe('Charged')
    expect(await page.locator('tbody th').first().textContent()).toBe('lantern')
    await tabTo(page, 'main input[name=text]')
    await page.keyboard.type('quarry')
    await page.keyboard.press('Enter')
    await page.waitForURL(/text=quarry/)
    expect(await page.locator('tbody tr').count()).toBe(1)
    const [download] = await Promise.all([
      page.waitForEvent('download'),
      tabTo(page, 'main a[href*="format=csv"]').then(() => page.keyboard.press('Enter')),
    ])
    const text = readFileSync((await download.path()) ?? '', 'utf8')
    expect(download.suggestedFilename()).toBe('accounts.csv')
    expect(text.split('\r\n').map((line) => line.split(',')[0])).toEqual(['id', 'quarry', ''])
  })

  it('mutes an alert, and ends the session of another browser', async () => {
    const [first, second] = await Promise.all([
      openPage(browser, { javaScriptEnabled: false }),
      openPage(browser, { javaScriptEnabled: false, userAgent: 'Another' }),
    ])
    await signInBy(second.page, stage)
    await signInBy(first.page, stage)
    await first.page.goto(`${stage.console}/alerts`)
    await tabTo(first.page, 'form[action$="/mute"] button')
    await first.page.keyboard.press('Enter')
    await shown(first.page, 'End the mute')
    await first.page.goto(`${stage.console}/settings`)
    const row = first.page.locator('tr', { hasText: 'Another' })
    await row.getByRole('button').press('Enter')
    await row.waitFor({ state: 'detached' })
    await second.page.goto(`${stage.console}/`)
    expect(second.page.url()).toBe(`${stage.console}/sign-in`)
    await Promise.all([first.close(), second.close()])
  })

  it('leads from home over the run to a channel in quarantine and lifts it, and the next night claims', async () => {
    const { page } = signedIn
    const payer = stage.payer()
    const { channelId } = await openTab(stage, payer).buy('/page')
    await stage.node.misbehave({
      method: 'eth_estimateGas',
      where: payer.address.slice(2).toLowerCase(),
      does: 'answer',
      error: { code: 3, message: 'execution reverted', data: toFunctionSelector('InvalidSignature()') },
    })
    await stage.passNights()
    await stage.node.misbehave()
    // A run has ended before its alerts are raised.
    await fire(stage, WATCH)
    await page.goto(`${stage.console}/`)
    await tabTo(page, '.needs a[href^="/runs/settle-"]')
    await page.keyboard.press('Enter')
    await page.waitForURL(/\/runs\/settle-/)
    await tabTo(page, `main a[href="/accounts/${channelId}"]`)
    await page.keyboard.press('Enter')
    await shown(page, 'Claims leave this channel out: InvalidSignature')
    await tabTo(page, 'form[action$="/lift"] button')
    expect(await page.locator('button:focus').textContent()).toMatch(
      /^Lift the quarantine of \$0\.001000 on 0x/,
    )
    await page.keyboard.press('Enter')
    await page.waitForURL(/\/acts\//)
    expect(await page.locator('h1').textContent()).toBe('Quarantine lifted')
    await tabTo(page, 'main a.go')
    await page.keyboard.press('Enter')
    await page.waitForURL(new RegExp(`/accounts/${channelId}$`))
    expect(await page.locator('form[action$="/lift"]').count()).toBe(0)
    await stage.passNights()
    const { standing } = await accountOf(stage, channelId)
    expect(standing).toMatchObject({ charged: '1000', redeemed: '1000', quarantine: null })
  })
})

describe('the console with JavaScript', { timeout: 60_000 }, () => {
  it('leads around by keys, which can be turned off', async () => {
    const { page, faults, close } = await openPage(browser)
    await signInBy(page, stage)
    await page.goto(`${stage.console}/accounts`)
    await page.keyboard.press('/')
    expect(await page.locator('input[name=text]:focus').count()).toBe(1)
    await page.locator('h1').click()
    await page.keyboard.press('?')
    const dialog = page.getByRole('dialog')
    expect(await dialog.textContent()).toContain('First field')
    await dialog.getByRole('checkbox').press('Space')
    await page.keyboard.press('Escape')
    // Chromium takes the focus from what a closed dialog hides with the next frame.
    await page.locator('input:focus').waitFor({ state: 'detached' })
    for (const key of ['g', 'r', '/']) await page.keyboard.press(key)
    expect(await page.locator('input:focus').count()).toBe(0)
    expect(page.url()).toBe(`${stage.console}/accounts`)
    expect(faults).toEqual([])
    await close()
  })

  it('reads figures again with the tag of the page, and leaves the row with the focus alone', async () => {
    const { page, faults, close } = await openPage(browser)
    await signInBy(page, stage)
    await page.clock.install()
    await page.goto(`${stage.console}/runs`)
    const rows = page.locator('tbody tr[id]')
    const before = await rows.count()
    await rows.first().locator('a').focus()
    await page.evaluate(
      "for (const cell of document.querySelectorAll('tbody td.n')) cell.textContent = 'old'",
    )
    const [first] = await Promise.all([page.waitForResponse(/\/runs$/), page.clock.runFor(15_000)])
    expect(first.status()).toBe(200)
    await expect.poll(() => rows.nth(1).textContent()).not.toContain('old')
    expect([await rows.count(), await rows.first().textContent()]).toEqual([
      before,
      expect.stringContaining('old'),
    ])
    const [second] = await Promise.all([page.waitForResponse(/\/runs$/), page.clock.runFor(15_000)])
    expect([second.status(), second.request().headers()['if-none-match']]).toEqual([
      304,
      first.headers().etag,
    ])
    expect(faults).toEqual([])
    await close()
  })

  it('prints a list on A4 without navigation, with its address and time, and its head on each page', async () => {
    const { page, close } = await openPage(browser)
    await signInBy(page, stage)
    await page.goto(`${stage.console}/audit`)
    await page.emulateMedia({ media: 'print' })
    await page.setViewportSize({ width: 660, height: 900 })
    for (const hidden of ['.side', '.filters', '.files', 'footer .keys'])
      expect([hidden, await page.locator(hidden).first().isVisible()]).toEqual([hidden, false])
    expect(await page.locator('footer .printed').textContent()).toBe(`${stage.console}/audit`)
    expect(await page.locator('time[data-asof]').isVisible()).toBe(true)
    expect(
      await page.evaluate(
        'document.querySelector("thead") && getComputedStyle(document.querySelector("thead")).display',
      ),
    ).toBe('table-header-group')
    await close()
  })
})

/** Waits for a page that shows the text: a form leads back to the address that it was on. */
async function shown(page: Page, text: string): Promise<void> {
  await page.locator('main', { hasText: text }).waitFor()
}
