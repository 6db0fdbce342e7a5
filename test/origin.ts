/** The origin behind the Worker under test: it echoes the request, or fails as the path demands. */
import { Response } from 'miniflare'

type Asked = { url: string; method: string; headers: Headers; text: () => Promise<string> }

/**
 * `/status/404` returns 404, `/slow/500` waits 500 ms, `/fault` throws. `/says/price=0.05` sets `tab402-price` to 0.05. All
 * else echoes the request as cacheable JSON.
 */
export async function origin(request: Asked): Promise<Response> {
  const { pathname } = new URL(request.url)
  const [, first, second] = pathname.split('/')
  if (first === 'fault') throw new Error('the origin is down')
  if (first === 'slow') await new Promise((over) => setTimeout(over, Number(second)))
  const status = first === 'status' ? Number(second) : 200
  const [word = '', said = ''] = first === 'says' ? decodeURIComponent(second ?? '').split('=') : []
  const headers = {
    ...(word && { [`tab402-${word}`]: said }),
    'cache-control': 'public, max-age=3600',
    'set-cookie': 'a=b',
    vary: 'accept',
    ...(status >= 300 && status < 400 && { location: 'https://elsewhere.example/' }),
  }
  if (status === 204 || status === 304) return new Response(null, { status, headers })
  const asked = {
    url: request.url,
    method: request.method,
    headers: Object.fromEntries(request.headers.entries()),
    body: await request.text(),
  }
  return Response.json(asked, { status, headers })
}
