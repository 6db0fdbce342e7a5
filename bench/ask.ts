/** How every case asks: for which page, and as whom. */

export const PATH = '/articles/1'
export const CRAWLER = { 'user-agent': 'GPTBot/1.2' }

/** An answer as the floors repeat it. */
export async function answerOf(response: Response): Promise<string> {
  const { 'content-length': _, date: __, connection: ___, ...headers } = Object.fromEntries(response.headers)
  return JSON.stringify({ status: response.status, headers, body: await response.text() })
}
