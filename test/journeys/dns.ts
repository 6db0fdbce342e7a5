/** A resolver on this machine for tests that write its zone. */
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { answerOf, type Zone } from '../sites/dns.ts'

/** Starts it, in the wire format of those on the internet. `zone` has one host with an address. */
export async function startDns() {
  const zone: Zone = { 'harbourpost.example': { A: ['198.51.100.7'] } }
  const server = createServer(async ({ url = '' }, response) => {
    const answer = answerOf(zone, `http://127.0.0.1${url}`)
    response.writeHead(answer.status, { 'content-type': 'application/dns-json' })
    response.end(await answer.text())
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  return { zone, url: `http://127.0.0.1:${port}/dns-query`, stop: () => server.close() }
}
