/** `tab402 sites`: the sites of a deployment, kept as documents in files. */
import { bold, parse, print, printJson, talk, UsageError } from './command.ts'
import { askOutside } from './outside.ts'
import { type ApiAnswer, apiOf, type CallApi, type Fault, pagesOf } from './sites/api.ts'
import { diffLine } from './sites/diff.ts'
import { type FiledFault, readDocuments } from './sites/documents.ts'
import { type Done, type Planned, planImport, publish, write } from './sites/import.ts'

/** The help text of the command. */
export const usage = `Examples:
  tab402 sites list                               every site of the deployment
  tab402 sites add news.toml                      create one as a draft
  tab402 sites check example-news --path /a/1     its proofs, its origin, and what its paywall answers
  tab402 sites publish example-news               publish its draft
  tab402 sites import sites/*.toml --dry-run      show what these files would change
  tab402 sites import sites/*.toml --publish      change it, and publish it

Usage: tab402 sites COMMAND [OPTIONS]

Commands:
  list             list sites
  add FILE…        create the sites and publishers of files; they must be new
  check [ID…]      check sites, all by default: from inside the Worker, and from this machine
  publish ID…      publish the drafts of sites
  suspend ID…      stop sites within about two minutes
  resume ID…       end a suspension
  import FILE…     create or change the sites and publishers of files; prints a diff for each

A file is JSON (.json) or TOML: one document, a list, or a table with the lists publishers and sites. If one document has a
fault, nothing is written.

Options:
  --url URL        the operator's host (TAB402_URL)
  --path PATH      with check: a path that crawlers pay for (/)
  --note TEXT      with publish, suspend, resume and import --publish: why
  --publish        with import: publish each site that has a draft then
  --dry-run        with import: print the diffs and faults, and write nothing
  --json           print JSON

Environment:
  OPERATOR_TOKEN   the operator's token
  TAB402_URL       takes the place of --url

Exit codes: 0 success, 1 a fault, a refusal or a failed check, 2 wrong usage.`

const OPTIONS = {
  url: { type: 'string' },
  path: { type: 'string', default: '/' },
  note: { type: 'string' },
  publish: { type: 'boolean' },
  'dry-run': { type: 'boolean' },
  json: { type: 'boolean' },
} as const

type Context = { call: CallApi; names: string[]; values: ReturnType<typeof read>['values'] }

const COMMANDS: Readonly<Record<string, (context: Context) => Promise<number>>> = {
  list,
  add: (context) => bring(context, true),
  import: (context) => bring(context, false),
  check,
  publish: (context) => act(context, 'publish'),
  suspend: (context) => act(context, 'suspend'),
  resume: (context) => act(context, 'resume'),
}

