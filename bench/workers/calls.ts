/** Bindings whose namespaces tell of every call to an object. */
import type { Bindings } from '../../src/app/bindings.ts'

type Namespace = 'ACCOUNT' | 'LINES' | 'AGENTS' | 'DIRECTORIES' | 'NUMBERS'
type Methods = Record<string, (...values: unknown[]) => unknown>

/** These bindings; every stub of the named namespaces tells which method is called on it. */
export function countCalls(
  env: Bindings,
  namespaces: readonly Namespace[],
  tell: (method: string) => void,
): Bindings {
  const counting = namespaces.map((name) => [name, counted(env[name] as unknown as Methods, tell)])
  return { ...env, ...Object.fromEntries(counting) }
}

function counted(namespace: Methods, tell: (method: string) => void): Methods {
  const stubOf = (stub: unknown) =>
    new Proxy(stub as Methods, {
      get:
        (target, name) =>
        (...values: unknown[]) => {
          tell(String(name))
          return target[String(name)]?.(...values)
        },
    })
  return new Proxy(namespace, {
    get:
      (target, name) =>
      (...values: unknown[]) =>
        stubOf(target[String(name)]?.(...values)),
  })
}
