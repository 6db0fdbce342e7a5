/** Forged commitments: signatures over too little, of another site, changed after signing, or of two prices. */
import type { Kit, SignedRequest } from '../crawler.ts'
import { paymentOf, withHeaders, withPayment } from '../paper.ts'
import type { Forgery } from './forgery.ts'

/** Forgeries of a request that is signed on credit. */
export async function commitmentForgeries(kit: Kit, signed: SignedRequest): Promise<Forgery[]> {
  const { signAs } = kit
  const input = signed.headers['signature-input'] ?? ''
  const signature = signed.headers.signature ?? ''
  const payment = paymentOf(signed)
  const elsewhere = await signAs({ ...signed, url: 'http://other.example/forged' })
  const cheap = withPayment(signed, { ...payment, payload: { amount: '1', asset: 'USD' } })
  const changed = (headers: Record<string, string>) => withHeaders(signed, headers)
  const priced = (headers: Record<string, string>): SignedRequest => ({
    url: signed.url,
    method: 'GET',
    headers: { 'user-agent': signed.headers['user-agent'] ?? '', ...headers },
  })
  const target = ['@authority', '@method', '@target-uri', 'signature-agent']
  const requests: Record<string, SignedRequest> = {
    'price-not-covered': await signAs(signed, { components: target }),
    'other-site': withHeaders(signed, elsewhere.headers),
    'cheaper-after-signing': cheap,
    'cheaper-signed': await signAs(cheap),
    'no-signature': changed({ signature: '', 'signature-input': '' }),
    'flipped-byte': changed({ signature: flipped(signature) }),
    'other-tag': changed({ 'signature-input': input.replace('web-bot-auth', 'web-bot') }),
    'later-expiry': changed({
      'signature-input': input.replace(/expires=(\d+)/, (_, at) => `expires=${at}0`),
    }),
    'other-key': changed({ 'signature-input': input.replace(/keyid="./, 'keyid="A') }),
    'other-agent': changed({ 'signature-agent': '"https://somebody.example"' }),
    hmac: changed({ 'signature-input': `${input};alg="hmac-sha256"` }),
    'not-a-dictionary': changed({ 'signature-input': '(((' }),
    'price-unsigned': priced({ 'crawler-exact-price': 'USD 0.001' }),
    'price-twice': priced({ 'crawler-exact-price': 'USD 0.001', 'crawler-max-price': 'USD 1' }),
    'price-malformed': priced({ 'crawler-exact-price': 'USD x' }),
    'price-too-low': await signAs(priced({ 'crawler-max-price': 'USD 0.0000001' }), {
      components: [...target, 'crawler-max-price'],
    }),
    'both-ways': changed({ 'crawler-exact-price': 'USD 0.000001' }),
  }
  return Object.entries(requests).map(([name, request]) => ({ name, request }))
}

function flipped(signature: string): string {
  return signature.replace(/:(.)/, (_, first: string) => `:${first === 'A' ? 'B' : 'A'}`)
}
