/** The thread of the lab’s crawlers, where `Date` is the lab’s clock: upstream clients run there unmodified. */
import { parentPort, workerData } from 'node:worker_threads'
import { resolveLocalhost } from '../../testing/localhost.ts'
import { offsetOf } from '../clock.ts'
import { shiftDate } from '../shifted-date.ts'
import type { ThreadCall, ThreadMessage, Wish, WishAnswer } from './crawler.ts'

const offset = offsetOf(workerData as SharedArrayBuffer)
shiftDate((realNow) => realNow() + offset())
resolveLocalhost()

// Trap: the clients load after the clock is set, because modules may keep `Date.now`.
const [{ openKit }, { BEHAVIOURS }, { payInvoices }] = await Promise.all([
  import('./kit.ts'),
  import('./index.ts'),
  import('./invoices.ts'),
])

const crawlers = new Map<number, Awaited<ReturnType<typeof openKit>>>()
const wishes = new Map<number, (answer: WishAnswer) => void>()
let lastWish = 0

parentPort?.on('message', (message: ThreadCall | WishAnswer) => {
  if ('kind' in message) {
    wishes.get(message.wish)?.(message)
    wishes.delete(message.wish)
    return
  }
  const { id } = message
  follow(message).then(
    (value) => post({ kind: 'done', id, value }),
    (fault: unknown) => post({ kind: 'failed', id, message: String(fault) }),
  )
})

async function follow(call: ThreadCall) {
  if (call.do === 'open') {
    const advance = (by: number | string) => wish({ do: 'advance', by })
    const evict = () => wish({ do: 'evict' })
    const dispute = (reference: string) => wish({ do: 'dispute', reference })
    crawlers.set(call.crawler, await openKit(call.setup, { advance, evict, dispute }))
    return null
  }
  const crawler = crawlers.get(call.crawler)
  if (!crawler) throw new Error('the crawler must be open')
  const { kit, tally } = crawler
  if (call.do === 'pay') return payInvoices(kit)
  if (call.do === 'read') return kit.buy(call.path)
  if (call.do === 'run') await BEHAVIOURS[kit.is](kit)
  return tally()
}

/** Asks the lab for something, and waits until it is done. */
function wish(what: Wish): Promise<void> {
  const number = ++lastWish
  post({ kind: 'wish', wish: number, ...what })
  return new Promise((resolve, reject) => {
    wishes.set(number, ({ fault }) => (fault === null ? resolve() : reject(new Error(fault))))
  })
}

function post(message: ThreadMessage): void {
  parentPort?.postMessage(message)
}
