// The figures of the overview, made ready for charts.
import type { Series } from '../design/UiChart.vue'

export interface Measures {
  spend_nanos: number
  requests: number
  errors: number
  refused: number
  input_tokens: number
  output_tokens: number
  tasks: number
  tasks_failed: number
  first_byte_ms_mean: number | null
  total_ms_p50: number | null
  total_ms_p95: number | null
}

export interface Point extends Measures {
  at: number
}

export interface Overview {
  totals: Measures
  previous: Measures
  points: Point[]
  series: { name: string; points: Point[] }[]
}

const HOUR_S = 3_600
const DAY_S = 86_400
const MAX_HOURLY_S = 3 * DAY_S

export const isHourly = (since: number, until: number): boolean => until - since <= MAX_HOURLY_S

/** The beginning of every hour or day from `since` to `until`: quiet ones have no point in the answer. */
export function moments(since: number, until: number): number[] {
  const step = isHourly(since, until) ? HOUR_S : DAY_S
  const first = Math.floor(since / step) * step
  return Array.from({ length: Math.floor((until - first) / step) + 1 }, (_, index) => first + index * step)
}

/** One value for each moment; where nothing happened 0 for counts, a gap for means. */
export function valuesAt(ats: number[], points: Point[], read: (point: Point) => number | null, quiet: 0 | null = 0): (number | null)[] {
  const found = new Map(points.map((point) => [point.at, point]))
  return ats.map((at) => {
    const point = found.get(at)
    return point ? read(point) : quiet
  })
}

/** One line for each name, those without a single value left out. */
export function seriesOf(ats: number[], overview: Overview, read: (point: Point) => number | null): Series[] {
  return overview.series.map(({ name, points }) => ({ name: name || 'none', values: valuesAt(ats, points, read) })).filter(({ values }) => values.some(Boolean))
}

/** How far a figure is from that of the period before, in percent; null when there is nothing to compare with. */
export function change(now: number | null, before: number | null): number | null {
  return now == null || !before ? null : ((now - before) / before) * 100
}
