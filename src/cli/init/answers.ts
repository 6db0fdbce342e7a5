/** The questions of `tab402 init`, and the rules that their answers follow. */
import { getAddress } from 'viem'
import { type Network, networks } from '../../protocol/evm/network.ts'
import { isLocalHost, normalHost } from '../../sites/host.ts'
import { CommandError } from '../command.ts'
import type { Prompt } from './prompt.ts'

/** The names of all answers, as options have them and as the state keeps them. RPC_URL is none: it may hold a key. */
export const ANSWERS = ['mode', 'host', 'zone', 'origin', 'wallet', 'console', 'name', 'path'] as const
type AnswerName = (typeof ANSWERS)[number]

/** The answers as they were given. */
export type GivenAnswers = Partial<Record<AnswerName, string>>

/** The deployment that the answers describe. */
export type Answers = Record<AnswerName, string> & {
  network: Network
  /** The URL of the host, without a slash at the end. */
  url: string
}

/** The networks of the modes. */
const MODES: Readonly<Record<string, string>> = { testnet: 'eip155:84532', mainnet: 'eip155:8453' }

/** A public node of each network, for a first try. A deployment in earnest needs one of its own. */
export const PUBLIC_NODES: Readonly<Record<string, string>> = {
  'eip155:84532': 'https://sepolia.base.org',
  'eip155:8453': 'https://mainnet.base.org',
}

type Question = {
  name: AnswerName
  ask: string
  /** The answer where none is given; empty if there must be one. */
  initial(known: GivenAnswers): string
  /** The answer in its one spelling, or what it must be. */
  read(text: string, known: GivenAnswers): { value: string } | string
}

const QUESTIONS: readonly Question[] = [
  {
    name: 'mode',
    ask: 'Where do you want to be paid: try (on this machine), testnet (test money) or mainnet (real money)?',
    initial: () => 'testnet',
    read: (text) => (text === 'try' || text in MODES ? { value: text } : 'try, testnet or mainnet'),
  },
  {
    name: 'host',
    ask: 'The host of your site, such as www.example.com',
    initial: () => '',
    read: (text) => readHost(text) ?? 'a host name without https:// and without a path: www.example.com',
  },
  {
    name: 'zone',
    ask: 'The zone at Cloudflare that it is in',
    initial: ({ host = '' }) => domainOf(host),
    read: (text, { host = '' }) =>
      host === text || host.endsWith(`.${text}`) ? { value: text } : `a domain that ${host} is below`,
  },
  {
    name: 'origin',
    ask: 'Your server: zone (where this host leads today), or the https URL of a server with another name',
    initial: () => 'zone',
    read: readOrigin,
  },
  {
    name: 'wallet',
    ask: 'The address of your wallet, which receives the money',
    initial: () => '',
    read: readWallet,
  },
  {
    name: 'console',
    ask: 'A host of its own for the console, or none',
    initial: ({ zone = '', host }) => (host === `console.${zone}` ? 'none' : `console.${zone}`),
    read: (text, { host }) =>
      text === 'none'
        ? { value: text }
        : text === host
          ? 'another host than that of the site: its cookie must not reach your pages'
          : (readHost(text) ?? 'a host name, or none'),
  },
  {
    name: 'name',
    ask: 'The name of the Worker',
    initial: () => 'tab402',
    read: (text) =>
      /^[a-z][a-z0-9-]{0,50}$/.test(text) ? { value: text } : 'lower case letters, digits and -',
  },
  {
    name: 'path',
    ask: 'A page that crawlers pay for: it is bought at the end',
    initial: () => '/',
    read: (text) => (/^\/(?!\/)[^\s#]*$/.test(text) ? { value: text } : 'a path that begins with /'),
  },
]

/**
 * Collects the answers: those of options win over those of an earlier run, and a person is asked for the rest.
 * A person is asked again after an answer that must be another.
 * @param keep stores the answers so far, after each one
 * @returns null for the mode `try`, which needs no more
 * @throws CommandError for an option that must be another, and for an answer that is missing without a terminal
 */
export async function collectAnswers(
  given: GivenAnswers,
  stored: GivenAnswers,
  prompt: Prompt,
  keep: (answers: GivenAnswers) => Promise<void>,
): Promise<Answers | null> {
  const known: GivenAnswers = {}
  for (const question of QUESTIONS) {
    const { name } = question
    known[name] = await answerTo(
      question,
      given[name],
      stored[name] ?? question.initial(known),
      known,
      prompt,
    )
    if (name === 'mode' && known.mode === 'try') return null
    await keep({ ...stored, ...known })
  }
  return answersOf(known as Record<AnswerName, string>)
}

/** One answer, in its one spelling. */
async function answerTo(
  { name, ask, read }: Question,
  fixed: string | undefined,
  initial: string,
  known: GivenAnswers,
  prompt: Prompt,
): Promise<string> {
  for (;;) {
    const typed = fixed === undefined ? await prompt.text(ask, initial) : null
    const text = fixed ?? typed ?? initial
    const answer = text === '' ? 'given' : read(text, known)
    if (typeof answer !== 'string') return answer.value
    if (typed === null) throw new CommandError(`--${name} must be ${answer}.${text === '' ? ` ${ask}.` : ''}`)
    prompt.say(`It must be ${answer}.`)
  }
}

function answersOf(known: Record<AnswerName, string>): Answers {
  const network = networks.get(MODES[known.mode] ?? '')
  if (!network) throw new Error(`the mode ${known.mode} must have a network`)
  return { ...known, network, url: `${isLocalHost(known.host) ? 'http' : 'https'}://${known.host}` }
}

/** Registries that sell names below these, as in example.co.uk. */
const SECOND_LEVEL = /^(?:ac|co|com|edu|gov|ne|net|or|org)$/

/** The likely zone of a host: its domain. A person can give another. */
function domainOf(host: string): string {
  const labels = host.split('.')
  const [second = '', top = ''] = labels.slice(-2)
  return labels.slice(top.length === 2 && SECOND_LEVEL.test(second) ? -3 : -2).join('.')
}

function readHost(text: string): { value: string } | undefined {
  const host = normalHost(text.toLowerCase())
  return host === undefined ? undefined : { value: host }
}

function readOrigin(text: string): { value: string } | string {
  if (text === 'zone') return { value: text }
  const url = URL.parse(text)
  const isServer =
    url && (url.protocol === 'https:' || isLocalHost(url.host)) && url.href === `${url.origin}/`
  return isServer ? { value: url.origin } : 'zone, or the https URL of a server without a path'
}

/** EIP-55: an address in mixed case carries a checksum. One in lower case has none, so a typing error stays unseen. */
function readWallet(text: string): { value: string } | string {
  if (!/^0x[0-9a-fA-F]{40}$/.test(text)) return '0x and 40 hex digits'
  const lower = text.toLowerCase()
  const isMixed = lower !== text && text.slice(2).toUpperCase() !== text.slice(2)
  if (isMixed && getAddress(lower) !== text) return 'an address whose checksum is right: copy it again'
  const contracts = [...networks.values()].flatMap(({ usdc, escrow, collector }) => [
    usdc.address,
    escrow,
    collector,
  ])
  if (/^0x0{40}$/.test(text)) return 'your own: this one belongs to no one'
  if (contracts.includes(lower as `0x${string}`)) return 'a wallet: this is a contract of USDC or of x402'
  return { value: getAddress(lower) }
}
