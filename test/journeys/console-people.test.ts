/** The way into the console: an invitation, a passkey of a virtual authenticator, proofs, API tokens, and what each role sees. */
import type { Browser, BrowserContext, Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { openPage, startBrowser, tabTo, violationsOf } from './browser.ts'
import { operate } from './credit-site.ts'
import { type Site, startSite } from './site.ts'

let site: Site
let browser: Browser
/** Browsers take passkeys at a name, not at an address. */
let url: string

beforeAll(async () => {
  const [started, opened] = await Promise.all([startSite(), startBrowser()])
  site = started
  browser = opened
  url = site.facts.console.url.replace('127.0.0.1', 'localhost')
}, 120_000)
afterAll(async () => {
  await browser?.close()
  await site?.stop()
})

/** Adds an authenticator that verifies its user without asking. Returns how to take it away again. */
async function addAuthenticator(page: Page): Promise<() => Promise<void>> {
  const cdp = await (page.context() as BrowserContext).newCDPSession(page)
  await cdp.send('WebAuthn.enable')
  const { authenticatorId } = await cdp.send('WebAuthn.addVirtualAuthenticator', {
    options: {
      protocol: 'ctap2',
      transport: 'internal',
      hasResidentKey: true,
      hasUserVerification: true,
      isUserVerified: true,
      automaticPresenceSimulation: true,
    },
  })
  return async () => void (await cdp.send('WebAuthn.removeVirtualAuthenticator', { authenticatorId }))
}

async function signInAsOwner(page: Page): Promise<void> {
  await page.goto(`${url}/sign-in`)
  await page.locator('input[name=token]').fill(site.facts.operator.token)
  await page.getByRole('button', { name: 'Sign in with the token' }).click()
  await page.waitForURL(`${url}/`)
}

/** Invites a member by the API. Returns the address of the invitation. */
async function invite(name: string, role: string): Promise<string> {
  const { body } = await operate<{ invitation: string }>(site, '/people', { name, role })
  return `${url}/invitation?code=${body.invitation}`
}

/** Opens an invitation, and makes the passkey. Returns how to lose its device. */
async function join(page: Page, address: string): Promise<() => Promise<void>> {
  const lose = await addAuthenticator(page)
  await page.goto(address)
  await page.getByRole('button', { name: 'Make a passkey' }).click()
  await page.waitForURL(`${url}/`)
  return lose
}

describe('a member of the console', { timeout: 60_000 }, () => {
  it('is invited in a form, registers a passkey, and signs in with it again', async () => {
    const [owner, member] = [await openPage(browser), await openPage(browser)]
    await signInAsOwner(owner.page)
    await owner.page.goto(`${url}/people/new`)
    await owner.page.locator('input[name=name]').fill('Bela ‏<b>Novak')
    await owner.page.getByRole('button', { name: 'Make an invitation' }).click()
    await owner.page.locator('#name-fault').waitFor()
    await owner.page.locator('input[name=name]').fill('Bela <b>Novak')
    await owner.page.locator('select[name=role]').selectOption('accountant')
    await owner.page.getByRole('button', { name: 'Make an invitation' }).click()
    const address = (await owner.page.locator('pre').textContent()) ?? ''
    expect(new URL(address).origin).toBe(url)

    const { page } = member
    await addAuthenticator(page)
    await page.goto(address)
    expect(await page.locator('h1').textContent()).toBe('Welcome, Bela <b>Novak')
    expect(await violationsOf(page)).toEqual([])
    await page.getByRole('button', { name: 'Make a passkey' }).click()
    await page.waitForURL(`${url}/`)
    await page.getByRole('button', { name: 'Sign out' }).click()
    await page.waitForURL(`${url}/sign-in`)
    await page.getByRole('button', { name: 'Sign in with your passkey' }).click()
    await page.waitForURL(`${url}/`)
    expect(await page.locator('.who').textContent()).toContain('Bela <b>Novak, accountant')

    await page.goto(address)
    expect(await page.locator('h1').textContent()).toContain('was used')
    expect([owner.faults, member.faults.filter((text) => !text.includes('404'))]).toEqual([
      [expect.stringContaining('400')],
      [],
    ])
    await Promise.all([owner.close(), member.close()])
  })

  it('sees the pages that it has rights for, and no other', async () => {
    const { page, close } = await openPage(browser)
    await join(page, await invite('Cleo', 'accountant'))
    const shown = await page.locator('nav.rail a').allTextContents()
    expect(shown).toContain('Invoices')
    expect(shown).not.toContain('People')
    const answer = await page.goto(`${url}/people`)
    expect([answer?.status(), await page.locator('main').textContent()]).toEqual([
      403,
      expect.stringContaining('Not allowed'),
    ])
    await close()
  })

  it('adds a passkey of a second device, removes that of the lost one, and keeps the last', async () => {
    const { page, faults, close } = await openPage(browser)
    const lose = await join(page, await invite('Emil', 'operator'))
    await lose()
    await addAuthenticator(page)
    await page.goto(`${url}/settings`)
    await page.locator('input[name=name]').fill('Phone')
    await page.getByRole('button', { name: 'Add a passkey' }).click()
    await page.getByRole('button', { name: 'Make a passkey' }).click()
    await page.waitForURL(`${url}/settings#passkeys`)
    expect(await violationsOf(page)).toEqual([])
    const devices = () =>
      page.getByRole('table', { name: 'Your passkeys' }).getByRole('rowheader').allTextContents()
    expect(await devices()).toEqual(['Linux', 'Phone'])
    await page.getByRole('button', { name: 'Remove the passkey Linux' }).click()
    await page.getByText('Phone').waitFor()
    expect(await devices()).toEqual(['Phone'])
    await page.getByRole('button', { name: 'Sign out' }).click()
    await page.getByRole('button', { name: 'Sign in with your passkey' }).click()
    await page.waitForURL(`${url}/`)
    await page.goto(`${url}/settings`)
    await page.getByRole('button', { name: 'Remove the passkey Phone' }).click()
    await page.getByText('It is your last passkey').waitFor()
    expect(faults).toEqual([expect.stringContaining('409')])
    await close()
  })

  it('is out at once when the owner removes it', async () => {
    const [owner, member] = [await openPage(browser), await openPage(browser)]
    await join(member.page, await invite('Dana', 'operator'))
    await signInAsOwner(owner.page)
    await owner.page.goto(`${url}/people`)
    await owner.page.getByRole('link', { name: 'Dana' }).click()
    await owner.page.getByRole('button', { name: 'Remove Dana' }).click()
    await owner.page.waitForURL(`${url}/people`)
    await member.page.goto(`${url}/sites`)
    expect(member.page.url()).toContain('/sign-in')
    await Promise.all([owner.close(), member.close()])
  })
})

describe('an API token', { timeout: 60_000 }, () => {
  it('is made by keyboard, works with its rights alone, and ends', async () => {
    const { page, close } = await openPage(browser, { javaScriptEnabled: false })
    await signInAsOwner(page)
    await page.goto(`${url}/tokens/new`)
    await tabTo(page, 'input[name=name]')
    await page.keyboard.type('nightly')
    await tabTo(page, 'input[value="runs.read"]')
    await page.keyboard.press('Space')
    await tabTo(page, 'form.form button')
    await page.keyboard.press('Enter')
    await page.locator('#token').waitFor()
    const token = (await page.locator('pre').textContent()) ?? ''
    const status = async (path: string) => {
      const headers = { authorization: `Bearer ${token}` }
      return (await fetch(`${site.facts.operator.url}${path}`, { headers })).status
    }
    expect([await status('/runs'), await status('/accounts')]).toEqual([200, 403])
    await page.goto(`${url}/tokens`)
    await page.getByRole('button', { name: 'End the token nightly' }).press('Enter')
    await page.locator('main', { hasText: 'No API token yet' }).waitFor()
    expect(await status('/runs')).toBe(401)
    await close()
  })
})
