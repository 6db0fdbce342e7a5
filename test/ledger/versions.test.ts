/** Objects of other versions: an upgrade that was killed half-way goes on, and a newer table is refused. */

import { env, runInDurableObject } from 'cloudflare:test'
import { describe, expect, it } from 'vitest'
import { openChannel, PRICE } from './channel/harness.ts'
import { newLine } from './credit/harness.ts'
import { aUse, memoryOf } from './exact/harness.ts'

const NEWER = 'was written by a newer version'

describe('ledger of another version', () => {
  it('ends the upgrade of a channel that was killed between two columns [E9]', async () => {
    const channel = await openChannel()
    await channel.charge('GET /before')
    for (const column of ['policy', 'who']) await channel.sql(`ALTER TABLE entry DROP COLUMN ${column}`)
    await channel.restart()
    await channel.charge('GET /after')
    expect((await channel.entries()).map(({ kind }) => kind)).toEqual(['open', 'charge', 'charge'])
    expect((await channel.standing()).charged).toBe(2n * PRICE)
  })

  it('refuses to charge a channel that a newer version has written [E9]', async () => {
    const channel = await openChannel()
    await channel.charge('GET /before')
    await channel.sql('ALTER TABLE entry ADD COLUMN newer TEXT')
    await channel.restart()
    await expect(channel.charge('GET /after')).rejects.toThrow(NEWER)
  })

  it('refuses to charge a credit line that a newer version has written [E9]', async () => {
    const line = newLine()
    await line.charge()
    await line.sql('ALTER TABLE entry ADD COLUMN newer TEXT')
    await line.restart()
    await expect(line.charge()).rejects.toThrow(NEWER)
  })

  it('refuses to take an authorization of a payer whose object a newer version has written [E9]', async () => {
    const use = aUse()
    const memory = memoryOf(use)
    await memory.take(use)
    await runInDurableObject(env.AUTHORIZATIONS.getByName(use.name), (_, { storage }) => {
      storage.sql.exec('ALTER TABLE authorization ADD COLUMN newer TEXT')
    })
    await memory.restart()
    await expect(memory.takeAnew(use)).rejects.toThrow(NEWER)
  })
})
