/** The path and the User-Agent of every request. */

export const PATH = '/articles/1'
export const CRAWLER = { 'user-agent': 'GPTBot/1.2' }

/** A response as JSON, for the floors to repeat. */
export async function answerOf(response: Response): Promise<string> {
  const { 'content-length': _, date: __, connection: ___, ...headers } = Object.fromEntries(response.headers)
  return JSON.stringify({ status: response.status, headers, body: await response.text() })
}
