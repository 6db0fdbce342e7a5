/** Gas money: the relayer's address as text and as a QR code, and the wait until it has enough. */
import { renderUnicodeCompact } from 'uqr'
import { formatEther, parseEther } from 'viem'
import { CommandError } from '../command.ts'
import { type InitStep, markDone, waitFor } from './run.ts'

/** The reserve for claims, and the same again for the first transfers (docs/policy.md, Gas). */
const LEAST_WEI = parseEther('0.002')

/** Pages that give test money away. */
export const FAUCETS = {
  gas: 'https://portal.cdp.coinbase.com/products/faucet',
  usdc: 'https://faucet.circle.com',
} as const

/** Waits until the relayer can pay for gas. */
export const gas: InitStep = {
  id: 'gas',
  title: ({ answers: { network } }) =>
    `wait until the relayer has ${formatEther(LEAST_WEI)} ${network.native}`,
  async run(deployment) {
    const { state, node, say, answers } = deployment
    const { relayer } = state
    if (!relayer) {
      say('The relayer was set up before. Its address and gas money: npx tab402 doctor')
      return
    }
    const has = async () => (await node.gasOf(relayer)) >= LEAST_WEI
    if (!(await has())) {
      const { native, title } = answers.network
      say(
        `\nSend at least ${formatEther(LEAST_WEI)} ${native} on ${title} to your relayer. It pays for gas with it:`,
      )
      say(`\n${address(relayer)}`)
      if (answers.mode === 'testnet') say(`Test money: ${FAUCETS.gas}`)
      say('Waiting. Ctrl-C stops; the same command goes on from here.')
    }
    if (!(await waitFor(deployment, has)))
      throw new CommandError(`${relayer} must have gas money. Run the same command again when it has.`)
    say(`The relayer has ${formatEther(await node.gasOf(relayer))} ${answers.network.native}.`)
    await markDone(deployment, 'gas')
  },
}

/** An address with its QR code, for the camera of a phone. */
export function address(text: string): string {
  return `${renderUnicodeCompact(text, { border: 2 })}\n${text}\n`
}
