/** Commands that a person can paste while `tab402 start` runs. */
import { createHash, createPrivateKey } from 'node:crypto'
import type { StackFacts } from '../testing/stack/stack.ts'
import { PROGRAM } from './command.ts'

const BROWSER = 'Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0'

/** The facts of the `ready` line. */
export type StartFacts = StackFacts & {
  /** The page on which a person is a crawler. Its path is another one at each start. */
  playground: { url: string }
}

type Example = { title: string; commands: string[] }

/** The text beside the `ready` line: the address and the first four examples, or all of them. `path` costs money. */
export function adviceFor(facts: StartFacts, { path, all }: { path: string; all: boolean }): string {
  const page = `${facts.url}${path}`
  const examples = all
    ? [
        ...firstExamples(facts, page),
        ...siteExamples(facts, path),
        ...moreExamples(facts, page),
        ...creditExamples(facts, page),
      ]
    : firstExamples(facts, page)
  const end = all ? 'Ctrl-C stops everything.' : 'Ctrl-C stops everything. --examples prints more to try.'
  return `
tab402 runs at ${facts.url} in front of ${facts.origin}.
${sitesOf(facts)}The operator’s console, signed in once within 15 minutes: ${facts.console.login}
Later: ${facts.console.url}, with the token ${facts.operator.token}
Be a crawler yourself, one step at a time, in your browser: ${facts.playground.url}
Readers pay nothing. Crawlers pay in USDC on a chain that exists on this machine only. Try:

${examples.map(({ title, commands }) => `  ${title}\n${commands.map((line) => `    ${line}\n`).join('')}`).join('\n')}
${end}
`
}

function firstExamples(facts: StackFacts, page: string): Example[] {
  const pay = payCommand(facts)
  return [
    { title: 'Read as a person, free:', commands: [`curl -s -A '${BROWSER}' ${page}`] },
    { title: 'Ask as a crawler, and get 402 Payment Required:', commands: [`curl -si -A GPTBot ${page}`] },
    { title: 'Pay for one page at once:', commands: [`${pay} exact ${page}`] },
    { title: 'Pay for ten pages with IOUs:', commands: [`${pay} channel ${page} 10`] },
  ]
}

/** The hosts of several publishers; nothing for a site of your own. */
function sitesOf({ sites }: StackFacts): string {
  if (sites.length < 2) return ''
  const lines = sites.map(
    ({ url, mode }) =>
      `  ${url}${mode === 'shadow' ? '  in shadow mode: it counts, and charges nothing' : ''}\n`,
  )
  return `It serves these publishers:\n${lines.join('')}`
}

/** One deposit pays on the hosts of several publishers. */
function siteExamples({ sites, operator, ...facts }: StackFacts, path: string): Example[] {
  const [, second, third] = sites
  if (!second || !third) return []
  return [
    {
      title: 'Read on the host of another publisher, on the same deposit:',
      commands: [`${payCommand(facts)} channel ${second.url}${path}`],
    },
    {
      title: 'Ask as a crawler in shadow mode, and get the page. Then list all sites:',
      commands: [`curl -s -A GPTBot ${third.url}${path}`, `curl -s ${apiCommand(operator)}/sites`],
    },
  ]
}

function moreExamples({ url, scheduled, paths, operator }: StackFacts, page: string): Example[] {
  const api = apiCommand(operator)
  return [
    {
      title: 'Decode the offers of the 402:',
      commands: [
        `curl -s -o /dev/null -D - -A GPTBot ${page} | grep -i '^payment-required:' | cut -d' ' -f2 | tr -d '\\r' | base64 -d`,
      ],
    },
    { title: 'Read a page that is free for crawlers too:', commands: [`curl -s ${url}${paths.free}`] },
    {
      title: 'List the accounts, with the amounts charged and not yet redeemed in USD:',
      commands: [`curl -s ${api}/export/accounts.csv`],
    },
    {
      title: 'Start the nightly runs now. They claim all IOUs on the chain and bill credit lines:',
      commands: [`curl -s '${scheduled}'`],
    },
    {
      title: 'Show the results of the runs, a second or two later:',
      commands: [`curl -s ${api}/runs`],
    },
  ]
}

function creditExamples(facts: StackFacts, page: string): Example[] {
  const { scheduled, operator } = facts
  const api = apiCommand(operator)
  const key = agentKey()
  const { kty, crv, x } = key
  const agent = JSON.stringify({
    id: 'example-bot',
    name: 'ExampleBot',
    url: 'https://crawler.example',
    keys: { keys: [{ kty, crv, x }] },
    creditLimit: '$5',
    period: 'daily',
    rail: 'stablecoin',
    buyer: { name: 'Example Inc.', country: 'US' },
  })
  return [
    {
      title: 'Give a crawler without a wallet credit, and read twenty pages on it (see docs/credit.md):',
      commands: [
        `curl -s ${api}/agents -H 'Content-Type: application/json' -d '${agent}'`,
        `KEY='${JSON.stringify(key)}' ${PROGRAM} pay credit ${page} 20`,
      ],
    },
    {
      title:
        'Start the nightly runs of tomorrow, which bill these pages. A second or two later, list the invoice:',
      commands: [
        `curl -s "${scheduled}&time=$(( ($(date +%s) + 86400) * 1000 ))"`,
        `curl -s ${api}/invoices`,
      ],
    },
    {
      title: 'Pay the invoice. It is a page behind the same paywall:',
      commands: [
        `${payCommand(facts)} exact "$(curl -s ${api}/invoices | grep -o 'http[^"]*pay?key=[^"]*' | head -1)"`,
      ],
    },
  ]
}

function payCommand({ rpc, accounts }: Pick<StackFacts, 'rpc' | 'accounts'>): string {
  return `KEY=${accounts[0]?.privateKey} RPC_URL=${rpc} ${PROGRAM} pay`
}

function apiCommand({ token, url }: StackFacts['operator']): string {
  return `-H 'Authorization: Bearer ${token}' ${url}`
}

/** The key of the example crawler. It is made from a public phrase, so never use it elsewhere. */
function agentKey(): JsonWebKey {
  const seed = createHash('sha256').update('the agent of npm start').digest()
  const pkcs8 = Buffer.concat([Buffer.from('302e020100300506032b657004220420', 'hex'), seed])
  return createPrivateKey({ key: pkcs8, format: 'der', type: 'pkcs8' }).export({
    format: 'jwk',
  }) as JsonWebKey
}
