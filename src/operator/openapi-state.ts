/** The operations that show how a deployment does: figures, gauges, alerts, health. */
import { NAMES } from '../ledger/book/chart.ts'
import { OPEN_METRICS } from './metrics.ts'
import type { Operations } from './openapi-operation.ts'

/** Below `/api/figures`, `/api/metrics`, `/api/doctor`, `/api/alerts`, and `/healthz`. */
export const stateOperations: Operations = {
  '/api/figures': {
    get: {
      right: 'figures.read',
      summary: 'Returns figures of money and traffic by hour, day or month, in order of time and names',
      answer: 'Figures',
      query: [...NAMES, 'by', 'interval', 'from', 'to', 'source', 'top', 'after', 'figures', 'format'],
      formats: ['text/csv'],
    },
  },
  '/api/metrics': {
    get: {
      right: 'runs.read',
      summary: 'Returns the state of the deployment as OpenMetrics text',
      answer: null,
      formats: [OPEN_METRICS.split(';')[0] ?? ''],
    },
  },
  '/api/doctor': {
    get: {
      right: 'runs.read',
      summary:
        'Checks the deployment: each check is ok, warn or fail, with the reason and the command that mends it',
      answer: 'Doctor',
      query: ['page'],
      problems: [400],
    },
  },
  '/api/alerts': {
    get: {
      right: 'runs.read',
      summary: 'Lists open alerts, then those resolved in the last 30 days',
      answer: 'Alerts',
    },
  },
  '/api/alerts/{id}/mute': {
    post: {
      right: 'runs.write',
      summary: 'Sends nothing about an open alert for some hours',
      body: 'Mute',
      answer: 'Alert',
    },
  },
  '/api/alerts/test': {
    post: {
      right: 'runs.write',
      summary: 'Sends a test to every webhook. Returns which accepted it',
      answer: 'Tested',
    },
  },
  '/healthz': {
    get: {
      summary: 'Returns whether the deployment works. 503 with the same shape where a check fails',
      answer: 'Health',
      also: [503],
      open: 'public',
    },
  },
}
