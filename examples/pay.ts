/** Pays for a page as a crawler would: `KEY=0x… RPC_URL=http://… node examples/pay.ts exact|channel URL [TIMES]`. */
import type { Hex } from 'viem'
import { payAtOnce, runATab } from './crawler.ts'

const { KEY, RPC_URL } = process.env
const [scheme, url, times = '1'] = process.argv.slice(2)
if (!KEY || !RPC_URL || !url || (scheme !== 'exact' && scheme !== 'channel')) {
  console.error('KEY=0x… RPC_URL=http://… node examples/pay.ts exact|channel URL [TIMES]')
  process.exit(2)
}
const crawler = (scheme === 'exact' ? payAtOnce : runATab)(KEY as Hex, RPC_URL)
for (let time = 1; time <= Number(times); time++) {
  const { body, transaction, tab } = await crawler(url)
  const onTab = tab ? `, ${tab.charged} millionths of a USDC on the tab` : ''
  console.log(`${body.length} characters${onTab}${transaction && `, transaction ${transaction}`}`)
}
