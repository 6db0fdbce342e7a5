/** The playground's server: one page on 127.0.0.1 on which a person is a crawler. It is part of `npm start` alone. */
import { randomBytes } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { createServer, type IncomingMessage } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { StackFacts } from '../../testing/stack/stack.ts'
import { admit, SECURITY_HEADERS, TOKEN_BYTES } from './guard.ts'
import type { Routes } from './routes.ts'
import { PAGE, pageScript } from './script.ts'

/** A running playground. `url` ends with a slash; its path is random at each start. */
export type Playground = { url: string; stop(): Promise<void> }

type Served = { status: number; type: string; body: string | Buffer }

/** A call of the page is below 40 kB. Beyond it the answer is 413. */
const MAX_BODY_BYTES = 100_000

/** At the same place below `src` and `dist`. */
const CONSOLE = fileURLToPath(new URL('../../../src/console/public', import.meta.url))

/** The files, by name. The look is the console's own. */
const FILES: Readonly<Record<string, () => Promise<Served>>> = {
  '': () => fileOf(join(PAGE, 'index.html'), 'text/html; charset=utf-8'),
  'console.css': () => fileOf(join(CONSOLE, 'console.css'), 'text/css'),
  'playground.css': () => fileOf(join(PAGE, 'playground.css'), 'text/css'),
  'tally.svg': () => fileOf(join(PAGE, 'tally.svg'), 'image/svg+xml'),
  'playground.js': async () => ({ status: 200, type: 'text/javascript', body: await pageScript() }),
}

/** Starts it for a running stack. `isOwnSite`: the origin is somebody's own. */
export async function startPlayground(stack: StackFacts, isOwnSite: boolean): Promise<Playground> {
  const token = randomBytes(TOKEN_BYTES).toString('base64url')
  let host = ''
  let routes: Promise<Routes> | undefined
  const loaded = () => {
    // Loaded when the page is opened: `npm start` does not wait for its packages.
    routes ??= import('./routes.ts').then(({ routesOf }) => routesOf(stack, isOwnSite))
    return routes
  }
  const server = createServer(async (request, response) => {
    const { status, type, body } = await serve(request, { host, token }, loaded).catch(failed)
    response.writeHead(status, { ...SECURITY_HEADERS, 'content-type': type }).end(body)
  })
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen(0, '127.0.0.1', resolve)
  })
  host = `127.0.0.1:${(server.address() as AddressInfo).port}`
  return {
    url: `http://${host}/${token}/`,
    stop: () =>
      new Promise((resolve) => {
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  }
}

async function serve(
  request: IncomingMessage,
  own: { host: string; token: string },
  loaded: () => Promise<Routes>,
): Promise<Served> {
  const { method = '', url = '', headers } = request
  const admission = admit({ method, url, headers }, own)
  if (!admission.ok) return json(admission.status, { error: 'The call must come from the page itself.' })
  const { path, search } = admission
  const file = method === 'GET' && Object.hasOwn(FILES, path) ? FILES[path] : undefined
  if (file) return file()
  const [name = '', ...rest] = path.split('/')
  const routes = await loaded()
  const key = `${method} ${name}`
  const route = Object.hasOwn(routes, key) ? routes[key] : undefined
  if (!route) return json(404, { error: 'The address must be one of the playground.' })
  const text = await bodyOf(request)
  if (text === null) return json(413, { error: 'The call must be below 100 kB.' })
  const { status, body } = await route({ rest: `/${rest.join('/')}${search}`, body: parsed(text) })
  return json(status, body)
}

async function fileOf(path: string, type: string): Promise<Served> {
  return { status: 200, type, body: await readFile(path) }
}

function json(status: number, body: object): Served {
  return { status, type: 'application/json', body: JSON.stringify(body) }
}

/** The message names a part of the stack; the page is the person's who started it. */
function failed(cause: unknown): Served {
  return json(502, { error: cause instanceof Error ? cause.message : String(cause) })
}

async function bodyOf(request: IncomingMessage): Promise<string | null> {
  let text = ''
  for await (const chunk of request.setEncoding('utf8')) {
    text += chunk
    if (text.length > MAX_BODY_BYTES) return null
  }
  return text
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch (cause) {
    if (cause instanceof SyntaxError) return undefined
    throw cause
  }
}
