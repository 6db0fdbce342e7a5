import { mkdtemp, rm, stat } from 'node:fs/promises'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, it } from 'vitest'
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
