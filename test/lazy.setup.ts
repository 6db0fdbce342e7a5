/// <reference types="vite/client" />
/**
 * Loads the modules that the Worker loads at their first use. Trap: in the test pool such a load is I/O of one request, and a
 * second request that waits for it fails. In the Worker's bundle it is none.
 */
import.meta.glob('../src/{app,chain,operator,settlement}/**/*.ts', { eager: true })
