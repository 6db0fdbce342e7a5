/** viem's client of JSON-RPC over HTTP, as far as a run depends on it: the same timer and errors, without streams and signals. */
import { HttpRequestError, TimeoutError } from 'viem'

type Body = { method: string; params?: unknown }

let requests = 0

/** As viem's. */
export function getHttpRpcClient(url: string, { timeout }: { timeout: number }) {
  const read = async (body: Body): Promise<unknown> => {
    try {
      const asked = JSON.stringify({ jsonrpc: '2.0', id: ++requests, ...body })
      const response = await fetch(url, { method: 'POST', body: asked })
      if (response.ok) return JSON.parse(await response.text())
    } catch (cause) {
      throw new HttpRequestError({ body, cause: cause as Error, url })
    }
    throw new HttpRequestError({ body, details: 'not OK', url })
  }
  const request = ({ body }: { body: Body }) =>
    new Promise<unknown>((resolve, reject) => {
      const timer = setTimeout(() => reject(new TimeoutError({ body, url })), timeout)
      read(body)
        .finally(() => clearTimeout(timer))
        .then(resolve, reject)
    })
  return { request }
}
