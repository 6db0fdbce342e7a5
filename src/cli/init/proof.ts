/** The proof that it works: 402 for a crawler, 200 for a person, one real purchase, and its entry in the API. */
import { generatePrivateKey, privateKeyToAddress } from 'viem/accounts'
import { showUsd } from '../../protocol/amount.ts'
import type { Hex } from '../../protocol/evm/hex.ts'
import { isLocalHost } from '../../sites/host.ts'
import { bold, CommandError, requireTools } from '../command.ts'
import { askHost } from '../outside.ts'
import { apiOf } from '../sites/api.ts'
import { address, FAUCETS } from './gas.ts'
import { type InitRun, type InitStep, markDone, waitFor } from './run.ts'

/** Packages that the purchase loads: the unmodified client of x402. */
const PROOF_TOOLS = ['@x402/core', '@x402/evm', '@x402/fetch']

/** Proves it once. A later run leaves the purchase out. */
export const proof: InitStep = {
  id: 'proof',
  title: ({ answers: { url, path } }) => `prove it: buy ${url}${path} once, and find the purchase in the API`,
  async run(deployment) {
    const { answers, say, state } = deployment
    const { host, path, url } = answers
    const price = await offered(deployment)
    say(`GPTBot gets 402 at ${url}${path}, and is asked for ${showUsd(price)}.`)
    const reader = await askHost(host, path, 'reader')
    if (reader.status !== 200)
      throw new CommandError(`${url}${path} must answer a browser with 200. It ${saidOf(reader)}.`)
    say('A browser gets 200.')
    if (state.done.includes('proof')) {
      say('A page was bought in an earlier run.')
      return
    }
    const { payer, transaction } = await buy(deployment, price)
    say(`Bought, in the transaction ${transaction}`)
    say(await entryOf(deployment, payer))
    await markDone(deployment, 'proof')
  },
}

/** The price that a crawler is asked for at once, in atomic units. */
async function offered({ answers: { host, path, url, network } }: InitRun): Promise<bigint> {
  requireTools(PROOF_TOOLS)
  const { decodePaymentRequiredHeader } = await import('@x402/core/http')
  const crawler = await askHost(host, path, 'GPTBot')
  const header = crawler.headers['payment-required']
  if (crawler.status !== 402 || typeof header !== 'string')
    throw new CommandError(`${url}${path} must answer a crawler with 402. It ${saidOf(crawler)}.`)
  const { accepts } = decodePaymentRequiredHeader(header)
  const offer = accepts.find(({ scheme, network: on }) => scheme === 'exact' && on === network.id)
  if (!offer) throw new CommandError(`${url}${path} must have an offer of "exact" on ${network.title}.`)
  return BigInt(offer.amount)
}

function saidOf({ status, fault }: { status: number | null; fault: string }): string {
  return status === null ? fault : `answered ${status}`
}

/** Buys the page with a wallet of its own, which needs USDC and no gas money: the relayer sends the transfer. */
async function buy(deployment: InitRun, price: bigint) {
  const { answers, own, store, node, rpcUrl, say } = deployment
  const key = own.payerKey ?? (await store.payerKey(generatePrivateKey))
  const payer = privateKeyToAddress(key as Hex).toLowerCase()
  const has = async () => (await node.usdcOf(payer)) >= price
  if (!(await has())) {
    say(
      `\nThe proof buys the page as a crawler does. Send ${showUsd(price)} or more in USDC on ${answers.network.title}`,
    )
    say('to its wallet. The price of the page comes back to yours:')
    say(`\n${address(payer)}`)
    if (answers.mode === 'testnet') say(`Test money: ${FAUCETS.usdc}`)
    say('Waiting. Ctrl-C stops; the same command goes on from here.')
  }
  if (!(await waitFor(deployment, has)))
    throw new CommandError(`${payer} must have USDC. Run the same command again when it has.`)
  const [{ payAtOnce }, { resolveLocalhost }] = await Promise.all([
    import('../pay/crawler.ts'),
    import('../../testing/localhost.ts'),
  ])
  resolveLocalhost()
  const { transaction } = await payAtOnce(key as Hex, rpcUrl)(`${answers.url}${answers.path}`)
  return { payer, transaction }
}

/** The purchase as the API has it. */
async function entryOf(deployment: InitRun, payer: string): Promise<string> {
  const { answers, own, prompt } = deployment
  const token = own.token ?? (await prompt.text('The token of the operator, to find the purchase', ''))
  if (!token)
    throw new CommandError(
      'OPERATOR_TOKEN must be set to find the purchase in the API. The page was paid for.',
    )
  const call = apiOf(answers.url, token)
  const id = `${answers.network.id}:${payer}`
  const { body, faults } = await call('GET', `accounts/${id}`)
  const [payment] = (body.payments ?? []) as { amount: string; status: string; transaction: string | null }[]
  if (faults.length > 0 || !payment) throw new CommandError(`the API must have the purchase: accounts/${id}`)
  const place = answers.console === 'none' ? `the API: accounts/${id}` : await signIn(deployment, token, id)
  return `The entry: ${showUsd(BigInt(payment.amount))}, ${payment.status}. See ${bold(place)}`
}

/** A link that signs in to the console once, then shows the account. */
async function signIn({ answers }: InitRun, token: string, id: string): Promise<string> {
  const { body } = await apiOf(answers.url, token)('POST', 'sign-in-codes')
  const to = encodeURIComponent(`/accounts/${id}`)
  const scheme = isLocalHost(answers.console) ? 'http' : 'https'
  return `${scheme}://${answers.console}/sign-in?code=${String(body.code)}&to=${to} (once, within 15 minutes)`
}