/** Runs the command; see {@link usage}. Returns the exit code. */
export async function run(args: string[]): Promise<number> {
  const { values, positionals } = read(args)
  const [name = '', ...names] = positionals
  const command = Object.hasOwn(COMMANDS, name) ? COMMANDS[name] : undefined
  if (!command) throw new UsageError(`the command must be one of ${Object.keys(COMMANDS).join(', ')}.`)
  const isOptional = name === 'list' || name === 'check'
  if (names.length === 0 && !isOptional) throw new UsageError(`${name} must be given a file or an id.`)
  if (name === 'list' && names.length > 0) throw new UsageError('list must be called with options only.')
  const { OPERATOR_TOKEN: token, TAB402_URL } = process.env
  const url = values.url ?? TAB402_URL
  if (!url || !/^https?:\/\//.test(url) || !URL.canParse(url))
    throw new UsageError('--url must be the http(s) URL of the operator’s host.')
  if (!token) throw new UsageError('OPERATOR_TOKEN must be set.')
  if (!values.path.startsWith('/')) throw new UsageError('--path must begin with "/".')
  return command({ call: apiOf(url, token), names, values })
}

function read(args: string[]) {
  return parse(args, OPTIONS)
}

async function list({ call, values }: Context): Promise<number> {
  for await (const site of pagesOf(call, 'sites', 'sites')) {
    if (values.json) printJson(site)
    else {
      const { id, publisher, mode, version, hasDraft, hosts } = site
      const state = `${mode}${version ? ` v${version}` : ''}${hasDraft ? ', draft waits' : ''}`
      print(`${bold(String(id))}  ${publisher}  ${state}  ${(hosts as string[]).join(' ')}`)
    }
  }
  return 0
}

/** `add` and `import`. `mustBeNew`: a known id is a fault. */
async function bring({ call, names, values }: Context, mustBeNew: boolean): Promise<number> {
  const { documents, faults } = await readDocuments(names)
  const { planned, faults: more } =
    faults.length > 0 ? { planned: [], faults: [] } : await planImport(call, documents)
  const known = mustBeNew ? planned.filter(({ act }) => act !== 'create').map(notNew) : []
  const before = [...faults, ...more, ...known]
  const isDry = values['dry-run'] === true
  if (!values.json) for (const each of planned) showPlan(each)
  const written = before.length > 0 || isDry ? [] : await write(call, planned)
  const due = planned.filter(({ kind, act, hasDraft }) => kind === 'sites' && (act !== 'same' || hasDraft))
  const isDue = values.publish === true && !isDry && before.length + written.length === 0
  const published = isDue ? await publish(call, due, values.note) : { done: [], faults: [] }
  const all = [...before, ...written, ...published.faults]
  if (values.json)
    printJson({
      ok: all.length === 0,
      documents: planned.map(({ file, kind, id, act, changes }) => ({ file, kind, id, act, changes })),
      published: published.done,
      faults: all,
    })
  else {
    for (const done of published.done) print(publishedLine(done))
    for (const fault of all) print(faultLine(fault))
    talk(summary(planned, all.length, before.length > 0 || isDry))
  }
  return all.length === 0 ? 0 : 1
}

function notNew({ file, id }: Planned): FiledFault {
  return { file, id, path: 'id', message: 'must be new', expected: 'tab402 sites import' }
}

function showPlan({ kind, id, act, changes, file }: Planned): void {
  if (act === 'same') return
  print(
    bold(
      `${act === 'create' ? 'new' : 'changed'} ${kind === 'sites' ? 'site' : 'publisher'} ${id} (${file})`,
    ),
  )
  for (const change of changes) print(`  ${diffLine(change)}`)
}

function summary(planned: readonly Planned[], faults: number, isDry: boolean): string {
  const count = (act: Planned['act']) => planned.filter((each) => each.act === act).length
  const sums = `${count('create')} new, ${count('change')} changed, ${count('same')} the same, ${faults} faults.`
  return isDry ? `${sums} Nothing was written.` : sums
}

async function act({ call, names, values }: Context, word: string): Promise<number> {
  let failed = 0
  for (const id of names) {
    const body = values.note === undefined ? {} : { note: values.note }
    const answer = await call('POST', `sites/${encodeURIComponent(id)}/${word}`, { body })
    failed += answer.faults.length
    if (values.json) printJson({ id, ok: answer.faults.length === 0, ...answerOf(answer) })
    else if (answer.faults.length > 0)
      for (const fault of answer.faults) print(faultLine({ ...fault, file: '', id }))
    else print(publishedLine({ id, ...(answer.body as Pick<Done, 'version' | 'effectiveAt'>) }))
  }
  return failed > 0 ? 1 : 0
}

function answerOf({ body, faults }: ApiAnswer): object {
  if (faults.length > 0) return { faults }
  return { version: body.version, effectiveAt: body.effectiveAt, everywhereBy: body.everywhereBy }
}

function publishedLine({ id, version, effectiveAt }: Done): string {
  return `${bold(id)}  version ${version}, in effect from ${new Date(effectiveAt).toISOString()}`
}

function faultLine({
  file,
  id,
  path,
  message,
  expected,
}: FiledFault | (Fault & { file: string; id: string })): string {
  const place = [file, id, path].filter((part) => part !== '').join(': ')
  return `${place} ${message}${expected === '' ? '' : `. Example: ${expected}`}`
}

type Finding = { outcome: string; why: string }
type Checked = {
  ok: boolean
  errors: Fault[]
  hosts: ({ host: string; record: string; token: string } & Record<
    'proof' | 'dns' | 'certificate' | 'crawler' | 'reader',
    Finding
  >)[]
  origin: Finding
  sideDoor: Finding
}

async function check({ call, names, values }: Context): Promise<number> {
  const ids = [...names]
  if (ids.length === 0) for await (const { id } of pagesOf(call, 'sites', 'sites')) ids.push(String(id))
  let failed = 0
  for (const id of ids) {
    const answer = await call('POST', `sites/${encodeURIComponent(id)}/check`, {
      body: { path: values.path },
    })
    if (answer.faults.length > 0) {
      failed++
      for (const fault of answer.faults) print(faultLine({ ...fault, file: '', id }))
      continue
    }
    const checked = answer.body as Checked
    const outside = await Promise.all(checked.hosts.map(({ host }) => askOutside(host, values.path)))
    if (!checked.ok) failed++
    if (values.json) printJson({ ...checked, outside })
    else showCheck(id, checked, outside)
  }
  return failed > 0 ? 1 : 0
}

function showCheck(id: string, checked: Checked, outside: Awaited<ReturnType<typeof askOutside>>[]): void {
  const row = (what: string, { outcome, why }: Finding) => print(`  ${outcome.padEnd(8)}${what}: ${why}`)
  print(`${bold(id)}  ${checked.ok ? 'ok' : 'needs work'}`)
  for (const fault of checked.errors) print(`  failed  ${faultLine({ ...fault, file: '', id: '' })}`)
  row('origin', checked.origin)
  row('side door', checked.sideDoor)
  for (const [
    at,
    { host, record, token, proof, dns, certificate, crawler, reader },
  ] of checked.hosts.entries()) {
    row(`${host} proof`, proof)
    if (proof.outcome !== 'ok') print(`          set: ${record} TXT "${token}"`)
    row(`${host} name`, dns)
    row(`${host} certificate`, certificate)
    row(`${host} crawler`, crawler)
    row(`${host} reader`, reader)
    const { crawler: one, reader: other } = outside[at] ?? {}
    print(`          from this machine: crawler ${one ?? 'no answer'}, reader ${other ?? 'no answer'}`)
  }
}
