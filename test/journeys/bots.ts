/** Crawlers without a wallet, whose requests are signed by upstream npm packages. */
import { createSignature } from 'http-message-sig'
import { signatureHeaders } from 'web-bot-auth'
import { signerFromJWK } from 'web-bot-auth/crypto'
import { iouOf, jwkThumbprint } from './verifier.ts'

/** How long a signature is valid. */
const VALID_SECONDS = 60

/** The components that bind a signature to one page. */
const TARGET = ['@authority', '@method', '@target-uri']

/** A signed request, which can be sent many times and to any URL. */
export type Signed = {
  url: string
  headers: Record<string, string>
  /** The id of the commitment in receipts and statements. */
  iou: string
}

export type Bot = {
  /** Its `Signature-Agent`. */
  url: string
  publicKey: JsonWebKey
  /** Signs a GET, including its `PAYMENT-SIGNATURE`, if given, and further fields. */
  sign(url: string, payment?: string, fields?: Record<string, string>): Promise<Signed>
}

type Components = NonNullable<Parameters<typeof signatureHeaders>[2]['components']>

/** Signs with `web-bot-auth` and Ed25519, over the target, as the 402 asks. */
export async function webBot(host: string): Promise<Bot> {
  const { privateKey, publicKey } = await newKey('Ed25519')
  const signer = await signerFromJWK((await crypto.subtle.exportKey('jwk', privateKey)) as JsonWebKey)
  const url = `https://${host}`
  return {
    url,
    publicKey,
    async sign(target, payment, fields) {
      const headers = { ...headersOf(url, payment), ...fields }
      const covered = [...TARGET, ...fieldsOf(headers)]
      const created = new Date()
      const made = await signatureHeaders(new Request(target, { headers }), signer, {
        created,
        expires: new Date(created.getTime() + VALID_SECONDS * 1000),
        components: covered as Components,
      })
      return signed(target, headers, {
        keyid: signer.keyid,
        signature: made.Signature,
        input: made['Signature-Input'],
      })
    },
  }
}

/** Signs with `http-message-sig` and ECDSA. For a page it covers only what the network demands, so one IOU is valid for any one page. */
export async function plainBot(host: string): Promise<Bot> {
  const { privateKey, publicKey } = await newKey({ name: 'ECDSA', namedCurve: 'P-256' })
  const signer = {
    algorithm: 'ecdsa-p256-sha256',
    sign: async (base: Uint8Array) =>
      new Uint8Array(
        await crypto.subtle.sign({ name: 'ECDSA', hash: 'SHA-256' }, privateKey, Buffer.from(base)),
      ),
  }
  const keyid = await jwkThumbprint(publicKey)
  const url = `https://${host}`
  return {
    url,
    publicKey,
    async sign(target, payment, fields) {
      const headers = { ...headersOf(url, payment), ...fields }
      const created = Math.floor(Date.now() / 1000)
      const made = await createSignature(new Request(target, { headers }), {
        signer,
        label: 'sig1',
        components: [...(payment === undefined ? TARGET : ['@authority']), ...fieldsOf(headers)],
        parameters: {
          created,
          expires: created + VALID_SECONDS,
          keyid,
          alg: signer.algorithm,
          tag: 'web-bot-auth',
        },
      })
      return signed(target, headers, { keyid, signature: made.signature, input: made.signatureInput })
    },
  }
}

async function newKey(algorithm: string | { name: string; namedCurve: string }) {
  const pair = (await crypto.subtle.generateKey(algorithm, true, ['sign', 'verify'])) as CryptoKeyPair
  const { kty, crv, x, y } = (await crypto.subtle.exportKey('jwk', pair.publicKey)) as JsonWebKey
  const publicKey = JSON.parse(JSON.stringify({ kty, crv, x, y })) as JsonWebKey
  return { privateKey: pair.privateKey, publicKey }
}

function headersOf(agent: string, payment: string | undefined): Record<string, string> {
  const named = { 'user-agent': 'LedgerBot/1.0', 'signature-agent': `"${agent}"` }
  return payment === undefined ? named : { ...named, 'payment-signature': payment }
}

function fieldsOf(headers: Record<string, string>): string[] {
  return Object.keys(headers).filter((name) => name !== 'user-agent')
}

function signed(
  url: string,
  headers: Record<string, string>,
  { keyid, signature, input }: Record<'keyid' | 'signature' | 'input', string>,
): Signed {
  const [, bytes = ''] = /:(.*):/.exec(signature) ?? []
  const iou = iouOf(keyid, Buffer.from(bytes, 'base64'))
  return { url, headers: { ...headers, signature, 'signature-input': input }, iou }
}
