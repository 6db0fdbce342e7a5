/** The journal of screening decisions: how many rows a payer can write. */
import { env } from 'cloudflare:workers'
import { describe, expect, it } from 'vitest'
import type { ScreenedAct } from '../../src/protocol/screening.ts'
import { randomHex } from '../chain/harness.ts'

describe('a listed payer that asks by several acts in turn', () => {
  it('writes one row a day for each of them', async () => {
    const address = randomHex(20)
    const object = env.AUTHORIZATIONS.getByName(`eip155:84532:${address}`)
    const decision = { address, status: 'listed', list: 'operator', dated: null, reason: 'on the deny list' }
    const asks = async (act: ScreenedAct) =>
      object.screened({ ...decision, status: 'listed', act, isAllowed: false })
    for (let turn = 0; turn < 3; turn++) {
      await asks('voucher')
      await asks('exact')
    }
    const journal = await object.screenings(0, 10)
    expect(journal.map(({ act }) => act)).toEqual(['voucher', 'exact'])
    expect(await object.hold()).toMatchObject({ address })
  })
})
