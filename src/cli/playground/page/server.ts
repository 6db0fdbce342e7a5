/** The calls to the playground's server. Addresses are relative: the path of the page holds a random token. */
import type {
  Facts,
  Money,
  MoneyQuestion,
  Night,
  Result,
  SiteAnswer,
  SiteRequest,
  Trouble,
} from '../calls.ts'

/** Asks for what the page must know. */
export const askFacts = () => call<Facts>('GET', 'facts')
/** Asks for a dollar. */
export const askFaucet = (address: string) => call<{ amount: string }>('POST', 'faucet', { address })
/** Asks the operator for a credit line. */
export const askCredit = (key: JsonWebKey) => call<{ id: string; host: string }>('POST', 'credit', { key })
/** Asks for balances and totals. */
export const askMoney = (question: MoneyQuestion) => call<Money>('POST', 'money', question)
/** Pays an invoice by a bank transfer that the operator records. */
export const payInvoice = (id: string) => call<Money['invoice']>('POST', 'invoice', { id })
/** Makes it midnight. */
export const askMidnight = () => call<Night>('POST', 'midnight', {})
/** Runs a crawler that misbehaves. */
export const askCrawler = (is: string, path: string) => call<Result>('POST', 'crawler', { is, path })
/** Sends a request to the paywall. `path` begins with a slash. */
export const sendToSite = (path: string, request: SiteRequest) =>
  call<SiteAnswer>('POST', `site${path}`, request)

/** @throws with the server's own words */
async function call<Value>(method: 'GET' | 'POST', path: string, body?: object): Promise<Value> {
  const headers = { 'content-type': 'application/json' }
  const sent = body === undefined ? {} : { headers, body: JSON.stringify(body) }
  const response = await fetch(path, { method, ...sent })
  const answer = (await response.json()) as Value & Partial<Trouble>
  if (!response.ok) throw new Error(answer.error ?? `The server answered ${response.status}.`)
  return answer
}
