/** `tab402 import-robots`: drafts rules from a robots.txt. */
import { readFile } from 'node:fs/promises'
import { parseRobots } from '../protocol/http/robots.ts'
import { CommandError, parse, talk, UsageError } from './command.ts'
import { draftRules } from './robots-rules.ts'

/** The help text of the command. */
export const usage = `Examples:
  tab402 import-robots https://site.example            draft rules from https://site.example/robots.txt
  tab402 import-robots robots.txt >> wrangler.toml     add the draft to the settings
  tab402 import-robots robots.txt --disallow charge    sell what the file forbids

Usage: tab402 import-robots FILE|URL [--disallow block|charge]

Prints rules in TOML that decide as the file does (RFC 9309), and as comments what rules cannot say.
Read the draft before you use it. "tab402 replay" tries it on a log.

Options:
  --disallow ACTION   the action for what the file forbids: block or charge (block)

Exit codes: 0 success, 1 unreadable or without groups, 2 wrong usage.`

const TIMEOUT_MS = 15_000
/** More than is parsed, so that a longer file shows. */
const MAX_BYTES = 1024 * 1024

/** Runs the command; see {@link usage}. Returns the exit code. */
export async function run(args: string[]): Promise<number> {
  const { values, positionals } = parse(args, { disallow: { type: 'string', default: 'block' } })
  const [place, ...more] = positionals
  if (place === undefined || more.length > 0) throw new UsageError('one FILE or URL must be given.')
  const { disallow } = values
  if (disallow !== 'block' && disallow !== 'charge')
    throw new UsageError('--disallow must be block or charge.')
  const robots = parseRobots(/^https?:/i.test(place) ? await fetched(place) : await fromFile(place))
  if (robots.groups.length === 0) throw new CommandError(`${place} must have at least one line User-agent.`)
  const { toml, rules, comments } = draftRules(robots, place, disallow)
  process.stdout.write(toml)
  talk(`${rules} rules, and ${comments} comments on what they leave out.`)
  return 0
}

async function fromFile(file: string): Promise<string> {
  try {
    return await readFile(file, 'utf8')
  } catch (cause) {
    if (cause instanceof Error && 'code' in cause && /^E(?:NOENT|ISDIR|ACCES)$/.test(String(cause.code)))
      throw new UsageError(`${file} must be a file that can be read, or an http(s) URL.`)
    throw cause
  }
}

async function fetched(address: string): Promise<string> {
  const url = URL.parse(address)
  if (!url) throw new UsageError('URL must be an http(s) URL.')
  if (url.pathname === '/') url.pathname = '/robots.txt'
  const response = await answerOf(url)
  const text = await start(response)
  if (response.ok) return text
  // Some sites serve their file with an error: crawlers then act as if there were none, and the publisher means it.
  if (parseRobots(text).groups.length === 0)
    throw new CommandError(`${url} must answer with a robots.txt. It answered ${response.status}.`)
  talk(`warning: ${url} answered ${response.status}. Most crawlers ignore a robots.txt with that status.`)
  return text
}

async function answerOf(url: URL): Promise<Response> {
  try {
    return await fetch(url, {
      headers: { 'user-agent': 'tab402-import-robots' },
      signal: AbortSignal.timeout(TIMEOUT_MS),
    })
  } catch (cause) {
    const reason =
      cause instanceof Error && cause.cause instanceof Error ? cause.cause.message : String(cause)
    throw new CommandError(`${url} must answer: ${reason}`)
  }
}

/** The first megabyte of a body, as UTF-8. */
async function start(response: Response): Promise<string> {
  const decoder = new TextDecoder()
  let text = ''
  let bytes = 0
  for await (const part of response.body ?? []) {
    text += decoder.decode(part, { stream: true })
    bytes += part.length
    if (bytes > MAX_BYTES) break
  }
  return text
}
