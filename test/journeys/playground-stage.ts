/** The playground in a real browser: a person's whole way, one act at a time. */
import type { Page } from 'playwright-core'

/** An act: the button that it presses, and a text of the page when it has ended. */
export type Act = { name: string; press: string; until: string }

/** From no key to a paid invoice. */
export const WAY: readonly Act[] = [
  { name: 'key', press: 'Make a key', until: 'You are' },
  { name: 'faucet', press: 'Ask the faucet', until: 'You have $1.000' },
  { name: 'ask', press: 'Ask without paying', until: 'On credit: sign now' },
  { name: 'once-signed', press: 'Pay at once', until: 'You have signed a transfer of $0.001' },
  { name: 'once', press: 'Send it', until: '200, served' },
  { name: 'once-replay', press: 'Send it a second time', until: 'Served again, and not paid again' },
  { name: 'once-path', press: 'Use it for another page', until: 'has stored which page' },
  {
    name: 'once-byte',
    press: 'Change one byte of the signature',
    until: 'no longer belongs to your address',
  },
  { name: 'tab-signed', press: 'Pay on a tab', until: 'You have signed a deposit of $0.010' },
  { name: 'tab', press: 'Send it', until: '200, served' },
  { name: 'tab-replay', press: 'Send it a second time', until: 'Served again, and charged once' },
  { name: 'tab-path', press: 'Use it for another page', until: 'a second page needs a higher one' },
  { name: 'tab-byte', press: 'Change one byte of the signature', until: 'Only your key can raise' },
  { name: 'more', press: 'Read ten more pages on a tab', until: '10 of 10 pages read on a tab' },
  { name: 'midnight', press: 'Make it midnight', until: '1 claim for 1 tab, 1 sweep' },
  { name: 'credit-signed', press: 'Pay on credit', until: 'You have signed the request itself' },
  { name: 'credit', press: 'Send it', until: '200, served' },
  { name: 'credit-replay', press: 'Send it a second time', until: 'stored this signed request' },
  { name: 'credit-path', press: 'Use it for another page', until: 'covers the address of the page' },
  { name: 'credit-byte', press: 'Change one byte of the signature', until: 'has on file' },
  { name: 'credit-more', press: 'Read ten more pages on credit', until: '10 of 10 pages read on credit' },
  { name: 'bill', press: 'Make it midnight', until: 'You owe' },
  { name: 'paid', press: 'Pay it by bank transfer', until: 'It is paid' },
  { name: 'forger', press: 'Header forger', until: 'Stolen' },
]

/** Does one act. */
export async function act(page: Page, { press, until }: Act): Promise<void> {
  await page.getByRole('button', { name: press, exact: true }).click()
  await page.getByText(until).first().waitFor()
}
