// Times of the API are seconds since the epoch; readers see their own clock, and UTC when they point at it.

const DAY_S = 86_400
const full = new Intl.DateTimeFormat(undefined, { dateStyle: 'medium', timeStyle: 'medium' })
const short = new Intl.DateTimeFormat(undefined, { day: 'numeric', month: 'short', hour: '2-digit', minute: '2-digit', second: '2-digit', hour12: false })
const clock = new Intl.DateTimeFormat(undefined, { hour: '2-digit', minute: '2-digit', hour12: false })
const day = new Intl.DateTimeFormat(undefined, { day: 'numeric', month: 'short' })
const utcDay = new Intl.DateTimeFormat(undefined, { day: 'numeric', month: 'short', timeZone: 'UTC' })
const since = new Intl.RelativeTimeFormat(undefined, { numeric: 'auto', style: 'long' })
const STEPS: [Intl.RelativeTimeFormatUnit, number][] = [['day', DAY_S], ['hour', 3_600], ['minute', 60]]

export const nowS = (): number => Date.now() / 1000
export const fullTime = (at: number): string => full.format(at * 1000)
export const shortTime = (at: number): string => short.format(at * 1000)
export const utcTime = (at: number): string => `${new Date(at * 1000).toISOString().replace('T', ' ').slice(0, 19)} UTC`

/** The label of a chart's point: an hour of the reader's clock, or a day, which the API counts in UTC. */
export const pointLabel = (at: number, hourly: boolean): string =>
  hourly ? `${day.format(at * 1000)} ${clock.format(at * 1000)}` : utcDay.format(at * 1000)

/** “3 minutes ago”, “in 2 days”. */
export function relativeTime(at: number, now: number = nowS()): string {
  const distance = at - now
  for (const [unit, seconds] of STEPS) if (Math.abs(distance) >= seconds) return since.format(Math.trunc(distance / seconds), unit)
  return Math.abs(distance) < 5 ? 'just now' : since.format(Math.trunc(distance), 'second')
}

/** A duration: `840 ms`, `12.4 s`, `3 min 5 s`. */
export function duration(ms: number | null | undefined): string {
  if (ms == null) return '—'
  if (ms < 1) return '< 1 ms'
  if (ms < 1000) return `${Math.round(ms)} ms`
  if (ms < 60_000) return `${(ms / 1000).toFixed(ms < 10_000 ? 2 : 1)} s`
  return `${Math.floor(ms / 60_000)} min ${Math.round((ms % 60_000) / 1000)} s`
}

/** What `<input type="datetime-local">` holds, in the reader's clock. */
export function timeField(at: number | null | undefined): string {
  if (at == null) return ''
  const local = new Date(at * 1000)
  return new Date(local.getTime() - local.getTimezoneOffset() * 60_000).toISOString().slice(0, 16)
}

export const timeOfField = (text: string): number | null => (text ? new Date(text).getTime() / 1000 : null)
