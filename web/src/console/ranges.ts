// Spans of time to look at, and the beginning of each.
import { nowS } from './time'

const SECONDS: Record<string, number> = { '1h': 3_600, '24h': 86_400, '7d': 7 * 86_400, '30d': 30 * 86_400 }

export const RANGES = [
  { value: '', label: 'Any time' },
  { value: '1h', label: 'Last hour' },
  { value: '24h', label: 'Last 24 hours' },
  { value: '7d', label: 'Last 7 days' },
  { value: '30d', label: 'Last 30 days' },
]

export const sinceOf = (range: string, now: number = nowS()): number | null => (SECONDS[range] ? Math.floor(now) - SECONDS[range] : null)
