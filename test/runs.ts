/** How often a property is tried: FC_RUNS multiplies it, which `npm run test:fuzz` sets. */
export function runs(count: number): number {
  return count * Number(process.env.FC_RUNS ?? 1)
}
