/** The simulator answers as workerd does, in front of anvil: one story, played in both. */
import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { encodeFunctionData, parseAbi } from 'viem'
import { privateKeyToAccount } from 'viem/accounts'
import { expect, it } from 'vitest'
import { Wallet } from '../../sim/actors/wallet.ts'
import { FUNDED, FUNDS, type Ground, SETTINGS, START } from '../../sim/differential/ground.ts'
import { play } from '../../sim/differential/story.ts'
import { holds } from '../../src/lab/chain-view.ts'
import type { Lab } from '../../src/lab/lab.ts'
import { openLab } from '../../src/lab/open.ts'
import type { Address, Hex } from '../../src/protocol/evm/hex.ts'
import { addressOf } from '../../src/protocol/evm/secp256k1.ts'

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

const CONFIG =
  '(address payer, address payerAuthorizer, address receiver, address receiverAuthorizer, address token, uint40 withdrawDelay, bytes32 salt) config'
const CONTRACTS = parseAbi([
  `function initiateWithdraw(${CONFIG}, uint128 amount)`,
  'function cancelAuthorization(address authorizer, bytes32 nonce, bytes signature)',
])
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
  const act = async (from: Address, to: Address, data: Hex) => {
    await chain.rpc('anvil_impersonateAccount', [from])
    const hash = await chain.rpc('eth_sendTransaction', [{ from, to, data }])
    const receipt = (await chain.rpc('eth_getTransactionReceipt', [hash])) as { status: string } | null
    expect(receipt?.status).toBe('0x1')
  }
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
        domain: { name: 'USDC', version: '2', chainId: chain.chainId, verifyingContract: chain.usdc },
        types: {
          CancelAuthorization: [
            { name: 'authorizer', type: 'address' },
            { name: 'nonce', type: 'bytes32' },
          ],
        },
        primaryType: 'CancelAuthorization',
        message: { authorizer: address, nonce },
      })
      const args = [address, nonce, signature] as const
      await act(
        address,
        chain.usdc,
        encodeFunctionData({ abi: CONTRACTS, functionName: 'cancelAuthorization', args }),
      )
    },
    async withdraw({ address }, config, amount) {
      const args = [config, amount] as const
      await act(
        address,
        chain.escrow,
        encodeFunctionData({ abi: CONTRACTS, functionName: 'initiateWithdraw', args }),
      )
    },
    watch: async () => void (await lab.advance('10m')),
    async night() {
      // This chain mines on demand: by night, blocks of the day are final elsewhere.
      await chain.rpc('anvil_mine', [BLOCKS])
      await lab.night({ through: 'cron' })
    },
  }
}
