/** Reads on credit to its limit and does not pay: a part, a card that is declined, a payment that its bank takes back [C13, F20]. */
import type { Behaviour, Kit } from './crawler.ts'

/** The most pages of one sitting, if no limit stops it. */
const PAGES = 200

/** Covers the account’s own pages. */
const COVERED = ['@authority', '@method', '@target-uri', 'signature-agent']

type Invoice = { stage: string; presented: { reference: string; url: string | null } | null }

/** Returns after each step of dunning, until its invoice is written off. Pays only what its rail lets it take back. */
export const defaulter: Behaviour = async (kit) => {
  await readToTheLimit(kit, 'first')
  // A period of a month may have just begun.
  await kit.advance('32d')
  for (const { presented } of await invoicesOf(kit)) {
    if (!presented?.url?.includes('/pay/')) continue
    const { url, reference } = presented
    await fetch(`${url}?card=pm_card_declined`, { method: 'POST' })
    await readToTheLimit(kit, 'declined')
    await fetch(url, { method: 'POST' })
    await kit.dispute(reference)
  }
  await readToTheLimit(kit, 'disputed')
  for (const later of ['18d', '7d', '90d']) {
    await kit.advance(later)
    await readToTheLimit(kit, later)
  }
}

async function readToTheLimit({ buy }: Kit, part: string): Promise<void> {
  for (let page = 1; page <= PAGES; page++) {
    const { status } = await buy(`/${part}/${page}`)
    if (status !== 200) return
  }
}

/** Its own invoices, as any crawler on credit may read them. */
async function invoicesOf({ url, send, signAs }: Kit): Promise<Invoice[]> {
  const own = `${new URL(url).origin}/_tab402/me/invoices`
  const signed = await signAs({ url: own, method: 'GET', headers: {} }, { components: COVERED })
  const { status, body } = await send(own, { headers: signed.headers })
  return status === 200 ? (JSON.parse(body) as { invoices: Invoice[] }).invoices : []
}
