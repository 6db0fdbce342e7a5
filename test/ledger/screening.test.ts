/** The journal of screening decisions: the rows that a payer can write, and the holds that it stores. */
import { env } from 'cloudflare:workers'
import { describe, expect, it } from 'vitest'
import type { Address } from '../../src/protocol/evm/hex.ts'
import type { ScreenedAct } from '../../src/protocol/screening.ts'
import { randomHex } from '../chain/harness.ts'
import { openChannel } from './channel/harness.ts'

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

describe('a channel with a hold that the operator has released', () => {
  it('is held anew when the same list names its other address', async () => {
    const channel = await openChannel()
    const [payer, authorizer] = [randomHex(20), randomHex(20)]
    const found = { act: 'voucher', status: 'listed', list: 'sdn', dated: 1, isAllowed: false } as const
    const listed = async (address: Address) =>
      channel.account().screened({ ...found, address, reason: 'on the list' })
    expect(await listed(payer)).toMatchObject({ address: payer })
    await channel.account().releaseHold('a namesake')
    expect(await listed(payer)).toBeNull()
    expect(await listed(authorizer)).toMatchObject({ address: authorizer })
  })
})
