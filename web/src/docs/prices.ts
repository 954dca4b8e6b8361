// List prices in words: "input 2.50 per 1M tokens", "0.08 per image, 1792x1024".

const MILLION = 1_000_000
const COUNTED = new Set(['image', 'second', 'call', 'characters'])

/** One line for each rate; `units` says for how many of a unit a rate is. A unit may have a variant behind a colon. */
export function priceInWords(rates: Record<string, string>, units: Record<string, number>): string[] {
  return Object.entries(rates).map(([name, rate]) => {
    const [unit = name, variant] = name.split(':')
    const what = COUNTED.has(unit) ? '' : `${unit.replaceAll('_', ' ').replace(/^cached$/, 'cached input')} `
    const counted = COUNTED.has(unit) ? unit : 'tokens'
    const per = units[unit] ?? 1
    const amount = per === 1 ? counted : per === MILLION ? `1M ${counted}` : `${per.toLocaleString('en')} ${counted}`
    return `${what}${rate} per ${amount}${variant ? `, ${variant.replaceAll('_', ' ').replaceAll('+', ', ')}` : ''}`
  })
}
