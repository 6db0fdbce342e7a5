/** Reads on credit to its limit and does not pay: a part, a card that is declined, a payment that its bank takes back [C13, F20]. */
import type { Behaviour, Kit } from './crawler.ts'
import { invoicesOf } from './invoices.ts'

/** The most pages of one sitting, if no limit stops it. */
const PAGES = 200

/** A month, and a day to issue its invoice. */
const LONGEST_PERIOD_DAYS = 32
/** Longer than any invoice is dunned by default. */
const WEEKS = 20

/** Reads again after each step of dunning, until its invoice is written off. PaysBy only what it takes back. */
export const defaulter: Behaviour = async (kit) => {
  await readToTheLimit(kit, 'first')
  let invoices = await invoicesOf(kit)
  for (let day = 1; day <= LONGEST_PERIOD_DAYS && invoices.length === 0; day++) {
    await kit.advance('1d')
    invoices = await invoicesOf(kit)
  }
  for (const { presented } of invoices) if (presented?.url) await payForAWhile(kit, presented)
  for (let week = 1; week <= WEEKS && !invoices.some(({ stage }) => stage === 'written_off'); week++) {
    await kit.advance('7d')
    await readToTheLimit(kit, `week-${week}`)
    invoices = await invoicesOf(kit)
  }
}

/** On the card processor’s page: a declined card, then one whose bank takes the money back. */
async function payForAWhile(kit: Kit, { reference, url }: { reference: string; url: string }): Promise<void> {
  if (new URL(url).origin === new URL(kit.url).origin) return
  await fetch(`${url}?card=pm_card_declined`, { method: 'POST' })
  await readToTheLimit(kit, 'declined')
  await fetch(url, { method: 'POST' })
  await kit.dispute(reference)
  await readToTheLimit(kit, 'disputed')
}

async function readToTheLimit({ buy }: Kit, part: string): Promise<void> {
  for (let page = 1; page <= PAGES; page++) {
    const { status } = await buy(`/${part}/${page}`)
    if (status !== 200) return
  }
}
