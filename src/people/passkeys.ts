/** Passkeys in SQL, and the challenges that they answer. */
import { decodeBase64url, encodeBase64url } from '../protocol/encoding/base64url.ts'
import type { PasskeyRecord } from './assertion.ts'
import type { PasskeyView } from './console-call.ts'
import { newSecret } from './secret.ts'

/** A challenge is answered within so long. Milliseconds. */
export const CHALLENGE_MS = 5 * 60_000
const [NONCE_BYTES, TIME_BYTES] = [16, 6]

/** The most passkeys of a member. Beyond it a new one is refused. */
export const MAX_PASSKEYS = 10

/** A passkey and its member. `id`: of the credential, as base64url. `name`: of the device, as its member calls it. */
export type Passkey = PasskeyRecord & { id: string; member: string; name: string }

/** Passkeys by the id of their credential. Writes are in a transaction of the caller. */
export class Passkeys {
  readonly #sql: SqlStorage

  constructor(sql: SqlStorage) {
    this.#sql = sql
  }

  /** Stores a passkey. Returns false where one of this id is known. */
  add({ id, member, name, key, counter, origin }: Passkey, now: number): boolean {
    const added = this.#sql.exec(
      'INSERT OR IGNORE INTO passkey (id, member, name, key, counter, origin, made_at) VALUES (?, ?, ?, ?, ?, ?, ?)',
      ...[id, member, name, JSON.stringify(key), counter, origin, now],
    )
    return added.rowsWritten > 0
  }

  /** The passkeys of a member, the oldest first. Times in Unix milliseconds. */
  list(member: string): PasskeyView[] {
    const rows = this.#sql.exec(
      'SELECT id, name, made_at, used_at FROM passkey WHERE member = ? ORDER BY made_at, id',
      member,
    )
    return [...rows].map(({ id, name, made_at, used_at }) => ({
      id: String(id),
      name: String(name),
      madeAt: Number(made_at),
      usedAt: used_at === null ? null : Number(used_at),
    }))
  }

  /** Removes one passkey. */
  remove(id: string): void {
    this.#sql.exec('DELETE FROM passkey WHERE id = ?', id)
  }

  find(id: string): Passkey | null {
    const [row] = this.#sql.exec('SELECT * FROM passkey WHERE id = ?', id)
    if (!row) return null
    return {
      id,
      member: String(row.member),
      name: String(row.name),
      key: JSON.parse(String(row.key)) as JsonWebKey,
      counter: Number(row.counter),
      origin: String(row.origin),
    }
  }

  /** Stores the use of a passkey and of a challenge; false where the challenge was answered, or the counter used, before. */
  use({ id, counter: last }: Passkey, counter: number, challenge: string, now: number): boolean {
    const { counter: current } = this.find(id) ?? {}
    if (current !== last || !this.spend(challenge, now)) return false
    this.#sql.exec('UPDATE passkey SET counter = ?, used_at = ? WHERE id = ?', counter, now, id)
    return true
  }

  /** Stores that a challenge was answered; false where it was before. */
  spend(challenge: string, now: number): boolean {
    this.#sql.exec('DELETE FROM spent_challenge WHERE ends_at <= ?', now)
    const spent = this.#sql.exec(
      'INSERT OR IGNORE INTO spent_challenge (challenge, ends_at) VALUES (?, ?)',
      challenge,
      now + CHALLENGE_MS,
    )
    return spent.rowsWritten > 0
  }

  /** Removes all passkeys of a member. */
  drop(member: string): void {
    this.#sql.exec('DELETE FROM passkey WHERE member = ?', member)
  }

  /**
   * A challenge for one purpose: a nonce, the time, and a code over both and the purpose. Threat: strangers can ask for any number of
   * challenges, so none is stored until it is answered.
   */
  async challenge(purpose: string, now: number): Promise<string> {
    const head = new Uint8Array(NONCE_BYTES + TIME_BYTES)
    crypto.getRandomValues(head.subarray(0, NONCE_BYTES))
    const view = new DataView(head.buffer)
    view.setUint16(NONCE_BYTES, Math.floor(now / 2 ** 32))
    view.setUint32(NONCE_BYTES + 2, now >>> 0)
    return encodeBase64url(new Uint8Array([...head, ...(await this.#code(purpose, head))]))
  }

  /** Whether a text is a challenge of ours for this purpose that has not ended. */
  async isChallenge(text: string, purpose: string, now: number): Promise<boolean> {
    const bytes = decodeBase64url(text)
    if (bytes?.length !== NONCE_BYTES + TIME_BYTES + CODE_BYTES) return false
    const head = bytes.slice(0, NONCE_BYTES + TIME_BYTES)
    const view = new DataView(head.buffer)
    const madeAt = view.getUint16(NONCE_BYTES) * 2 ** 32 + view.getUint32(NONCE_BYTES + 2)
    const code = await this.#code(purpose, head)
    const isOurs = crypto.subtle.timingSafeEqual(code, bytes.slice(head.length))
    return isOurs && madeAt <= now && now - madeAt < CHALLENGE_MS
  }

  async #code(purpose: string, head: Uint8Array): Promise<Uint8Array<ArrayBuffer>> {
    this.#sql.exec('INSERT OR IGNORE INTO challenge_key VALUES (1, ?)', newSecret())
    const [row] = this.#sql.exec('SELECT secret FROM challenge_key')
    const secret = new TextEncoder().encode(String(row?.secret))
    const algorithm = { name: 'HMAC', hash: 'SHA-256' }
    const key = await crypto.subtle.importKey('raw', secret, algorithm, false, ['sign'])
    const text = new Uint8Array([...head, ...new TextEncoder().encode(purpose)])
    return new Uint8Array(await crypto.subtle.sign(algorithm, key, text))
  }
}

const CODE_BYTES = 32

/** Whether a text can name a device: one line that can be printed, of at most 60 characters. */
export function isDeviceName(text: string): boolean {
  return /^[^\p{C}\p{Zl}\p{Zp}]{1,60}$/u.test(text)
}

/** A first name for a device, from the User-Agent of its browser. */
export function deviceIn(client: string): string {
  const [system] = /iPhone|iPad|Android|Mac OS|Windows|CrOS|Linux/.exec(client) ?? []
  return system ?? 'First passkey'
}
