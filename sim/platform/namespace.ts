/** Namespaces of Durable Objects, and the stubs that calls go through. */
import { world } from '../world.ts'
import { connectionLost, Host, type ObjectClass, overloaded, resetError } from './host.ts'
import { outward } from './owner.ts'

/** The longest way of a call to its object, and of its answer. */
const WAY_MS = 6

/** The objects of one class. */
export class Namespace {
  readonly hosts = new Map<string, Host>()
  readonly #kind: string
  readonly #classOf: (host: string) => ObjectClass
  readonly #env: () => object
  /** Called for each new object. */
  onHost: (host: Host, name: string) => void = () => {}

  /** `classOf`: the class of an object that starts now, by the name of its host. */
  constructor(kind: string, classOf: (host: string) => ObjectClass, env: () => object) {
    this.#kind = kind
    this.#classOf = classOf
    this.#env = env
  }

  host(name: string): Host {
    let host = this.hosts.get(name)
    if (!host) {
      host = new Host(this.#kind, name, (ctx, host) => new (this.#classOf(host))(ctx, this.#env() as never))
      this.hosts.set(name, host)
      this.onHost(host, name)
    }
    return host
  }

  /** A stub. Its calls arrive in order. Once its object was reset under it, it fails for ever. */
  getByName(name: string): object {
    let arrivesAt = 0
    let bound: { crashes: number } | null = null
    const call = (method: string, args: unknown[]) => {
      const sent = structuredClone(args)
      return outward(
        () =>
          new Promise((resolve, reject) => {
            const here = world()
            const host = this.host(name)
            if (bound && bound.crashes !== host.crashes) {
              reject(resetError('The stub is broken: its object was reset.'))
              return
            }
            // Two calls of one moment would arrive in any order.
            arrivesAt = Math.max(arrivesAt + 1e-3, here.now + here.latency(`call ${host.name}`, WAY_MS))
            here.after(arrivesAt - here.now, `call ${host.name} ${method}`, () => {
              bound ??= { crashes: host.crashes }
              deliver(host, method, sent, resolve, reject)
            })
          }),
      )
    }
    return new Proxy(
      {},
      {
        get: (_, method) =>
          method === 'then' || typeof method !== 'string'
            ? undefined
            : (...args: unknown[]) => call(method, args),
      },
    )
  }

  idFromName(name: string): string {
    return name
  }

  get(name: string): object {
    return this.getByName(name)
  }

  close(): void {
    for (const { disk } of this.hosts.values()) disk.close()
  }
}

function deliver(
  host: Host,
  method: string,
  args: unknown[],
  resolve: (value: unknown) => void,
  reject: (fault: Error) => void,
): void {
  const here = world()
  const { choices } = here
  const where = `${host.name} ${method}`
  const isLost = choices.strikes('call lost', where, 0.008)
  if (isLost || choices.strikes('overloaded', where, 0.003)) {
    reject(isLost ? connectionLost() : overloaded())
    return
  }
  const back = (what: string, settle: () => void) =>
    here.after(here.latency(`answer ${host.name}`, WAY_MS), `${what} ${where}`, settle)
  void host.deliver(method, args, {
    resolve: (value) => {
      const answer = structuredClone(value)
      if (choices.strikes('reply lost', where, 0.01))
        return back('lost reply', () => reject(connectionLost()))
      back('reply', () => resolve(answer))
    },
    reject: (fault) => back('fault', () => reject(fault)),
  })
}
