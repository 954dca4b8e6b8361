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
  span_s: number
  totals: Measures
  previous: Measures
  /** One for each hour or day, quiet ones too; those of the series are of the same times. */
  points: Point[]
  series: { name: string; label: string; points: Point[] }[]
}

const HOUR_S = 3_600
const MAX_LINES = 6 // as many colours as there are

export const isHourly = ({ span_s }: Overview): boolean => span_s <= HOUR_S

/** One line for each name, the API's order kept; beyond the colours there are, the rest in one. Names without a single value are left out. */
export function seriesOf(overview: Overview, read: (point: Point) => number): Series[] {
  const all = overview.series.map(({ name, label, points }) => ({ name: label || name || 'none', values: points.map(read) })).filter(({ values }) => values.some(Boolean))
  if (all.length <= MAX_LINES) return all
  const [kept, rest] = [all.slice(0, MAX_LINES - 1), all.slice(MAX_LINES - 1)]
  return [...kept, { name: 'others', values: overview.points.map((_, at) => rest.reduce((sum, { values }) => sum + (values[at] ?? 0), 0)) }]
}

/** How far a figure is from that of the period before, in percent; null when there is nothing to compare with. */
export function change(now: number | null, before: number | null): number | null {
  return now == null || !before ? null : ((now - before) / before) * 100
}
