/**
 * A stand-in for wrangler, with an account in a folder: Cloudflare's own part cannot be here. It records its arguments, keeps the
 * names of secrets alone, and prints what wrangler 4.164 prints. Settings are in its environment:
 * `FAKE_WRANGLER`: the folder. `FAKE_KILL`: a call after which it kills its caller, once. `FAKE_FREE`: the plan is free.
 */
import { appendFileSync, existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { parse } from 'smol-toml'

type Account = {
  d1: { uuid: string; name: string }[]
  kv: { id: string; title: string }[]
  secrets: string[]
  workers: string[]
  killed: boolean
}
type Config = {
  name?: string
  main?: string
  limits?: object
  d1_databases?: { binding: string; database_id: string; migrations_dir: string }[]
}

const { FAKE_WRANGLER: folder = '', FAKE_KILL, FAKE_FREE } = process.env
const args = process.argv.slice(2)
const call = args.filter((word, at) => !word.startsWith('--') && args[at - 1] !== '--config').join(' ')
const file = join(folder, 'account.json')
const account: Account = existsSync(file)
  ? JSON.parse(readFileSync(file, 'utf8'))
  : { d1: [], kv: [], secrets: [], workers: [], killed: false }
appendFileSync(join(folder, 'log'), `${args.join(' ')}\n`)

const ANSWERS: Readonly<Record<string, () => void>> = {
  '': () => say('4.164.0'),
  whoami: () =>
    existsSync(join(folder, 'logged-out'))
      ? end('{"loggedIn": false}', 1)
      : json({ loggedIn: true, authType: 'OAuth Token', accounts: [{ id: 'acc0', name: 'Tally & Ink' }] }),
  'd1 list': () => json(account.d1),
  'kv namespace list': () => json(account.kv),
  'secret list': () =>
    account.workers.length === 0
      ? end('✘ [ERROR] This Worker does not exist on your account. [code: 10007]', 1)
      : json(account.secrets.map((name) => ({ name, type: 'secret_text' }))),
  'secret bulk': () => {
    const sent = JSON.parse(readFileSync(0, 'utf8')) as Record<string, string>
    account.secrets = [...new Set([...account.secrets, ...Object.keys(sent)])]
    account.workers = [...new Set([...account.workers, String(config().name)])]
    say('🌀 Processing the secrets for the Worker')
    for (const name of Object.keys(sent)) say(`✨ Successfully created secret for key: ${name}`)
  },
  'd1 migrations apply BOOK': () => {
    const [database] = config().d1_databases ?? []
    if (!account.d1.some(({ uuid }) => uuid === database?.database_id))
      end('✘ [ERROR] Couldn\'t find a D1 DB with the name or binding "BOOK" in your account.', 1)
    if (!existsSync(database?.migrations_dir ?? '')) end('✘ [ERROR] No migrations folder found.', 1)
    say('✅ No migrations to apply!')
  },
  deploy: () => {
    const { main = '', limits, name = '' } = config()
    if (!existsSync(main)) end(`✘ [ERROR] The entry-point file at "${main}" was not found.`, 1)
    if (FAKE_FREE && limits)
      end('✘ [ERROR] CPU limits are not supported for the Free plan. [code: 100328]', 1)
    account.workers = [...new Set([...account.workers, name])]
    say(`Uploaded ${name} (1.23 sec)\nDeployed ${name} triggers (0.45 sec)`)
  },
}

const made = /^(d1|kv namespace) create (\S+)$/.exec(call)
if (made) create(made[1] ?? '', made[2] ?? '')
else (ANSWERS[call] ?? (() => end(`✘ [ERROR] Unknown arguments: ${call}`, 1)))()
const mustKill = FAKE_KILL !== undefined && call.startsWith(FAKE_KILL) && !account.killed
if (mustKill) account.killed = true
writeFileSync(file, JSON.stringify(account))
if (mustKill) process.kill(process.ppid, 'SIGKILL')

function create(kind: string, name: string): void {
  const id = `${kind.slice(0, 2)}-${name}`
  if (kind === 'd1') {
    if (account.d1.some((database) => database.name === name))
      end(`✘ [ERROR] A database with that name already exists [code: 7502]`, 1)
    account.d1.push({ uuid: id, name })
    say(`✅ Successfully created DB '${name}'`)
  } else {
    if (account.kv.some(({ title }) => title === name))
      end(`✘ [ERROR] A KV namespace with the title "${name}" already exists.`, 1)
    account.kv.push({ id, title: name })
    say(`🌀 Creating namespace with title "${name}"\n✨ Success!`)
  }
}

function config(): Config {
  return parse(readFileSync(args[args.indexOf('--config') + 1] ?? '', 'utf8')) as Config
}

function json(value: unknown): void {
  say(JSON.stringify(value, null, 2))
}

function say(text: string): void {
  process.stdout.write(`${text}\n`)
}

function end(text: string, code: number): never {
  process.stdout.write(`${text}\n`)
  process.exit(code)
}
