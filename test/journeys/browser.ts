/** A real browser for the console: Debian's chromium, with axe in every page. */
import { existsSync } from 'node:fs'
import axe from 'axe-core'
import { type Browser, type BrowserContextOptions, chromium, type Page } from 'playwright-core'
import type { ConsoleStage } from './console-stage.ts'

const CHROMIUM = '/usr/bin/chromium'

/** Starts chromium. @throws if it is not installed, with the command that installs it */
export async function startBrowser(): Promise<Browser> {
  if (!existsSync(CHROMIUM))
    throw new Error(
      `${CHROMIUM} must exist. Install Debian's package: apt-get install -y --no-install-recommends chromium`,
    )
  // Chromium refuses to sandbox for root, as whom containers run tests. All pages are our own.
  return chromium.launch({ executablePath: CHROMIUM, args: ['--no-sandbox'] })
}

/** A page in a session of its own, and all that its console said is wrong: a violation of the policy among it. */
export async function openPage(browser: Browser, options: BrowserContextOptions = {}) {
  const context = await browser.newContext(options)
  await context.addInitScript({ content: axe.source })
  const page = await context.newPage()
  const faults: string[] = []
  page.on('console', (message) => {
    if (message.type() === 'error' || message.type() === 'warning') faults.push(message.text())
  })
  page.on('pageerror', (fault) => faults.push(String(fault)))
  return { page, faults, close: () => context.close() }
}

/** Signs in with the keyboard alone: the only field has the focus after one press of Tab. */
export async function signInBy(
  page: Page,
  { console: url, facts }: Pick<ConsoleStage, 'console' | 'facts'>,
): Promise<void> {
  await page.goto(`${url}/sign-in`)
  await tabTo(page, 'input[name=token]')
  await page.keyboard.type(facts.operator.token)
  await page.keyboard.press('Enter')
  await page.waitForURL(`${url}/`)
}

/** The most presses of Tab before an element: more than a page has. */
const MAX_TABS = 120

/** Presses Tab until the element has the focus. @throws if it never has */
export async function tabTo(page: Page, selector: string): Promise<void> {
  for (let presses = 0; presses < MAX_TABS; presses++) {
    await page.keyboard.press('Tab')
    if ((await page.locator(`${selector}:focus`).count()) > 0) return
  }
  throw new Error(`the keyboard does not reach ${selector}`)
}

const TAGS = ['wcag2a', 'wcag2aa', 'wcag21aa', 'wcag22aa']
/** The one rule whose result depends on the colour scheme. */
const OF_COLOURS = ['color-contrast']

/** Returns the violations of WCAG 2.2 AA that axe finds, one line for each element. `ofColours`: only those of colours. */
export async function violationsOf(page: Page, { ofColours = false } = {}): Promise<string[]> {
  const runOnly = ofColours
    ? { type: 'rule' as const, values: OF_COLOURS }
    : { type: 'tag' as const, values: TAGS }
  return page.evaluate(async (runOnly) => {
    const { axe: run } = globalThis as unknown as { axe: typeof axe }
    const { violations } = await run.run({ runOnly })
    return violations.flatMap(({ id, nodes }) =>
      nodes.map(({ target, any }) => `${id} ${target} ${any.map(({ message }) => message).join(' ')}`),
    )
  }, runOnly)
}
