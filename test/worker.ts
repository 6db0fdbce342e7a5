/** The Worker under test: the real one. */
export * from '../src/worker.ts'
export { default } from '../src/worker.ts'
