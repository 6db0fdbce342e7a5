import { mkdtemp, readFile, rename, rm, stat, symlink, writeFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import { findStack, noteStack } from '../../src/cli/known-stacks.ts'
import type { StackFacts } from '../../src/testing/stack/stack.ts'

const node = createServer((_, answer) => answer.end('{}'))
const earlier = process.env.XDG_RUNTIME_DIR
let folder: string
let facts: StackFacts

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'tab402-known-'))
  process.env.XDG_RUNTIME_DIR = folder
  await new Promise<void>((listening) => node.listen(0, '127.0.0.1', listening))
  const rpc = `http://127.0.0.1:${(node.address() as AddressInfo).port}`
  facts = { url: 'http://127.0.0.1:8402', rpc } as StackFacts
})

afterEach(async () => {
  await new Promise((closed) => node.close(closed))
  await rm(folder, { recursive: true })
  if (earlier === undefined) delete process.env.XDG_RUNTIME_DIR
  else process.env.XDG_RUNTIME_DIR = earlier
})

it('a stack is found by any URL of its port on this machine, and no longer once it is removed', async () => {
  const forget = await noteStack(facts)
  expect(await findStack('http://tally.localhost:8402/page?a=1')).toEqual(facts)
  expect(await findStack('http://127.0.0.1:8403/page')).toBeNull()
  expect(await findStack('http://example.com:8402/page')).toBeNull()
  await forget()
  expect(await findStack('http://127.0.0.1:8402/page')).toBeNull()
})

it('a stack that was killed is not found', async () => {
  await noteStack({ ...facts, rpc: 'http://127.0.0.1:1' })
  expect(await findStack('http://127.0.0.1:8402/page')).toBeNull()
})

it('only its user can read the keys of a stack', async () => {
  await noteStack(facts)
  const own = join(folder, `tab402-${process.getuid?.()}`)
  expect((await stat(own)).mode & 0o777).toBe(0o700)
  expect((await stat(join(own, '8402.json'))).mode & 0o777).toBe(0o600)
})

it('a stack that was killed leaves its file to the next stack of its port', async () => {
  await noteStack({ ...facts, rpc: 'http://127.0.0.1:1' })
  await noteStack(facts)
  expect(await findStack('http://127.0.0.1:8402/page')).toEqual(facts)
})

it('a stack starts where its file cannot be written', async () => {
  await writeFile(join(folder, `tab402-${process.getuid?.()}`), '')
  const forget = await noteStack(facts)
  await forget()
  expect(await findStack('http://127.0.0.1:8402/page')).toBeNull()
})

it('an empty XDG_RUNTIME_DIR counts as absent', async () => {
  process.env.XDG_RUNTIME_DIR = ''
  const port = (node.address() as AddressInfo).port
  const own = { ...facts, url: `http://127.0.0.1:${port}` }
  const forget = await noteStack(own)
  const file = join(tmpdir(), `tab402-${process.getuid?.()}`, `${port}.json`)
  expect(JSON.parse(await readFile(file, 'utf8'))).toEqual(own)
  await forget()
})

it('a file that is a link to another one is not read', async () => {
  await noteStack(facts)
  const file = join(folder, `tab402-${process.getuid?.()}`, '8402.json')
  await rename(file, `${file}.other`)
  await symlink(`${file}.other`, file)
  expect(await findStack('http://127.0.0.1:8402/page')).toBeNull()
})

it('a file of somebody else is not read', async () => {
  await noteStack(facts)
  const [own, other] = [Number(process.getuid?.()), Number(process.getuid?.()) + 1]
  await rename(join(folder, `tab402-${own}`), join(folder, `tab402-${other}`))
  const uid = vi.spyOn(process, 'getuid').mockReturnValue(other)
  expect(await findStack('http://127.0.0.1:8402/page')).toBeNull()
  uid.mockRestore()
})
