/** The whole stack on this machine: a chain, a publisher's site, and the Worker between it and the world. */
import type { Address } from '../../protocol/evm/hex.ts'
import type { LocalAccount } from '../chain/chain.ts'
import { startChild } from './child.ts'
import { siblingModule } from './sibling.ts'
import type { StackSite } from './sites.ts'

/** All optional: without any, every port is a free one and nothing stays behind. */
export type StackOptions = {
  port?: number
  chainPort?: number
  originPort?: number
  /** The server to protect instead of the sample site; the paywall stands in front of all its paths. */
  originUrl?: string
  /** Where the chain, the ledger and the secrets are kept, so that a killed stack goes on where it was. */
  stateDir?: string
  /** Put figures of thirty days into a new deployment. The console marks them as sample data. */
  sample?: boolean
  /** Vars and secrets of the Worker, over those of `wrangler.toml` and of the stack. */
  vars?: Record<string, string>
}

/** The facts of a running stack, as the `ready` line of `npm start` prints them. URLs do not end with a slash. */
export type StackFacts = {
  url: string
  origin: string
  rpc: string
  /** A GET fires the nightly cron. */
  scheduled: string
  usdc: Address
  escrow: Address
  receiver: Address
  paths: { free: string; charged: string }
  /** Each has ether and 1,000 USDC. The receiver and the relayer are none of them. */
  accounts: LocalAccount[]
  operator: { url: string; token: string }
  /** The operator's pages. `login` signs in once, within 15 minutes; the token always does. */
  console: { url: string; login: string }
  /** The first one also answers at `url`. */
  sites: StackSite[]
}

export type Stack = StackFacts & {
  /** Settles when the stack is gone, however it went. */
  ended: Promise<void>
  stop(): Promise<void>
}

/** Longer than the chain's own grace, which lies within it. */
const GRACE_MS = 10_000

/**
 * Starts the stack in a process of its own that ends with this one, however this one ends. `log` receives each
 * line that the Worker and the runtime print.
 * @throws with the printed lines if the stack does not start
 */
export async function startStack(options: StackOptions = {}, log = (_line: string) => {}): Promise<Stack> {
  const host = siblingModule(import.meta.url, './host')
  const child = await startChild(process.execPath, [host, JSON.stringify(options)], GRACE_MS)
  const facts = await new Promise<StackFacts>((resolve, reject) => {
    const said: string[] = []
    let rest = ''
    child.onOutput((text) => {
      const lines = (rest + text).split('\n')
      rest = lines.pop() ?? ''
      for (const line of lines) {
        if (line.startsWith(READY)) resolve(JSON.parse(line.slice(READY.length)) as StackFacts)
        else {
          said.push(line)
          log(line)
        }
      }
    })
    child.ended.then(() => reject(new Error(`the stack did not start:\n${[...said, rest].join('\n')}`)))
  })
  return { ...facts, ended: child.ended, stop: () => child.stop() }
}

/** The prefix of the line that prints the facts once the stack is ready. */
export const READY = 'ready '
