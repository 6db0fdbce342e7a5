/** Bindings whose namespaces report every call to an object. */
import type { Bindings } from '../../src/app/bindings.ts'

type Namespace = 'ACCOUNT' | 'LINES' | 'AGENTS' | 'DIRECTORIES' | 'NUMBERS'
type Methods = Record<string, (...values: unknown[]) => unknown>

/** Returns the bindings with stubs that report each called method to `report`. */
export function countCalls(
  env: Bindings,
  namespaces: readonly Namespace[],
  report: (method: string) => void,
): Bindings {
  const counting = namespaces.map((name) => [name, counted(env[name] as unknown as Methods, report)])
  return { ...env, ...Object.fromEntries(counting) }
}

function counted(namespace: Methods, report: (method: string) => void): Methods {
  const stubOf = (stub: unknown) =>
    new Proxy(stub as Methods, {
      get:
        (target, name) =>
        (...values: unknown[]) => {
          report(String(name))
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
