/** Screening of the address that pays an invoice, over the local chain's oracle. */
import { env } from 'cloudflare:test'
import { describe, expect, it } from 'vitest'
import { readBalance } from '../../src/chain/token.ts'
import { chainAt } from '../chain/harness.ts'
import { chainHere } from '../chain/here.ts'
import { ORACLE, sanction } from '../chain/oracle.ts'
import { newPayer } from '../chain/payer.ts'
import { exactFetch } from '../upstream.ts'
import { newInvoice } from './unpaid.ts'

const { rpcUrl } = chainHere()
const NOWHERE = `0x${'9'.repeat(40)}`
const OWED = 600_000n

/** Pays a new invoice of $0.60 with the unmodified client, from an address with $1. */
async function pay(screening: object, isListed = false) {
  const { url, portal, tab } = await newInvoice('stablecoin', {}, { SCREENING: screening })
  const { key: privateKey, address } = await newPayer()
  if (isListed) await sanction(address)
  const ask = (async (input: RequestInfo, init?: RequestInit) =>
    portal.fetch(new Request(input, init))) as typeof fetch
  const answer = await exactFetch(ask, { privateKey }, rpcUrl)(url)
  const payer = env.AUTHORIZATIONS.getByName(`eip155:84532:${address}`)
  return {
    status: answer.status,
    error: answer.ok ? undefined : ((await answer.json()) as { error: string }).error,
    moved: 1_000_000n - (await readBalance(chainAt(rpcUrl), address)),
    paid: (await tab.only()).paid,
    decisions: (await payer.screenings(0, 10)).map(({ act, status }) => `${act} ${status}`),
    hold: await payer.hold(),
  }
}

describe('Payment of an invoice', () => {
  it('is refused from a listed address, which is held, and moves nothing', async () => {
    expect(await pay({ oracle: ORACLE, invoice: 'open' }, true)).toMatchObject({
      status: 403,
      error: 'tab_payer_refused',
      moved: 0n,
      paid: 0n,
      decisions: ['invoice listed'],
      hold: { list: `oracle ${ORACLE}` },
    })
  })

  it('waits while the oracle does not answer, where invoices fail closed', async () => {
    const paid = await pay({ oracle: NOWHERE })
    expect(paid).toMatchObject({ status: 503, error: 'tab_screening_unavailable', moved: 0n, paid: 0n })
  })

  it('settles while the oracle does not answer, where invoices fail open', async () => {
    const paid = await pay({ oracle: NOWHERE, invoice: 'open' })
    // One decision about the payer, and one about the receiver.
    const decisions = ['invoice unknown', 'invoice unknown']
    expect(paid).toMatchObject({ status: 200, moved: OWED, paid: OWED, decisions })
  })
})
