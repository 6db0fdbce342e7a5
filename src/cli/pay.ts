/** Pays for a page as a crawler would: `KEY=… [RPC_URL=http://…] node src/cli/pay.ts exact|channel|credit URL [TIMES]`. */
import type { Hex } from 'viem'
import { usdc } from './demo/show.ts'
import { newAgent } from './pay/agent.ts'
import { payAtOnce, runATab } from './pay/crawler.ts'

/** A page, what it added to what is owed (micro-dollars), and the transaction, if there was one. */
type Paid = { body: string; charged: bigint; transaction: string }

const { KEY = '', RPC_URL = '' } = process.env
const [scheme = '', url, times = '1'] = process.argv.slice(2)
const wallet = { exact: payAtOnce, channel: runATab }[scheme]
if (!KEY || !url || (wallet ? !RPC_URL : scheme !== 'credit')) {
  console.error(`KEY=0x… RPC_URL=http://… node src/cli/pay.ts exact|channel URL [TIMES]
KEY='{"kty":"OKP",…}' node src/cli/pay.ts credit URL [TIMES]`)
  process.exit(2)
}
const buy = wallet ? withWallet(wallet(KEY as Hex, RPC_URL)) : await onCredit(JSON.parse(KEY) as JsonWebKey)
let owed = 0n
for (let time = 1; time <= Number(times); time++) {
  const { body, charged, transaction } = await buy(url)
  owed += charged
  const tab = charged > 0n ? `, $${usdc(owed)} on the tab` : ''
  console.log(`${body.length} characters${tab}${transaction && `, transaction ${transaction}`}`)
}

function withWallet(crawler: ReturnType<typeof runATab>) {
  return async (page: string): Promise<Paid> => {
    const { body, tab, transaction } = await crawler(page)
    return { body, charged: tab?.charged ?? 0n, transaction }
  }
}

async function onCredit(key: JsonWebKey) {
  const agent = await newAgent('ExampleBot', 'crawler.example', key)
  return async (page: string): Promise<Paid> => {
    const answer = await agent.read(page)
    if (!answer.served) throw new Error(`${page} was not served: ${answer.error}`)
    return { ...answer, transaction: '' }
  }
}
