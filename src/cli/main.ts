/** The `tab402` command line: finds the command, loads its file and turns its errors into exit codes. */
import { bold, type Command, CommandError, manifest, print, talk, UsageError } from './command.ts'

const COMMANDS: Readonly<Record<string, () => Promise<Command>>> = {
  init: () => import('./init.ts'),
  start: () => import('./start.ts'),
  demo: () => import('./demo.ts'),
  pay: () => import('./pay.ts'),
  'check-config': () => import('./check-config.ts'),
  doctor: () => import('./doctor.ts'),
  explain: () => import('./explain.ts'),
  replay: () => import('./replay.ts'),
  'import-robots': () => import('./import-robots.ts'),
  'rebuild-book': () => import('./rebuild-book.ts'),
  sites: () => import('./sites.ts'),
  swarm: () => import('./swarm.ts'),
  sign: () => import('./sign.ts'),
}

const USAGE = `Examples:
  tab402 demo                              show a day on chain and a month on credit, then exit
  tab402 init                              deploy it in front of your site
  tab402 start                             run a chain, a site and the Worker until Ctrl-C
  tab402 pay exact http://127.0.0.1:8402/  pay for a page as a crawler
  tab402 check-config                      check wrangler.toml and .dev.vars
  tab402 replay access.log                 say what the policy would have asked of yesterday's crawlers

Usage: tab402 COMMAND [OPTIONS]

Commands:
  init                            deploy it in front of your site, step by step
  start                           run the whole stack on this machine
  demo                            show what tab402 does, in about 15 seconds
  pay exact|channel|credit URL    buy a page
  doctor                          check a deployment, and say what mends it
  check-config                    validate the Worker's settings
  explain URL --as NAME           say what a request is answered, and why
  replay LOG…                     try the policy on an access log
  import-robots FILE|URL          draft rules from a robots.txt
  sites COMMAND                   list, add, check, publish and import the sites of a deployment
  swarm [URL]                     load a stack with crawlers, some of which misbehave
  sign URL                        sign requests ahead, for load tools that cannot pay
  rebuild-book                    write the database again from the Durable Objects

Options:
  -h, --help     show this help, or that of a command
  --version      print the version

Data goes to stdout, everything else to stderr. NO_COLOR turns bold text off.
Exit codes: 0 success, 1 a problem or failure, 2 wrong usage.`

/** Runs the command line. Returns the exit code. */
export async function main(args: string[]): Promise<number> {
  const [name = '', ...rest] = args
  if (name === '--version') {
    print(manifest().version)
    return 0
  }
  if (name === '-h' || name === '--help' || name === 'help') {
    print(USAGE)
    return 0
  }
  const load = Object.hasOwn(COMMANDS, name) ? COMMANDS[name] : undefined
  if (!load) {
    talk(name === '' ? USAGE : `tab402: the command must be one of ${Object.keys(COMMANDS).join(', ')}.`)
    return 2
  }
  const command = await load()
  if (rest.includes('-h') || rest.includes('--help')) {
    print(command.usage)
    return 0
  }
  try {
    return await command.run(rest)
  } catch (cause) {
    return report(name, cause)
  }
}

function report(name: string, cause: unknown): number {
  if (cause instanceof UsageError) {
    talk(`${bold(`tab402 ${name}:`)} ${cause.message}`)
    talk(`See: tab402 ${name} --help`)
    return 2
  }
  if (cause instanceof CommandError) talk(`${bold(`tab402 ${name}:`)} ${cause.message}`)
  else console.error(cause)
  return 1
}

// The reader of a pipe may stop early, as head does: it has all that it needs.
process.stdout.on('error', (fault: NodeJS.ErrnoException) => {
  if (fault.code !== 'EPIPE') throw fault
  process.exit()
})
process.exitCode = await main(process.argv.slice(2))
