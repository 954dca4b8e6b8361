// Money is whole nano-USD in the API. Nothing here goes through a float: amounts are shown and read digit by digit.

const NANOS_PER_USD = 1_000_000_000n
const DECIMALS = 9
const CENT = 10_000_000n
const AMOUNT = /^\$?(\d{1,7})(?:\.(\d{1,9}))?$|^\$?\.(\d{1,9})$/

export type Nanos = number | bigint

/** All digits that are not zero, at least cents: `$0.0000123`, `$12.50`. */
export function exactUsd(nanos: Nanos): string {
  return render(BigInt(nanos), DECIMALS)
}

/** As many digits as a reader needs: cents from a dollar up, four from a cent up, below that all there are. */
export function usd(nanos: Nanos): string {
  const amount = BigInt(nanos)
  const size = amount < 0n ? -amount : amount
  return render(amount, size >= NANOS_PER_USD ? 2 : size >= CENT ? 4 : DECIMALS)
}

/** For the axis of a chart, whose ticks need not be whole nanos. */
export function usdTick(nanos: number): string {
  return usd(Math.round(nanos))
}

/** What somebody typed, such as `12.50` or `$0.003`; null when it is no amount. */
export function parseUsd(text: string): number | null {
  const found = AMOUNT.exec(text.trim().replaceAll(',', ''))
  if (!found) return null
  const [, whole = '0', fraction = '', bare = ''] = found
  return Number(BigInt(whole) * NANOS_PER_USD + BigInt((fraction || bare).padEnd(DECIMALS, '0')))
}

/** An amount as it stands in a field: no sign of currency, no grouping. */
export function usdField(nanos: Nanos | null | undefined): string {
  return nanos == null ? '' : exactUsd(nanos).replace('$', '').replaceAll(',', '')
}

function render(amount: bigint, decimals: number): string {
  const unit = 10n ** BigInt(DECIMALS - decimals)
  const size = amount < 0n ? -amount : amount
  const rounded = ((size + unit / 2n) / unit) * unit
  const fraction = (rounded % NANOS_PER_USD).toString().padStart(DECIMALS, '0')
  const kept = fraction.replace(/0+$/, '').padEnd(2, '0')
  const whole = (rounded / NANOS_PER_USD).toString().replace(/\B(?=(\d{3})+$)/g, ',')
  return `${amount < 0n && rounded > 0n ? '−' : ''}$${whole}.${kept}`
}
