/** The operations that show how a deployment does: figures, gauges, health. */
import { NAMES } from '../ledger/book/chart.ts'
import { OPEN_METRICS } from './metrics.ts'
import type { Operations } from './openapi-operation.ts'

/** `GET /api/figures`, `/api/metrics`, `/api/doctor` and `/healthz`. */
export const stateOperations: Operations = {
  '/api/figures': {
    get: {
      summary: 'Returns figures of money and traffic by hour, day or month, in order of time and names',
      answer: 'Figures',
      query: [...NAMES, 'by', 'interval', 'from', 'to', 'source', 'top', 'after', 'figures', 'format'],
      formats: ['text/csv'],
    },
  },
  '/api/metrics': {
    get: {
      summary: 'Returns the state of the deployment as OpenMetrics text',
      answer: null,
      formats: [OPEN_METRICS.split(';')[0] ?? ''],
    },
  },
  '/api/doctor': {
    get: {
      summary:
        'Checks the deployment: each check is ok, warn or fail, with the reason and the command that mends it',
      answer: 'Doctor',
      query: ['page'],
      problems: [400],
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
