/** The console in a real browser: every page by axe and under its policy, and acts by keyboard, without JavaScript. */
import type { Browser, Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { NAV_PATHS } from '../../src/console/frame.tsx'
import { openPage, signInBy, startBrowser, tabTo, violationsOf } from './browser.ts'
import { type ConsoleStage, startConsoleStage } from './console-stage.ts'

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
  it('signs in, records a transfer, and ends on the invoice that it settled', async () => {
    const { page, close } = await openPage(browser, { javaScriptEnabled: false })
    await signInBy(page, stage)
    await page.goto(`${stage.console}/invoices/${stage.invoice}`)
    await tabTo(page, 'form[action$="/paid"] input[name=reference]')
    await page.keyboard.type('BANK-4711')
    await tabTo(page, 'form[action$="/paid"] button')
    expect(await page.locator('button:focus').textContent()).toBe('Record $1.80 from lantern Inc.')
    await page.keyboard.press('Enter')
    await page.waitForURL(`${stage.console}/invoices/${stage.invoice}#history`)
    const text = await page.locator('main').textContent()
    expect(text).toContain('Settled')
    expect(text).toContain('BANK-4711')
    await page.goto(`${stage.console}/audit`)
    expect(await page.locator('main').textContent()).toContain('BANK-4711')
    await close()
  })

  it('suspends an agent, and says so', async () => {
    const { page, close } = await openPage(browser, { javaScriptEnabled: false })
    await signInBy(page, stage)
    await page.goto(`${stage.console}/agents/lantern`)
    await tabTo(page, 'form[action$="/suspend"] input[name=reason]')
    await page.keyboard.type('a dispute')
    await page.keyboard.press('Enter')
    await shown(page, 'Suspended')
    await close()
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
})

/** Waits for a page that shows the text: a form leads back to the address that it was on. */
async function shown(page: Page, text: string): Promise<void> {
  await page.locator('main', { hasText: text }).waitFor()
}
