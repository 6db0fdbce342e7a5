/** The simulator answers as workerd does, in front of anvil: one story, played in both. */
import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { privateKeyToAccount } from 'viem/accounts'
import { expect, it } from 'vitest'
import { Wallet } from '../../sim/actors/wallet.ts'
import { FUNDED, FUNDS, type Ground, SETTINGS, START } from '../../sim/differential/ground.ts'
import { play } from '../../sim/differential/story.ts'
import { holds } from '../../src/lab/chain-view.ts'
import type { Lab } from '../../src/lab/lab.ts'
import { openLab } from '../../src/lab/open.ts'
import type { Address } from '../../src/protocol/evm/hex.ts'
import { addressOf } from '../../src/protocol/evm/secp256k1.ts'
import { reach, send } from '../testing/harness.ts'
import { TYPES, USDC_DOMAIN } from '../testing/paper.ts'

it('answers and books as workerd and anvil do', { timeout: 300_000 }, async () => {
  const args = ['--experimental-async-context-frame', 'sim/differential/here.ts']
  const { stdout } = await promisify(execFile)(process.execPath, args, { maxBuffer: 1 << 26 })
  const lab = await openLab({ start: new Date(START).toISOString(), policy: SETTINGS })
  try {
    const there = await play(await groundOf(lab))
    expect(JSON.parse(stdout)).toEqual(JSON.parse(JSON.stringify(there)))
  } finally {
    await lab.close()
  }
})

const WEI = '0xde0b6b3a7640000'
const BLOCKS = '0x60'
const PAUSE_MS = 100

/** The lab as the ground of a story. */
async function groundOf(lab: Lab): Promise<Ground> {
  const { chain, operator, url: site } = lab
  const fund = (owner: Address) => chain.rpc('anvil_setBalance', [owner, WEI])
  await fund(addressOf(SETTINGS.RELAYER_KEY))
  for (let at = 0; at < FUNDED; at++) {
    await fund(new Wallet(at).address)
    await chain.mint(new Wallet(at).address, FUNDS)
  }
  const rig = reach(chain)
  return {
    site,
    now: lab.now,
    async ask(path, headers) {
      const response = await lab.fetch(path, { headers })
      return { status: response.status, headers: response.headers, body: await response.text() }
    },
    pause: () => new Promise((over) => setTimeout(over, PAUSE_MS)),
    async read(path) {
      const headers = { authorization: `Bearer ${operator.token}` }
      return (await fetch(`${operator.url}${path}`, { headers })).json()
    },
    holds: (owner) => holds(chain, owner),
    async cancel({ address, key }, nonce) {
      const signature = await privateKeyToAccount(key).signTypedData({
        domain: USDC_DOMAIN,
        types: TYPES,
        primaryType: 'CancelAuthorization',
        message: { authorizer: address, nonce },
      })
      await send(rig, address, 'cancelAuthorization', [address, nonce, signature], chain.usdc)
    },
    async withdraw({ address }, config, amount) {
      await send(rig, address, 'initiateWithdraw', [config, amount])
    },
    watch: async () => void (await lab.advance('10m')),
    async night() {
      // This chain mines on demand: by night, blocks of the day are final elsewhere.
      await chain.rpc('anvil_mine', [BLOCKS])
      await lab.night({ through: 'cron' })
    },
  }
}
