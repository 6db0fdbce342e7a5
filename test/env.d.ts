/// <reference types="@cloudflare/vitest-pool-workers/types" />
declare namespace Cloudflare {
  interface Env {
    ACCOUNT: DurableObjectNamespace<import('../src/objects.ts').Account>
    AUTHORIZATIONS: DurableObjectNamespace<import('../src/objects.ts').Authorizations>
    RELAYER: DurableObjectNamespace<import('../src/objects.ts').Relayer>
    LINES: DurableObjectNamespace<import('../src/objects.ts').CreditLine>
    AGENTS: DurableObjectNamespace<import('../src/objects.ts').Agents>
    DIRECTORIES: DurableObjectNamespace<import('../src/objects.ts').Directory>
    NUMBERS: DurableObjectNamespace<import('../src/objects.ts').Numbers>
    BOOK: D1Database
    SETTLEMENT: Workflow<import('../src/settlement/run.ts').Cause>
    RPC_URL: string
    RELAYER_KEY: string
    RECEIVER: string
  }
}
