// Prices as they stand in the list: decimal strings in USD for each unit, tokens and characters by the million.
import type { Price } from './types'

const WORDS: Record<string, string> = {
  input: 'input', output: 'output', cached: 'cached input', cache_write: 'cache write', cache_write_1h: 'cache write for an hour', audio_input: 'sound in', audio_output: 'sound out',
  image_input: 'picture in', image_output: 'picture out', characters: 'characters', image: 'picture', second: 'second', call: 'call',
}
const EACH = new Set(['image', 'second', 'call', 'minute'])

const unitOf = (rate: string): string => rate.split(':')[0] ?? rate

export function isEach(rate: string): boolean {
  return EACH.has(unitOf(rate))
}

/** `input`, or with its condition: `second (pro)`. */
export function rateName(rate: string): string {
  const [unit = '', ...conditions] = rate.split(':')
  const word = WORDS[unit] ?? unit.replaceAll('_', ' ')
  return conditions.length ? `${word} (${conditions.join(', ').replaceAll('_', ' ')})` : word
}

const FIRST = ['input', 'output', 'cached'] // what readers look for
const rank = (rate: string): number => (FIRST.includes(rate) ? FIRST.indexOf(rate) : FIRST.length)

/** “$2.00 input, $8.00 output a million tokens”. */
export function priceWords(price: Price | null): string {
  if (!price) return 'No price: it cannot be used until it has one.'
  if (price.free) return 'Free.'
  const rates = Object.entries(price.rates).sort(([one], [other]) => rank(one) - rank(other))
  const [large, each] = [rates.filter(([name]) => !isEach(name)), rates.filter(([name]) => isEach(name))]
  const parts = [
    large.slice(0, 3).map(([name, rate]) => `$${rate} ${rateName(name)}`).join(', ') + (large.length ? ' a million' : ''),
    each.slice(0, 3).map(([name, rate]) => `$${rate} a ${rateName(name)}`).join(', '),
  ].filter(Boolean)
  return parts.join('; ')
}
