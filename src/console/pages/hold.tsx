/** The hold of an account that a list names: its reason, its effect, and the act that ends it. */
import type { Acted } from '../acting.tsx'
import type { HoldBody as Hold, Problem } from '../answers.ts'
import { shortened } from '../parts/account.ts'
import { dollars, Time } from '../parts/figures.tsx'
import { ActForm, Field } from '../parts/form.tsx'
import { FactList, PageSection } from '../parts/page.tsx'

type HeldProps = {
  account: string
  hold: Hold
  /** The unclaimed amount of a channel, in micro-dollars; null for an address. */
  unclaimed: bigint | null
  /** Null for those who may not release it. */
  formToken: string | null
  refused: Extract<Acted, { problem: Problem }> | undefined
}

/** The section of a held account, with the form that releases it. */
export function Held({ account, hold, unclaimed, formToken, refused }: HeldProps) {
  const { address, list, dated, reason, since } = hold
  return (
    <PageSection title="Held" id="hold">
      <div class="box">
        <p>
          {unclaimed === null
            ? ADDRESS
            : `${CHANNEL} Once released, the next run claims ${dollars(unclaimed)} from it with all others.`}
        </p>
        <FactList
          of={[
            ['Address', <code>{address}</code>],
            [
              'List',
              <>
                {list}
                {dated !== null && (
                  <>
                    {' of '}
                    <Time at={dated} />
                  </>
                )}
              </>,
            ],
            ['Its reason', reason],
            ['Held since', <Time at={since} />],
          ]}
        />
        {formToken !== null && (
          <ActForm
            action={`/accounts/${encodeURIComponent(account)}/release`}
            formToken={formToken}
            title={
              unclaimed === null
                ? `Release the hold on ${shortened(address)}`
                : `Release the hold of ${dollars(unclaimed)} on ${shortened(account)}`
            }
            isMain
          >
            <Field
              name="reason"
              label="Your reason"
              hint="The audit log and the account keep it. A payer that a list still names buys nothing (docs/screening.md)."
              required
              typed={refused?.typed}
              problem={refused?.problem}
            />
          </ActForm>
        )}
      </div>
    </PageSection>
  )
}

const CHANNEL =
  'A list names the payer of this channel. Its vouchers are refused, and its escrow is neither claimed nor refunded.'
const ADDRESS =
  'A list names this address. Its payments are refused, and no run sweeps money to it. Once released, sweeps to it go on.'
