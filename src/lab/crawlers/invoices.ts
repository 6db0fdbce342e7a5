/** The invoices of a crawler on credit, as it reads and pays them itself. */
import type { Kit } from './crawler.ts'

/** Covers the account’s own pages. */
const COVERED = ['@authority', '@method', '@target-uri', 'signature-agent']

/** An invoice. `presented`: where it is paid, once its rail has it. */
type OwnInvoice = {
  stage: string
  presented: { reference: string; url: string } | { url: null } | null
}

/** Reads its own invoices, which each crawler on credit may. None if the Worker does not answer. */
export async function invoicesOf({ url, send, signAs }: Kit): Promise<OwnInvoice[]> {
  const own = `${new URL(url).origin}/_tab402/me/invoices`
  const signed = await signAs({ url: own, method: 'GET', headers: {} }, { components: COVERED })
  const { status, body } = await send(own, { headers: signed.headers })
  return status === 200 ? (JSON.parse(body) as { invoices: OwnInvoice[] }).invoices : []
}

/** Pays each of its invoices that is not paid yet, with stablecoins of its wallet. Returns whether it has paid, and all of them. */
export async function payInvoices(kit: Kit): Promise<boolean> {
  const invoices = await invoicesOf(kit)
  const due = invoices.filter(({ stage }) => stage !== 'settled' && stage !== 'written_off')
  let paid = 0
  for (const { presented } of due) if (presented?.url && (await kit.pay(presented.url)) === 200) paid++
  return paid > 0 && paid === due.length
}
