/// <reference types="@cloudflare/vitest-pool-workers/types" />
declare namespace Cloudflare {
  interface Env {
    ACCOUNT: DurableObjectNamespace<import('../src/app/objects.ts').Account>
    AUTHORIZATIONS: DurableObjectNamespace<import('../src/app/objects.ts').Authorizations>
    RELAYER: DurableObjectNamespace<import('../src/app/objects.ts').Relayer>
    LINES: DurableObjectNamespace<import('../src/app/objects.ts').CreditLine>
    AGENTS: DurableObjectNamespace<import('../src/app/objects.ts').Agents>
    DIRECTORIES: DurableObjectNamespace<import('../src/app/objects.ts').Directory>
    NUMBERS: DurableObjectNamespace<import('../src/app/objects.ts').Numbers>
    BOOK: D1Database
    SETTLEMENT: Workflow<import('../src/settlement/run.ts').Cause>
    RPC_URL: string
    RELAYER_KEY: string
    RECEIVER: string
  }
}
