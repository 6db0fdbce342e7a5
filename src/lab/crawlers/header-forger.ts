/** Forges payments and spells paths in other ways [B, C, D]. Nothing of it may open a page, and each refusal must have a reason. */
import { LAB_AGENT } from './clients.ts'
import type { Behaviour, Kit, SignedRequest } from './crawler.ts'
import { commitmentForgeries } from './forgeries/credit.ts'
import type { Forgery } from './forgeries/forgery.ts'
import { headerForgeries, termForgeries } from './forgeries/headers.ts'
import { transferForgeries, voucherForgeries } from './forgeries/wallet.ts'

/** Each forgery is of a payment that would be good. The payment itself is sent last, and must open its page. */
export const headerForger: Behaviour = async (kit) => {
  await kit.buy('/first')
  const signed = await kit.sign('/forged')
  for (const { request } of await forgeries(kit, signed)) await sent(kit, request)
  for (const path of spellings('/forged')) await kit.send(path, { headers: { 'user-agent': LAB_AGENT } })
  for (const method of ['HEAD', 'OPTIONS', 'PROPFIND']) {
    await kit.send('/forged', { method, headers: { 'user-agent': LAB_AGENT } })
  }
  await sent(kit, { ...signed, method: 'HEAD' })
  await sent(kit, signed)
}

/** Every forgery of one good payment, by its way to pay. */
export async function forgeries(kit: Kit, signed: SignedRequest): Promise<Forgery[]> {
  const ofScheme = {
    channel: () => voucherForgeries(kit, signed),
    exact: () => transferForgeries(kit, signed),
    credit: () => commitmentForgeries(kit, signed),
  }
  const all = [...headerForgeries(signed), ...termForgeries(signed)]
  // On credit the header is signed, so that a change breaks the signature: signed again, it is what it says.
  const some = kit.pays === 'credit' ? await signedAgain(kit, all) : all
  return [...some, ...(await ofScheme[kit.pays]())]
}

function signedAgain({ signAs }: Kit, all: Forgery[]): Promise<Forgery[]> {
  return Promise.all(all.map(async ({ name, request }) => ({ name, request: await signAs(request) })))
}

/** Paths that some servers take for the same page. */
function spellings(path: string): string[] {
  const name = path.slice(1)
  return [
    `//${name}`,
    `/%2f${name}`,
    `/${name}/`,
    `/${name};x=1`,
    `/${name}%00`,
    `/${name}%2e`,
    `/%2e%2e/${name}`,
    `/x/..%2f${name}`,
    `/x\\..\\${name}`,
    `/${name.toUpperCase()}`,
    `/${name}?`,
    `/${name}%zz`,
  ]
}

function sent({ send }: Kit, { url, method, headers }: SignedRequest) {
  return send(url, { method, headers })
}
