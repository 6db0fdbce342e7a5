/** `tab402 replay`: says from an access log what a policy would have asked, allowed and blocked. */
import { createReadStream } from 'node:fs'
import { stat } from 'node:fs/promises'
import type { LogFormat } from '../logs/format.ts'
import { FORMATS } from '../logs/formats.ts'
import { UnreadableLog } from '../logs/lines.ts'
import { mapped } from '../logs/map.ts'
import { readLog } from '../logs/read.ts'
import { Trial } from '../logs/trial.ts'
import { CommandError, parse, print, printJson, talk, UsageError } from './command.ts'
import { fetchLists, shippedLists } from './lists.ts'
import { policyOf } from './policy.ts'
import { reportCsv, reportTable } from './replay-report.ts'
import { readSettings } from './settings.ts'

/** The help text of the command. */
export const usage = `Examples:
  tab402 replay access.log                             a table, by the policy of ./wrangler.toml
  tab402 replay /var/log/nginx/access.log* --csv > report.csv
  zstd -dc requests.zst | tab402 replay - --policy site/wrangler.toml --json
  tab402 replay fastly.log --map 'time=timestamp path=url status=resp.status ua=req.ua ip=client'

Usage: tab402 replay LOG… [OPTIONS]

Decides each page of an access log as the Worker would, and adds up what it would have asked.
Nothing of the log is sent anywhere. Addresses are used, and never stored or printed.

Options:
  --policy FILE      the policy to try (wrangler.toml)
  --env NAME         the section [env.NAME] of that file
  --format NAME      the format of the logs, which the first lines show otherwise (list below)
  --map PLACES       any other format. NAME=PLACE pairs: time method host path query status bytes ip ua category.
                     A place is a member of JSON (request.uri) or the number of a column (4)
  --delimiter CHAR   what stands between columns (a tab)
  --lists            fetch the addresses that operators publish, to find names that others use
  --host NAME        count requests for this host only
  --json, --csv      print the whole report, with amounts as text, or its rows

LOG may be gzip, and - is the standard input. Only GET with status 200, 203 or 206 counts: all else is free.

Formats:
${FORMATS.map(({ name, about }) => `  ${name.padEnd(19)}${about}`).join('\n')}

Exit codes: 0 success, 1 a log that is cut off or cannot be read, 2 wrong usage.`

/** Runs the command; see {@link usage}. Returns the exit code. */
export async function run(args: string[]): Promise<number> {
  const { values, positionals: logs } = parse(args, {
    policy: { type: 'string', default: 'wrangler.toml' },
    env: { type: 'string' },
    format: { type: 'string' },
    map: { type: 'string' },
    delimiter: { type: 'string' },
    lists: { type: 'boolean' },
    host: { type: 'string' },
    json: { type: 'boolean' },
    csv: { type: 'boolean' },
  })
  if (logs.length === 0) throw new UsageError('LOG must be a file, or - for the standard input.')
  if (values.json && values.csv) throw new UsageError('--json and --csv must not be combined.')
  const format = formatOf(values)
  const policy = policyOf(await readSettings(values.policy, values.env, '--policy'), values.policy)
  const published = values.lists ? await fetchLists() : shippedLists()
  const trial = new Trial(policy, { host: values.host?.toLowerCase(), published })
  const cut = await readAll(logs, format, trial)
  const report = trial.report()
  if (values.json) printJson({ ...report, cut })
  else if (values.csv) process.stdout.write(reportCsv(report))
  else print(reportTable(report))
  for (const log of cut)
    talk(`warning: ${log} must be complete gzip. Only what stands before the fault was read.`)
  return cut.length === 0 ? 0 : 1
}

type FormatOptions = {
  format?: string | undefined
  map?: string | undefined
  delimiter?: string | undefined
}

function formatOf({ format, map, delimiter = '\t' }: FormatOptions): LogFormat | undefined {
  if (map !== undefined) {
    if (format !== undefined) throw new UsageError('--format and --map must not be combined.')
    const read = mapped(map, delimiter === '\\t' ? '\t' : delimiter)
    if (!read.ok) throw new UsageError(`--map ${read.message}.`)
    return read.format
  }
  const known = FORMATS.find(({ name }) => name === format)
  if (format !== undefined && !known)
    throw new UsageError(`--format must be one of ${FORMATS.map(({ name }) => name).join(', ')}.`)
  return known
}

/** Reads the logs in turn. Returns those whose gzip stream is cut off. */
async function readAll(logs: string[], format: LogFormat | undefined, trial: Trial): Promise<string[]> {
  const cut: string[] = []
  const progress = await progressOver(logs)
  try {
    for (const log of logs) if (await readOne(log)) cut.push(log)
  } finally {
    progress.end()
  }
  return cut

  async function readOne(log: string): Promise<boolean> {
    const bytes = log === '-' ? process.stdin : createReadStream(log, { highWaterMark: 1 << 18 })
    try {
      return (await readLog(progress.watch(bytes), format, (entry) => trial.add(entry))).isCut
    } catch (cause) {
      if (cause instanceof UnreadableLog) throw new CommandError(`${log} ${cause.message}`)
      if (cause instanceof Error && 'code' in cause && /^E(?:NOENT|ISDIR|ACCES)$/.test(String(cause.code)))
        throw new UsageError(`${log} must be a file that can be read.`)
      throw cause
    }
  }
}

const BAR_WIDTH = 30
const REDRAW_MS = 100

/** A bar on a terminal, which shows the share of all bytes that was read; nothing elsewhere. */
async function progressOver(logs: readonly string[]) {
  const sizes = await Promise.all(
    logs.map((log) =>
      stat(log).then(
        ({ size }) => size,
        () => 0,
      ),
    ),
  )
  const total = sizes.reduce((sum, size) => sum + size, 0)
  const isShown = process.stderr.isTTY === true && total > 0
  let read = 0
  let drawn = 0
  function draw(): void {
    const share = Math.min(1, read / total)
    const bar = '█'.repeat(Math.round(share * BAR_WIDTH)).padEnd(BAR_WIDTH, '░')
    process.stderr.write(`\r${bar} ${Math.floor(share * 100)} %`)
  }
  return {
    async *watch(bytes: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
      for await (const part of bytes) {
        read += part.length
        if (isShown && Date.now() - drawn > REDRAW_MS) {
          drawn = Date.now()
          draw()
        }
        yield part
      }
    },
    end() {
      if (isShown) process.stderr.write(`\r${' '.repeat(BAR_WIDTH + 8)}\r`)
    },
  }
}
