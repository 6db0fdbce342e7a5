/** The look before anything is made: tools, an account, a server that answers, a wallet that is one. */
import { isLocalHost } from '../../sites/host.ts'
import { CommandError } from '../command.ts'
import { askHost } from '../outside.ts'
import { loginOf, must, type Wrangler } from '../wrangler.ts'
import type { Prompt } from './prompt.ts'
import type { InitStep } from './run.ts'

/**
 * Checks Node, wrangler and the account. Returns the id of the account to use.
 * @throws CommandError with the command that mends what is missing
 */
export async function findAccount(
  wrangler: Wrangler,
  prompt: Prompt,
  named: string | undefined,
  say: (line: string) => void,
): Promise<string> {
  const [version = ''] = /\d+\.\d+\.\d+/.exec(await must(wrangler, ['--version'])) ?? []
  const accounts = await loginOf(wrangler)
  if (!accounts) throw new CommandError('You must be logged in at Cloudflare. Run: npx wrangler login')
  const [first] = accounts
  if (!first) throw new CommandError('Your login must have an account. Run: npx wrangler login')
  const list = accounts.map(({ id, name }) => `  ${id}  ${name}`).join('\n')
  const asked =
    named ??
    (accounts.length === 1 ? first.id : await prompt.text(`Several accounts:\n${list}\nUse`, first.id))
  const account = accounts.find(({ id }) => id === asked)
  if (!account) throw new CommandError(`CLOUDFLARE_ACCOUNT_ID must be one of your accounts:\n${list}`)
  say(`wrangler ${version}, account ${account.name}`)
  return account.id
}

/** Probes the origin and the wallet. It warns of what may be meant so. */
export const look: InitStep = {
  id: 'look',
  isRead: true,
  title: () => 'probe the server and the wallet',
  async run(deployment) {
    const { answers, node, say, prompt } = deployment
    const { origin, host, path, wallet, network } = answers
    const server = origin === 'zone' ? host : new URL(origin).host
    const { status, fault } = await askHost(server, path, 'reader')
    if (status === null || status >= 500) {
      const why = status === null ? fault : `answered ${status}`
      await accept(prompt, say, `${server}${path} must be your site, for a browser: it ${why}.`)
    } else say(`${server}${path} answers a browser with ${status}`)
    if (origin === 'zone' && isLocalHost(host)) say('This host is on this machine: no route leads to it.')
    if (await node.isContract(wallet)) {
      const warning = `${wallet} is a contract on ${network.title}. It must be able to move USDC out again.`
      await accept(prompt, say, warning)
    }
  },
}

/** Warns, and stops where a person says so. */
async function accept(prompt: Prompt, say: (line: string) => void, warning: string): Promise<void> {
  say(`warning: ${warning}`)
  if ((await prompt.confirm('Go on?')) === false) throw new CommandError('Stopped. Nothing was changed.')
}
